"""A benchmark folder from elsewhere: the table is that of its runs, which lie in the folder."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hmnist.dataset import LesionDataset
from hmnist.errors import TrustError
from hmnist.experiments.cells import Watcher
from hmnist.files import hash_file
from hmnist.guarded import LARGEST_JSON
from hmnist.results.benchmark import benchmark
from hmnist.results.benchmark_folder import open_benchmark, open_table, verify_benchmark
from hmnist.results.compared_runs import find_rows
from hmnist.results.page.report import write_report
from hmnist.runs.folders import find_runs
from hmnist.runs.run import open_run

SETTINGS: dict[str, Any] = {
    "models": ["logistic", "xgboost", "ensemble"],
    "features": "pixels",
    "effort": "quick",
    "threads": 1,
    "parameters": {"xgboost": {"n_estimators": 3, "linear_start": False}},
}


class Notes(Watcher):
    """Keeps the sentences."""

    def __init__(self) -> None:
        self.sentences: list[str] = []

    def noted(self, sentence: str) -> None:
        """Keep the sentence."""
        self.sentences.append(sentence)


@pytest.fixture(scope="module")
def finished(sample: LesionDataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a benchmark folder; tests do not change it."""
    folder = tmp_path_factory.mktemp("finished") / "bench"
    benchmark(sample, **SETTINGS, out=folder)
    return folder


@pytest.fixture
def bench(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "bench"))


def test_a_benchmark_may_lie_in_the_home_folder(
    finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(finished.parent))
    assert open_table("~/bench").rows == open_table(finished).rows


def test_the_table_of_another_benchmark_is_not_replaced_without_a_word(
    sample: LesionDataset, tmp_path: Path
) -> None:
    def told(data: LesionDataset, **options: Any) -> list[str]:
        notes = Notes()
        benchmark(data, "majority", threads=1, out=tmp_path, watcher=notes, **options)
        return notes.sentences

    assert told(sample) == []
    assert told(sample) == []
    [other_split] = told(sample, seed=1)
    assert other_split == (
        f"{tmp_path / 'table.json'} is that of another benchmark (data synthetic sample, split "
        "by lesion, seed 0) and will be replaced; its run folders stay."
    )
    assert told(sample, seed=1) == []
    assert len(told(sample.take(np.arange(len(sample) - 1)), seed=1)) == 1
    (tmp_path / "table.json").write_text("{}")
    assert told(sample) == []  # of a damaged table nothing can be said


def of_model(folder: Path, model: str) -> Path:
    [found] = [path for path in find_runs(folder) if path.name.startswith(model)]
    return found


