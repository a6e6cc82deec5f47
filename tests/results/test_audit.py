import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hmnist.experiments.processes
import hmnist.experiments.workers
import hmnist.models.network_model
import hmnist.results.audit
from hmnist.dataset import LesionDataset
from hmnist.errors import DataError, UsageError
from hmnist.experiments.cells import Cell, Watcher, Workers, estimate_seconds
from hmnist.experiments.train import train
from hmnist.models.base import Model
from hmnist.models.registry import MODELS
from hmnist.results.audit import audit
from hmnist.results.audit_rows import COMPARED
from hmnist.results.audit_table import Audit
from hmnist.results.benchmark import benchmark
from hmnist.results.evaluation import decide_again
from hmnist.results.rows import ScoreSummary
from hmnist.runs.folders import find_runs
from hmnist.runs.run import Run, open_run
from hmnist.scores.intervals import describe_few
from hmnist.splits.leak_steps import isolate_leaks
from hmnist.splits.split import split
from hmnist.systems import SYSTEMS
from tests.conftest import EAGER_WARNINGS, running_eagerly

pytestmark = EAGER_WARNINGS

OPTIONS: dict[str, Any] = {"epochs": 1, "jobs": 1, "threads": 1, "effort": "quick"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("audit")


@pytest.fixture(scope="module")
def few(sample: LesionDataset) -> LesionDataset:
    """Return fewer images, because oversample-first repeats them."""
    return sample.take(np.arange(0, 400, 2))


class Diary(Watcher):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def planned(self, cells: Sequence[Cell], seconds: float) -> None:
        self.lines.append(f"planned {len(cells)}")

    def finished(self, cell: Cell, run: Run) -> None:
        self.lines.append(cell.label)


@pytest.fixture(scope="module")
def diary() -> Diary:
    return Diary()


@pytest.fixture(scope="module")
def found(few: LesionDataset, folder: Path, diary: Diary) -> Audit:
    systems = ["oversample-first", "lenet"]
    with pytest.MonkeyPatch.context() as patch:
        # So many networks, one for each line of the diary, are trained without another process.
        patch.setattr(hmnist.experiments.processes, "NETWORKS_PER_PROCESS", 9)
        patch.setattr(hmnist.models.network_model, "LARGEST", 0)  # no network is written twice
        with running_eagerly():
            return audit(few, systems, out=folder, watcher=diary, **OPTIONS)


STEPS = {
    "lenet": ["clean", "shared lesions", "test validates"],
    "oversample-first": ["clean", "shared lesions", "repeated rows", "test validates"],
}


def test_each_system_is_trained_under_its_protocol_and_with_each_leak(
    found: Audit, diary: Diary
) -> None:
    assert [row.system for row in found.rows] == list(STEPS)
    assert {row.system: [step.name for step in row.steps] for row in found.rows} == STEPS
    planned, *finished = diary.lines
    assert planned == "planned 9"
    assert sorted(finished) == sorted(
        f"{name}, {part}" for name, steps in STEPS.items() for part in ["reproduced", *steps]
    )


@pytest.fixture(scope="module")
def runs(found: Audit, folder: Path) -> dict[str, Run]:
    """Return the runs by the kind of their split."""
    opened = [open_run(path) for path in find_runs(folder)]
    return {run.manifest.split.kind: run for run in opened}


def test_scores_and_differences_are_those_of_the_runs(found: Audit, runs: dict[str, Run]) -> None:
    for row in found.rows:
        reproduced = runs[f"published:{row.system}"]
        assert row.reproduced["accuracy"].mean == pytest.approx(reproduced.scores["accuracy"])
        assert reproduced.history is not None
        best = reproduced.history["val_accuracy"].max()
        assert row.best_epoch == ScoreSummary(best, None, None, None)
        assert row.few_lesions == describe_few([runs[f"audit:{row.system}, clean"].part("test")])
        assert row.few_lesions is not None
        steps = [runs[f"audit:{row.system}, {step.name}"] for step in row.steps]
        for score in COMPARED:
            scores = [run.scores[score] for run in steps]
            for step, expected in zip(row.steps, scores, strict=True):
                assert step.scores[score].mean == pytest.approx(expected)
            differences = [step.effect[score].difference for step in row.steps[1:]]
            np.testing.assert_allclose(differences, np.diff(scores), atol=1e-12)
            total = row.all_leaks[score]
            assert total.difference == pytest.approx(scores[-1] - scores[0])
            if total.low is not None and total.high is not None:
                assert total.low <= total.difference <= total.high
        assert row.steps[0].effect == {}


def test_steps_share_test_images_seed_and_training_images_of_each_diagnosis(
    runs: dict[str, Run], few: LesionDataset
) -> None:
    for system, names in STEPS.items():
        expected = isolate_leaks(split(few, f"published:{system}"))
        steps = [runs[f"audit:{system}, {name}"] for name in names]
        for run, parts in zip(steps, expected.values(), strict=True):
            assert run.manifest.split.digest == parts.digest
            assert run.manifest.recipe.seed == 0
            assert run.manifest.parameters["restore_best"]
            rows = run.predictions["test"].rows
            np.testing.assert_array_equal(rows, steps[0].predictions["test"].rows)
        assert "restore_best" not in runs[f"published:{system}"].manifest.recipe.parameters


def test_nothing_is_fitted_on_what_is_tested(runs: dict[str, Run]) -> None:
    for run in runs.values():
        assert run.decision.kind == "natural"
        assert run.decision.temperature == 1
        assert run.manifest.recipe.oversample == "none"
        assert run.manifest.split.leaks is not None
        with pytest.raises(UsageError, match="no decision can be fitted"):
            decide_again(run, "balanced")


def test_the_reason_names_leaks_and_rows(found: Audit, few: LesionDataset) -> None:
    for row in found.rows:
        parts = split(few, f"published:{row.system}")
        assert parts.leaks
        for leak in parts.leaks:
            assert f"{leak.images:,} " in row.reason
            assert leak.code in row.reason
        assert row.split.sizes == parts.sizes
        assert row.split.proof == parts.proof()
    assert found.rows[0].claim.accuracy == 0.7445
    assert (found.rows[0].epochs, found.rows[0].own_epochs) == (1, 20)
    assert "Epochs were cut: lenet 1 of 20" in found.to_markdown()


def test_an_audit_again_trains_nothing_and_says_the_same(
    found: Audit, few: LesionDataset, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Model, "fit", None)
    again = audit(few, ["lenet", "oversample-first"], out=folder, **OPTIONS)
    assert again.to_dict() == found.to_dict()
    assert json.loads((folder / "audit.json").read_text()) == found.to_dict()


def test_seeds_train_several_models_on_one_split(
    few: LesionDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = _plan(monkeypatch, few, ["lenet", "small-cnn"], tmp_path, seeds=3, epochs=2)
    # Three seeds of lenet and small-cnn, which shares no lesion among so few images, with four
    # splits each.
    assert len(planned) == 24
    assert {cell.recipe.seed for cell in planned} == {0, 1, 2}
    for cell in planned:
        assert cell.split.seed == 0
        assert cell.recipe.parameters["epochs"] == 2
    assert len({cell.folder for cell in planned}) == 24
    assert len({cell.split.digest for cell in planned}) == 8


def test_epochs_by_name_scale_the_estimate(
    few: LesionDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    epochs = {"lenet": 4, "deep-cnn": 1}
    systems = ["oversample-first", "lenet", "deep-cnn", "skin-pamper"]
    planned = _plan(monkeypatch, few, systems, tmp_path, epochs=epochs)
    by_model: dict[str, set[int]] = {}
    for cell in planned:
        by_model.setdefault(cell.recipe.model, set()).add(cell.recipe.parameters["epochs"])
    assert by_model == {"lenet": {4}, "deep-cnn": {1}, "skin-pamper": {25}}
    by_system = {cell.recipe.parameters["epochs"] for cell in planned if "first" in cell.label}
    assert by_system == {4}
    deep = next(cell for cell in planned if cell.recipe.model == "deep-cnn")
    longer = replace(deep, recipe=replace(deep.recipe, parameters={"epochs": 10}))
    assert estimate_seconds(longer) == pytest.approx(10 * estimate_seconds(deep))


@pytest.mark.parametrize(("system", "images"), [("inception-resnet", 9080), ("skin-pamper", 7040)])
def test_the_steps_of_an_epoch_count_for_the_estimate(
    system: str,
    images: int,
    few: LesionDataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    [cell, *_] = _plan(monkeypatch, few, [system], tmp_path)
    expected = MODELS[system].seconds["standard"] * images / 7000
    assert estimate_seconds(cell) == pytest.approx(expected)


def test_epochs_are_those_of_the_source_but_for_quick(
    few: LesionDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def epochs(effort: str, **options: Any) -> set[int]:
        planned = _plan(monkeypatch, few, ["deep-cnn"], tmp_path, effort=effort, **options)
        return {cell.recipe.parameters["epochs"] for cell in planned if "deep" in cell.recipe.model}

    assert epochs("standard") == epochs("best") == {20}
    assert epochs("quick") == {4}
    assert epochs("standard", epochs=np.int64(7)) == {7}


@pytest.mark.parametrize("system", ["skin-pamper", "small-cnn", "oversample-first", "lenet"])
def test_all_steps_are_resampled_as_the_protocol_says(
    system: str, few: LesionDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = _plan(monkeypatch, few, [system], tmp_path)
    reproduced, *steps = [cell for cell in planned if cell.label.startswith(f"{system},")]
    assert reproduced.split.kind == f"published:{system}"
    for cell in steps:
        assert cell.recipe.oversample == reproduced.recipe.oversample
        assert cell.recipe.oversample == ("augment" if system == "skin-pamper" else "none")
        clean = steps[0].split.train.labels
        assert (np.bincount(cell.split.train.labels) == np.bincount(clean)).all()


@pytest.mark.parametrize(
    ("cores", "options", "expected"),
    [
        (1, {}, (1, 1)),
        (2, {}, (2, 1)),
        (8, {}, (2, 4)),
        (8, {"jobs": 1}, (1, 8)),
        (8, {"jobs": 3}, (3, 2)),
        (2, {"threads": 2}, (1, 2)),
        (8, {"threads": 1}, (2, 1)),
    ],
)
def test_two_are_trained_side_by_side_where_there_are_cores(
    cores: int,
    options: dict[str, Any],
    expected: tuple[int, int],
    few: LesionDataset,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def run_cells(cells: Sequence[Cell], workers: Workers, watcher: Watcher) -> None:
        assert (workers.jobs, cells[0].recipe.threads) == expected
        raise KeyboardInterrupt

    monkeypatch.setattr(hmnist.experiments.workers, "available_cores", lambda: cores)
    monkeypatch.setattr(hmnist.results.audit, "run_cells", run_cells)
    with pytest.raises(KeyboardInterrupt):
        audit(few, "lenet", **options)


def test_an_audit_may_run_on_a_cluster(few: LesionDataset, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not an address of a Dask scheduler"):
        audit(few, "lenet", dask="nonsense://x", out=tmp_path)


def _plan(
    monkeypatch: pytest.MonkeyPatch,
    data: LesionDataset,
    systems: list[str],
    out: Path,
    **options: Any,
) -> list[Cell]:
    """Return the cells of an audit that is stopped before it begins."""
    cells: list[Cell] = []

    class Stop(Watcher):
        def planned(self, planned: Sequence[Cell], seconds: float) -> None:
            cells.extend(planned)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        audit(data, systems, out=out, watcher=Stop(), threads=1, **options)
    return cells


def test_a_promise_is_compared_with_the_accuracies(
    found: Audit, few: LesionDataset, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here of a system over itself, whose differences are zero."""
    promising = SYSTEMS["lenet"]
    claim = replace(promising.claim, note="more", better_than="lenet")
    monkeypatch.setitem(SYSTEMS, "lenet", replace(promising, claim=claim))
    [promise] = audit(few, ["lenet"], out=folder, **OPTIONS).promises
    assert promise.systems == ("lenet", "lenet")
    for each in (promise.reproduced, promise.clean):
        assert (each.difference, each.low, each.high) == (0, None, None)


def test_without_a_promise_there_is_none(found: Audit) -> None:
    assert found.promises == ()


def test_a_benchmark_under_a_protocol_names_its_leaks(few: LesionDataset, tmp_path: Path) -> None:
    table = benchmark(
        few,
        ["logistic", "xgboost", "ensemble"],
        split="published:lenet",
        features="pixels",
        effort="quick",
        threads=1,
        out=tmp_path,
    )
    assert [row.oversampling for row in table.rows] == ["none"] * 4
    notes = " ".join(table.notes())
    assert "HM101 shared lesion" in notes
    assert "HM103 test used for validation" in notes
    # The weights of an ensemble would be fitted on the test part.
    [ensemble] = [path for path in find_runs(tmp_path) if path.name.startswith("ensemble")]
    members = open_run(ensemble).manifest.members
    assert [member.weight for member in members] == [0.5, 0.5]


def test_rows_that_are_repeated_are_scored_as_often_as_they_stand_there(
    few: LesionDataset, tmp_path: Path
) -> None:
    kind = "published:small-cnn"
    run = train(few, "majority", split=kind, threads=1, out=tmp_path / "run")
    parts = split(few, kind)
    rows = run.predictions["test"].rows
    assert len(rows) == 700
    assert len(np.unique(rows)) < 700
    np.testing.assert_array_equal(rows, parts.test_indices)
    np.testing.assert_array_equal(run.part("test").labels, parts.test.labels)
    assert "HM102 resampled before split" in run.manifest.split.proof


@pytest.mark.parametrize(
    ("systems", "options", "said"),
    [
        (["alexnet"], {}, "no published system called 'alexnet'"),
        (["cnn"], {}, "no published system called 'cnn'"),
        ([], {}, "No system is named"),
        (["lenet"], {"seeds": 0}, "The number of seeds is 0; expected a whole number from 1"),
        (["lenet"], {"threads": 0}, "The number of threads is 0; expected a whole number from 1"),
        (["lenet"], {"jobs": 0}, "The number of jobs is 0; expected a whole number from 1"),
        (["lenet"], {"epochs": 0}, "Epochs are counted from 1"),
        (["lenet"], {"epochs": 2.5}, "lenet cannot have 2.5"),
        (["lenet"], {"epochs": {"deep-cnn": 1}}, "'deep-cnn', which is not audited"),
        (["vgg16", "mobilenet"], {"pretrained": "vgg.h5"}, "vgg16 and mobilenet are several"),
        (["lenet"], {"effort": "maximal"}, "no effort called 'maximal'"),
        (["lenet"], {"seed": -1}, "seed cannot be -1"),
        (
            ["lenet"],
            {"efort": "quick"},
            "hmnist.audit takes no keyword 'efort'. Did you mean effort",
        ),
    ],
)
def test_a_wrong_choice_is_refused_before_any_work(
    systems: list[str], options: dict[str, Any], said: str, few: LesionDataset, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=said):
        audit(few, systems, out=tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_images_that_are_too_small_are_refused_before_any_work(
    few: LesionDataset, tmp_path: Path
) -> None:
    small = replace(few, images=few.images[:, ::4, ::4])
    with pytest.raises(UsageError, match="7×7 pixels are too small for lenet"):
        audit(small, ["small-cnn", "lenet"], out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_lesions_must_be_known(few: LesionDataset, tmp_path: Path) -> None:
    unknown = replace(few, lesion_ids=None, metadata=None)
    with pytest.raises(UsageError, match="lesions are unknown") as caught:
        audit(unknown, ["lenet"], out=tmp_path / "out")
    assert "HAM10000_metadata.csv" in caught.value.hint
    with pytest.raises(DataError):
        split(unknown, "published:inception-resnet")
