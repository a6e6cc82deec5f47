"""The page in a browser: nothing fails, and what it shows is what Python computes."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hmnist.dataset import LesionDataset
from hmnist.decisions.decision import Decision
from hmnist.diagnoses import CODES, MALIGNANT
from hmnist.results.benchmark_folder import open_benchmark
from hmnist.results.page.pooled import PooledPredictions, pool_predictions
from hmnist.results.table import MARK
from hmnist.scores.predictions import Predictions
from hmnist.scores.reliability import sort_into_bins
from hmnist.scores.report import confusion_matrix
from hmnist.scores.subgroups import wilson_interval
from hmnist.scores.text import interval_text, score_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """Return Chromium, where it is installed."""
    playwright = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed.")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def shown(browser: "Browser", page: Path) -> "Iterator[Page]":
    """Return the report in a window; it fails if the page complains."""
    window = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme="light")
    complaints: list[str] = []
    window.on("console", lambda message: complaints.append(message.text))
    window.on("pageerror", lambda error: complaints.append(str(error)))
    window.on("request", lambda request: complaints.append(request.url[:60]))
    window.goto(page.as_uri())
    window.wait_for_selector("#pictures canvas")
    yield window
    window.close()
    allowed = ("file:", "data:image/png;")
    assert [text for text in complaints if not text.startswith(allowed)] == []


@pytest.fixture(scope="module")
def first(folder: Path) -> PooledPredictions:
    """Return what the page shows at first: the first row, the first seed."""
    return pool_predictions(open_benchmark(folder).runs[0])[0]


def cells(window: "Page", selector: str) -> list[str]:
    return window.locator(selector).all_inner_texts()


def counts(window: "Page", table: str) -> list[list[int]]:
    rows = window.locator(f"{table} tbody tr").all()
    return [
        [int(text.split()[0].replace(",", "")) for text in row.locator("td").all_inner_texts()]
        for row in rows
    ]


def test_columns_are_sorted_by_click_and_by_key(shown: "Page") -> None:
    heading = shown.locator("#scores thead th", has_text="log loss")
    column = "#scores tbody td:nth-child(6)"
    heading.click()
    rising = [float(text) for text in cells(shown, column)]
    assert rising == sorted(rising)
    assert len(set(rising)) > 1
    assert heading.get_attribute("aria-sort") == "ascending"
    heading.press("Enter")
    assert [float(text) for text in cells(shown, column)] == rising[::-1]
    assert heading.get_attribute("aria-sort") == "descending"
    shown.locator("#scores thead th", has_text="accuracy").nth(0).click()
    assert heading.get_attribute("aria-sort") is None


def test_the_first_click_puts_the_best_first(shown: "Page") -> None:
    shown.locator("#scores thead th", has_text="AUC").click()
    values = [float(text) for text in cells(shown, "#scores tbody td:nth-child(5)")]
    assert values == sorted(values, reverse=True)


def test_a_click_selects_a_model_and_a_list_its_seed(shown: "Page", folder: Path) -> None:
    table = open_benchmark(folder)
    label = cells(shown, "#scores tbody th")[1]
    shown.get_by_role("button", name=label, exact=True).click()
    assert shown.locator("#model-title").inner_text() == f"One model: {label.removesuffix(MARK)}"
    assert shown.locator("tr.selected th").all_inner_texts() == [label]
    shown.locator("#seed-choice").select_option("1")
    expected = pool_predictions(table.runs[1])[1].to_score()
    assert counts(shown, "#confusion-table") == confusion_matrix(expected).tolist()


@pytest.mark.parametrize("threshold", [0.0, 0.05, 0.312, 1.0])
def test_the_slider_shows_what_the_decision_would_score(
    shown: "Page", first: PooledPredictions, threshold: float
) -> None:
    shown.locator("#threshold").fill(str(threshold))
    assert shown.locator("#threshold-value").inner_text() == score_text(threshold)
    predicted = Decision("sensitive", threshold=threshold).decide(first.probabilities)
    expected = confusion_matrix(Predictions(first.labels, first.probabilities, predicted))
    assert counts(shown, "#point-confusion") == expected.tolist()
    assert first.lesions is not None
    malignant, called = np.isin(first.labels, MALIGNANT), np.isin(predicted, MALIGNANT)
    rows = [cells(shown, f"#point tbody tr:nth-child({number}) td") for number in (1, 2)]
    for row, side in zip(rows, (malignant, ~malignant), strict=True):
        share = float(np.mean(called[side] == malignant[side]))
        low, high = wilson_interval(share, len(set(first.lesions[side])))
        right = f"{(called[side] == malignant[side]).sum()} of {side.sum()}"
        assert row == [score_text(share), interval_text(low, high), right]


def test_intervals_of_reliability_count_lesions(shown: "Page", first: PooledPredictions) -> None:
    assert "intervals over lesions" in shown.locator("#reliability-about").inner_text()
    assert first.lesions is not None
    right = first.probabilities.argmax(axis=1) == first.labels
    filled = [rows for rows in sort_into_bins(first.probabilities.max(axis=1)) if len(rows)]
    whiskers = shown.locator("#reliability-chart .whisker").all()
    for whisker, rows in zip(whiskers, filled, strict=True):
        share = float(right[rows].mean())
        ends = wilson_interval(share, len(set(first.lesions[rows].tolist())))
        drawn = [1 - float(whisker.get_attribute(name) or 0) / 240 for name in ("y1", "y2")]
        assert drawn == pytest.approx(ends)


def test_the_threshold_of_validation_is_marked(shown: "Page", first: PooledPredictions) -> None:
    shown.locator("#threshold").fill("0.9")
    shown.locator("#fitted").click()
    value = shown.locator("#threshold-value").inner_text()
    assert shown.locator("#fitted-text").inner_text().startswith(value)
    assert shown.locator("#marks i").count() >= 1
    assert shown.locator("#point-spoken").inner_text().startswith(f"Threshold {value}: sensitivity")
    point, ring = (shown.locator(f"#curve circle.{kind}") for kind in ("point", "ring"))
    assert point.get_attribute("cx") == ring.get_attribute("cx")
    assert "optimistic" in shown.locator("#operating .warning").inner_text()


def test_a_cell_of_the_confusion_matrix_shows_its_images(
    shown: "Page", first: PooledPredictions, named: LesionDataset
) -> None:
    confusion = confusion_matrix(first.to_score())
    assert counts(shown, "#confusion-table") == confusion.tolist()
    np.fill_diagonal(confusion, 0)
    label, other = divmod(int(confusion.argmax()), len(CODES))
    button = f"#confusion-table tbody tr:nth-child({label + 1}) td:nth-child({other + 2}) button"
    shown.locator(button).click()
    assert shown.locator(button).get_attribute("aria-pressed") == "true"
    wrong = np.flatnonzero((first.labels == label) & (first.predicted == other))
    order = wrong[np.argsort(-first.confidence()[wrong], kind="stable")]
    words = [f"{CODES[label]} → {CODES[other]}"]
    assert set(cells(shown, "#pictures strong")) == set(words)
    assert shown.locator("#pictures li").count() == min(len(order), 48)
    assert shown.locator("#mistakes-count").inner_text().startswith(f"{len(order)} mistakes")
    pixels = shown.evaluate(
        "Array.from(document.querySelector('#pictures canvas').getContext('2d')"
        ".getImageData(0, 0, 28, 28).data)"
    )
    image = named.images[first.rows[order[0]]]
    assert np.array_equal(np.array(pixels).reshape(28, 28, 4)[:, :, :3], image)


def test_the_lists_filter_as_well(shown: "Page", first: PooledPredictions) -> None:
    shown.locator("#true-choice").select_option(str(CODES.index("mel")))
    wrong = (first.labels == CODES.index("mel")) & (first.predicted != first.labels)
    assert shown.locator("#pictures li").count() == wrong.sum()
    shown.locator("#predicted-choice").select_option(str(CODES.index("mel")))
    assert shown.locator("#mistakes-count").inner_text() == "No such mistakes."
    shown.locator("#true-choice").select_option("")
    wrong = (first.predicted == CODES.index("mel")) & (first.predicted != first.labels)
    assert shown.locator("#pictures li").count() == wrong.sum()


def test_a_name_that_is_html_stays_text(shown: "Page") -> None:
    assert "</script>" in cells(shown, "#pictures li")[0]
    assert shown.evaluate("window.hacked") is None
    assert shown.locator("#pictures img").count() == 0


def test_the_page_is_as_wide_as_a_phone(shown: "Page") -> None:
    shown.set_viewport_size({"width": 375, "height": 812})
    assert shown.evaluate("document.documentElement.scrollWidth") <= 375


def test_dark_and_light(shown: "Page") -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    light = shown.evaluate(background)
    shown.get_by_role("button", name="Dark").click()
    dark = shown.evaluate(background)
    shown.emulate_media(color_scheme="dark")
    shown.get_by_role("button", name="Light").click()
    assert shown.evaluate(background) == light != dark


def test_every_control_can_be_reached_by_key(shown: "Page") -> None:
    unreachable = shown.evaluate(
        "[...document.querySelectorAll('button, select, input, a, .scroll, .sortable thead th')]"
        ".filter((each) => each.checkVisibility() && !each.dataset.sortMethod && each.tabIndex < 0)"
        ".length"
    )
    assert unreachable == 0


def test_a_page_without_data_says_how_to_get_pictures(
    browser: "Browser", folder: Path, tmp_path: Path
) -> None:
    from hmnist.results.page.report import write_report

    window = browser.new_page()
    window.goto(write_report(folder, out=tmp_path / "plain.html").as_uri())
    assert window.locator("#mistakes-missing").is_visible()
    assert window.locator("#subgroups-missing").is_visible()
    assert not window.locator("#mistakes-gallery").is_visible()
    assert counts(window, "#confusion-table")
    window.close()