def change(path: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    facts = json.loads(path.read_text(encoding="utf-8"))
    edit(facts)
    path.write_text(json.dumps(facts), encoding="utf-8")


def test_a_finished_benchmark_is_verified(bench: Path) -> None:
    runs = [open_run(path) for path in find_runs(bench)]
    assert verify_benchmark(bench) == sum(len(run.manifest.files) for run in runs)


def test_the_table_knows_the_manifest_of_each_run(bench: Path) -> None:
    listed = {name: digest for row in open_table(bench).rows for name, digest in row.runs.items()}
    assert listed == {
        path.name: hash_file(path / "manifest.json") for path in sorted(find_runs(bench))
    }


@pytest.mark.parametrize("content", [b"{", b" " * (LARGEST_JSON + 1)])
def test_a_damaged_table_is_made_again_by_the_benchmark(bench: Path, content: bytes) -> None:
    (bench / "table.json").write_bytes(content)
    for use in (open_table, open_benchmark, verify_benchmark, write_report):
        with pytest.raises(TrustError, match="damaged") as caught:
            use(bench)
        assert "again with the same --out" in caught.value.hint


def test_a_run_with_another_manifest_is_not_that_of_the_table(bench: Path) -> None:
    change(of_model(bench, "xgboost") / "manifest.json", lambda facts: facts.update(fit_seconds=1))
    for use in (open_benchmark, verify_benchmark, write_report, lambda path: find_rows([path])):
        with pytest.raises(TrustError, match="its manifest differs"):
            use(bench)


def test_a_run_that_is_a_link_is_refused(bench: Path) -> None:
    member = of_model(bench, "xgboost")
    member.rename(bench.parent / "outside")
    member.symlink_to(bench.parent / "outside")
    with pytest.raises(TrustError, match="does not have the run xgboost"):
        open_benchmark(bench)
    with pytest.raises(TrustError, match="does not have the run xgboost"):
        _ = open_run(of_model(bench, "ensemble")).members


@pytest.mark.parametrize("name", ["..", ".", "a/b", "../bench", "", "/tmp", "a\\b", "x" * 300])
def test_a_name_that_leads_elsewhere_is_refused(bench: Path, name: str) -> None:
    ensemble = of_model(bench, "ensemble")
    change(ensemble / "manifest.json", lambda facts: facts["members"][0].update(run=name))
    with pytest.raises(TrustError, match="members"):
        open_run(ensemble)
    change(bench / "table.json", lambda facts: facts["rows"][0].update(runs={name: "0" * 64}))
    with pytest.raises(TrustError, match="runs"):
        open_table(bench)


@pytest.mark.parametrize("weights", [(0.5, 0.6), (0.0, 1.0), (-0.5, 1.5), (1.0, 1.0)])
def test_weights_of_an_ensemble_are_shares_of_one(
    bench: Path, weights: tuple[float, float]
) -> None:
    def edit(facts: dict[str, Any]) -> None:
        for member, weight in zip(facts["members"], weights, strict=True):
            member["weight"] = weight

    ensemble = of_model(bench, "ensemble")
    change(ensemble / "manifest.json", edit)
    with pytest.raises(TrustError, match="damaged"):
        open_run(ensemble)


def test_an_ensemble_is_no_member(bench: Path) -> None:
    ensemble = of_model(bench, "ensemble")
    other = Path(shutil.copytree(ensemble, bench / "other"))

    def edit(facts: dict[str, Any]) -> None:
        facts["members"][0] |= {
            "run": ensemble.name,
            "digest": hash_file(ensemble / "manifest.json"),
        }
        facts["recipe"]["parameters"]["members"].append("ensemble")

    change(other / "manifest.json", edit)
    with pytest.raises(TrustError, match="cannot be its member"):
        _ = open_run(other).members


def test_an_ensemble_is_the_soft_vote_of_its_members(bench: Path) -> None:
    def edit(facts: dict[str, Any]) -> None:
        for member, weight in zip(facts["members"], (0.99, 0.01), strict=True):
            member["weight"] = weight

    ensemble = of_model(bench, "ensemble")
    change(ensemble / "manifest.json", edit)
    digest = hash_file(ensemble / "manifest.json")

    def repair(facts: dict[str, Any]) -> None:
        for row in facts["rows"]:
            row["runs"].update({ensemble.name: digest} if ensemble.name in row["runs"] else {})

    change(bench / "table.json", repair)
    with pytest.raises(TrustError, match="not the soft vote"):
        verify_benchmark(bench)


def test_scores_of_a_table_are_those_of_its_predictions(bench: Path) -> None:
    change(bench / "table.json", lambda facts: facts["rows"][0]["accuracy"].update(mean=0.99))
    with pytest.raises(TrustError, match=r"the scores of .* are not those"):
        verify_benchmark(bench)


@pytest.mark.parametrize("path", ["rows", "ranking.score", "rows.0.accuracy", "split.sizes.test"])
def test_a_table_that_lacks_something_is_refused(bench: Path, path: str) -> None:
    def edit(facts: dict[str, Any]) -> None:
        *above, last = path.split(".")
        parent: Any = facts
        for key in above:
            parent = parent[int(key) if isinstance(parent, list) else key]
        parent[last] = [] if last == "rows" else "x"

    change(bench / "table.json", edit)
    with pytest.raises(TrustError, match="table is damaged"):
        open_table(bench)


def test_a_damaged_cell_is_named_and_made_again(bench: Path, sample: LesionDataset) -> None:
    expected = {row.model: row.scores for row in open_table(bench).rows}
    for model in ("logistic", "ensemble"):
        (of_model(bench, model) / "predictions.csv").write_text("damaged")
    notes = Notes()
    table = benchmark(sample, **SETTINGS, out=bench, watcher=notes)
    assert {row.model: row.scores for row in table.rows} == expected
    for sentence, model in zip(notes.sentences, ("logistic", "ensemble"), strict=True):
        assert sentence.startswith(f"{model}, oversampling random, seed 0: {bench}")
        assert sentence.endswith("predictions.csv is not what was written; it is made again.")
    verify_benchmark(bench)


def test_a_cell_with_strange_predictions_is_made_again(bench: Path, sample: LesionDataset) -> None:
    cell = of_model(bench, "logistic")
    lines = (cell / "predictions.csv").read_text().splitlines(keepends=True)
    (cell / "predictions.csv").write_text("".join(lines[:-1]))
    stored = {
        "bytes": (cell / "predictions.csv").stat().st_size,
        "sha256": hash_file(cell / "predictions.csv"),
    }
    change(cell / "manifest.json", lambda facts: facts["files"].update({"predictions.csv": stored}))
    notes = Notes()
    benchmark(sample, **SETTINGS, out=bench, watcher=notes)
    assert "it is made again." in notes.sentences[0]
    verify_benchmark(bench)
