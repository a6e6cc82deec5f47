"""The file as a whole: what is in it, what is not, and what is refused."""

import json
import shutil
from html import escape
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from hmnist.dataset import LesionDataset
from hmnist.errors import DataMissingError, TrustError, UsageError
from hmnist.results.audit_table import Audit
from hmnist.results.page.report import write_report
from hmnist.results.table import Table
from hmnist.runs.run import Run
from hmnist.scores.text import interval_text, p_text
from tests.results.examples import audit_row, data_facts, table_settings
from tests.results.page.conftest import EVIL

VOID = {"meta", "input", "img", "br", "link", "hr"}


class Parsed(HTMLParser):
    """The elements of a page; closing tags must fit the opening ones."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.setdefault(self.open[-1] if self.open else "", []).append(data)

    def all(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.attributes if tag == name]


def parse(path: Path) -> Parsed:
    return Parsed(path.read_text(encoding="utf-8"))


def write_audit(folder: Path) -> Path:
    audit = Audit(
        data=data_facts(),
        settings=table_settings(versions={"hmnist": "1"}),
        rows=(audit_row("lenet"), audit_row("<b>deep-cnn")),
    )
    (folder / "audit.json").write_text(audit.to_json(), encoding="utf-8")
    return write_report(folder)


@pytest.fixture(params=["benchmark", "run", "audit"])
def any_page(
    request: pytest.FixtureRequest, page: Path, run: Run, sample: LesionDataset, tmp_path: Path
) -> Path:
    if request.param == "benchmark":
        return page
    if request.param == "run":
        return write_report(run.folder, data=sample, out=tmp_path / "run.html")
    return write_audit(tmp_path)


def test_the_page_is_sound_html_of_one_language(any_page: Path) -> None:
    parsed = parse(any_page)
    assert parsed.all("html")[0]["lang"] == "en"
    identifiers = [of["id"] for _, of in parsed.attributes if "id" in of]
    assert len(set(identifiers)) == len(identifiers)
    for _, attributes in parsed.attributes:
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        for name in ("for", "aria-labelledby"):
            assert attributes.get(name, identifiers[0]) in identifiers
        if link := attributes.get("href"):
            assert link.removeprefix("#") in identifiers
    assert all("scope" in attributes for attributes in parsed.all("th"))
    assert len(parsed.all("caption")) == len(parsed.all("table"))
    assert len(parsed.all("main")) == len(parsed.all("h1")) == 1


def test_the_page_loads_nothing(any_page: Path) -> None:
    text = any_page.read_text(encoding="utf-8")
    parsed = parse(any_page)
    assert not [of for _, of in parsed.attributes if "src" in of]
    assert parsed.all("link") == []
    for address in ("http:", "https:", "url(", "@import", "import(", "fetch("):
        assert address not in text
    [policy] = [of["content"] for of in parsed.all("meta") if "http-equiv" in of]
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy


def test_a_report_is_small(any_page: Path) -> None:
    assert any_page.stat().st_size < 1_000_000


def test_a_name_cannot_end_the_data(page: Path) -> None:
    parsed = parse(page)
    assert len(parsed.all("script")) == 2
    assert parsed.all("img") == []
    data = json.loads(parsed.texts["script"][0])
    assert all(name.startswith(EVIL) for name in data["gallery"]["ids"])


def test_names_in_tables_are_escaped(tmp_path: Path) -> None:
    assert "<b>deep-cnn" not in write_audit(tmp_path).read_text(encoding="utf-8")
    assert "&lt;b&gt;deep-cnn" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_every_row_and_every_note_of_the_table_is_there(page: Path, folder: Path) -> None:
    table = Table.from_json((folder / "table.json").read_bytes())
    parsed = parse(page)
    buttons = [of["data-model"] for of in parsed.all("button") if "data-model" in of]
    assert buttons == [str(number) for number in range(len(table.rows))]
    assert set(table.notes()) <= set(parsed.texts["li"])
    for row in table.rows:
        mean = row.scores["accuracy"].mean
        assert f'data-sort="{mean:.9f}"' in page.read_text(encoding="utf-8")


def test_every_difference_to_the_best_row_is_there(page: Path, folder: Path) -> None:
    table = Table.from_json((folder / "table.json").read_bytes())
    differences = [row.difference for row in table.rows if row.difference is not None]
    assert len(differences) == len(table.rows) - 1
    text = page.read_text(encoding="utf-8")
    section = text[text.index('<section id="differences"') : text.index('<section id="model"')]
    for each in differences:
        assert f"<td>{interval_text(each.low, each.high, signed=True)}</td>" in section
        assert f">{escape(p_text(each.p_value))}</td>" in section


def test_licences_travel_with_the_page(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "Tristen Brown" in text
    assert "Permission is hereby granted" in text


def test_without_data_there_are_no_pictures_and_no_subgroups(folder: Path, tmp_path: Path) -> None:
    path = write_report(folder, out=tmp_path / "deep" / "page.html")
    data = json.loads(parse(path).texts["script"][0])
    assert data["gallery"] is None
    assert data["subgroups"] == []


@pytest.mark.parametrize("name", ["pixels.csv", "manifest.json", "page", ".html", "page.html.gz"])
def test_a_page_replaces_no_other_kind_of_file(run: Run, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(UsageError, match=r"\.html") as caught:
        write_report(run.folder, out=tmp_path / name)
    assert "page.html" in caught.value.hint
    assert (tmp_path / name).read_text() == "mine"


def test_a_page_may_lie_in_the_home_folder(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert write_report(run.folder, out="~/page.html") == tmp_path / "page.html"
    monkeypatch.setenv("HOME", str(run.folder.parent))
    path = tmp_path / "there.html"
    assert write_report(f"~/{run.folder.name}", out=path) == path


@pytest.mark.parametrize("name", ["page.html", "page.htm", "PAGE.HTML"])
def test_a_page_has_an_ending_that_browsers_know(run: Run, tmp_path: Path, name: str) -> None:
    assert write_report(run.folder, out=tmp_path / name) == tmp_path / name


def test_other_data_are_refused(folder: Path, sample: LesionDataset) -> None:
    with pytest.raises(UsageError, match="other images"):
        write_report(folder, data=sample.take(np.arange(50)))


def test_what_is_no_result_is_refused(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(DataMissingError, match="no folder"):
        write_report(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="not a benchmark, audit or run"):
        write_report(tmp_path)
    unfinished = shutil.copytree(folder, tmp_path / "unfinished")
    (unfinished / "table.json").unlink()
    with pytest.raises(UsageError, match="not finished"):
        write_report(unfinished)
    (unfinished / "table.json").write_text("{}")
    with pytest.raises(TrustError, match="table"):
        write_report(unfinished)


def test_nothing_is_written_where_a_run_is_damaged(tmp_path: Path, folder: Path) -> None:
    damaged = shutil.copytree(folder, tmp_path / "damaged")
    (damaged / "report.html").unlink(missing_ok=True)
    next(damaged.glob("logistic*/predictions.csv")).write_text("part\n")
    with pytest.raises(TrustError, match="damaged"):
        write_report(damaged)
    assert not (damaged / "report.html").exists()
