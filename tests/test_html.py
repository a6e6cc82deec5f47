"""What notebooks show."""

import base64
import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from PIL import Image

from hmnist.dataset import LesionDataset
from hmnist.html import image_html
from hmnist.results.audit_table import Audit
from hmnist.results.evaluation import evaluate_run
from hmnist.results.table import Table
from hmnist.runs.run import Run
from hmnist.scores.comparison import Comparison
from hmnist.scores.paired_tests import compare_predictions
from hmnist.splits.split import split
from tests.results.examples import audit_row, data_facts, split_facts, table_row, table_settings
from tests.scores.test_comparison import draw_model

EVIL = "<script>alert('&')</script>"


class Balanced(HTMLParser):
    """Refuses tags that are not closed, and notes which there were."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.seen.add(tag)
        if tag != "img":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def comparison(*names: str) -> Comparison:
    models = {name: [draw_model(number, 1.5)] for number, name in enumerate(names)}
    return compare_predictions(models, resamples=20)


def table(name: str) -> Table:
    rows = (table_row("cnn", 0.7), table_row("majority", 0.1))
    return Table(data_facts(name=name), split_facts(), table_settings(), rows)


def audit(name: str) -> Audit:
    return Audit(
        data=data_facts(name=name),
        settings=table_settings(),
        rows=(audit_row("lenet"),),
    )


def test_everything_is_escaped_and_closed(run: Run, sample: LesionDataset) -> None:
    data = replace(sample, name=EVIL)
    manifest = replace(run.manifest, data=replace(run.manifest.data, name=EVIL))
    shown: list[Any] = [
        table(EVIL), audit(EVIL), comparison(EVIL, "b"), comparison("a", EVIL, "c"), data,
        split(data), replace(run, manifest=manifest), replace(evaluate_run(run), title=EVIL),
    ]  # fmt: skip
    for value in shown:
        text = value._repr_html_()
        seen = Balanced(text).seen
        assert "table" in seen
        assert "script" not in seen
        assert "&lt;script&gt;" in text
        assert "color" not in text


def test_short_names(run: Run, sample: LesionDataset) -> None:
    shown: list[Any] = [table("a.csv"), audit("a.csv"), comparison("a", "b", "c")]
    shown += [split(sample), run, evaluate_run(run)]
    texts = list(map(repr, shown))
    assert texts[:3] == ["Table(2 rows, a.csv)", "Audit(lenet on a.csv)", "Comparison(a, b, c)"]
    assert texts[3].startswith("Split('synthetic sample', 'lesion', 2")
    assert texts[4].startswith("Run(logistic, '")
    assert texts[5].startswith("Evaluation('logistic on the test part")
    assert all("\n" not in text for text in texts)


def test_print_shows_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "70")
    for value in (table("a.csv"), audit("a.csv")):
        lines = str(value).splitlines()
        assert max(map(len, lines)) <= 70
        assert lines[1].startswith("──")
        assert "a.csv" in str(value)


def test_images_are_pictures_within_the_page(rng: np.random.Generator) -> None:
    for channels in (1, 3):
        images = rng.integers(0, 256, (3, 5, 4, channels), dtype=np.uint8)
        found = re.search(r"base64,([^\"]+)", image_html(images, zoom=2))
        assert found is not None
        picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(found[1]))))
        picture = picture.reshape(10, 24, channels)
        assert np.array_equal(picture[::2, ::2], np.concatenate(list(images), axis=1))


def test_a_data_set_shows_images_of_the_diagnoses_it_has(sample: LesionDataset) -> None:
    only = sample.take(np.flatnonzero(sample.labels == 4))
    assert only._repr_html_().count("<img") == 1
    assert f"<td>nv</td><td>{len(only)}</td>" in only._repr_html_()
    assert sample._repr_html_().count("<img") == len(np.unique(sample.labels))


def test_one_pair_comes_with_its_sentence() -> None:
    one, several = comparison("a", "b")._repr_html_(), comparison("a", "b", "c")._repr_html_()
    assert "No difference" in one or "beats" in one
    assert "all 48 tests" in several
