"""Searches on the sample, with models that take a moment."""

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hmnist
from hmnist.dataset import LesionDataset
from hmnist.errors import UsageError, WorkError
from hmnist.experiments.tuning import SETTINGS_FILE, Tuning, tune
from hmnist.models.boosting_xgboost import XGBoost
from hmnist.models.logistic import Logistic
from hmnist.models.mlp import MLP
from hmnist.models.search_space import Choice, Interval
from hmnist.splits.split import Split, split
from tests.conftest import Command

QUICK: dict[str, Any] = {
    "features": "pixels",
    "effort": "quick",
    "threads": 1,
    "oversample": "none",
}


@pytest.fixture(scope="module")
def data(sample: LesionDataset) -> LesionDataset:
    """Return the sample with images of 7×7."""
    return replace(sample, images=np.ascontiguousarray(sample.images[:, ::4, ::4]))


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        Logistic,
        "search_space",
        {"penalty": Interval(0.01, 10.0, log=True), "max_iter": Interval(1, 100, log=True)},
    )


def search(data: LesionDataset, out: Path, trials: int = 3, **settings: Any) -> Tuning:
    given = {"parameters": {"max_iter": 5}, **QUICK, **settings}
    return tune(data, "logistic", trials=trials, out=out, **given)


def losses(tuning: Tuning) -> list[float | None]:
    return [trial.log_loss for trial in tuning.trials]


def test_the_value_is_the_log_loss_on_validation(data: LesionDataset, tmp_path: Path) -> None:
    tuning = search(data, tmp_path / "search")
    penalty = tuning.best.parameters["penalty"]
    run = hmnist.train(
        data,
        "logistic",
        parameters={"max_iter": 5, "penalty": penalty},
        out=tmp_path / "run",
        **QUICK,
    )
    labels = split(data).validation.labels
    probabilities = run.predictions["validation"].probabilities[np.arange(len(labels)), labels]
    assert -np.log(probabilities).mean() == pytest.approx(tuning.best.log_loss, rel=1e-4)


def test_trials_are_ranked(data: LesionDataset, tmp_path: Path) -> None:
    tuning = search(data, tmp_path)
    assert [trial.number for trial in tuning.trials] == [1, 2, 3]
    assert tuning.trials[0].parameters == {"penalty": 0.1}
    assert tuning.best is tuning.ranked[0]
    ranked = [trial.log_loss or 0 for trial in tuning.ranked]
    assert ranked == sorted(ranked)


def test_a_fixed_parameter_is_not_searched(data: LesionDataset, tmp_path: Path) -> None:
    both = search(data, tmp_path / "both", trials=1, parameters={})
    assert set(both.best.parameters) == {"penalty", "max_iter"}
    with pytest.raises(UsageError, match="are fixed"):
        search(data, tmp_path, parameters={"penalty": 1.0, "max_iter": 5})


# Nothing of the test part is used.


def write_split(data: LesionDataset, path: Path) -> Split:
    parts = split(data)
    of_row = np.empty(len(data), dtype="<U10")
    for name, rows in parts.indices.items():
        of_row[rows] = name
    lines = [f"{row},{part}\n" for row, part in enumerate(of_row)]
    path.write_text("row,part\n" + "".join(lines), encoding="utf-8")
    return parts


def test_other_test_images_change_nothing(data: LesionDataset, tmp_path: Path) -> None:
    parts = write_split(data, tmp_path / "split.csv")
    images, labels = data.images.copy(), data.labels.copy()
    images[parts.test_indices] = np.random.default_rng(0).integers(
        0, 256, images[parts.test_indices].shape, dtype=np.uint8
    )
    labels[parts.test_indices] = 0
    poisoned = replace(data, images=images, labels=labels, metadata=None)
    first = search(data, tmp_path / "first", split=tmp_path / "split.csv")
    second = search(poisoned, tmp_path / "second", split=tmp_path / "split.csv")
    assert losses(first) == losses(second)


def test_the_test_part_is_never_taken(
    data: LesionDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(parts: Split) -> LesionDataset:
        raise AssertionError("the test part was taken")

    test = set(map(str, data.metadata.loc[split(data).test_indices, "image_id"]))  # type: ignore[union-attr]  # the sample has metadata
    taken: set[str] = set()
    take = LesionDataset.take

    def spy(data: LesionDataset, indices: Any) -> LesionDataset:
        part = take(data, indices)
        taken.update([] if part.image_ids is None else map(str, part.image_ids))
        return part

    monkeypatch.setattr(Split, "test", property(refuse))
    monkeypatch.setattr(LesionDataset, "take", spy)
    search(data, tmp_path)
    assert len(test) > 70
    assert taken
    assert not test & taken


# Going on, and the file of the best parameters.


def test_a_search_goes_on(data: LesionDataset, tmp_path: Path) -> None:
    shown: list[int] = []
    steps: list[float] = []
    whole = search(data, tmp_path / "whole", trials=3)
    search(data, tmp_path / "parts", trials=2)
    parts = search(
        data,
        tmp_path / "parts",
        trials=3,
        on_trial=lambda tuning: shown.append(len(tuning.trials)),
        on_step=lambda done, total: steps.append(done / total),
    )
    assert shown == [3]
    assert steps == sorted(steps)
    assert 0 < steps[0] <= steps[-1] <= 1
    assert losses(parts) == losses(whole)
    assert losses(search(data, tmp_path / "parts", trials=1)) == losses(whole)


def test_an_interrupted_trial_is_repeated(data: LesionDataset, tmp_path: Path) -> None:
    def interrupt(tuning: Tuning) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search(data, tmp_path, on_trial=interrupt)
    assert (tmp_path / SETTINGS_FILE).is_file()
    assert len(search(data, tmp_path, trials=2).trials) == 2


@pytest.mark.parametrize("other", [{"oversample": "random"}, {"seed": 1}, {"seeds": 2}])
def test_other_settings_are_another_search(
    data: LesionDataset, tmp_path: Path, other: dict[str, Any]
) -> None:
    search(data, tmp_path, trials=1)
    with pytest.raises(UsageError, match="another search"):
        search(data, tmp_path, trials=1, **other)


def test_the_best_parameters_are_written(data: LesionDataset, tmp_path: Path) -> None:
    tuning = search(data, tmp_path)
    written = tomllib.loads((tmp_path / SETTINGS_FILE).read_text(encoding="utf-8"))
    assert written == {"set": {"logistic": {"max_iter": 5, **tuning.best.parameters}}}


def test_seeds_are_averaged(data: LesionDataset, tmp_path: Path) -> None:
    # The images that oversampling repeats are drawn by the seed, so that the models differ.
    settings: dict[str, Any] = {"trials": 1, "oversample": "random"}
    file = tmp_path / "split.csv"
    write_split(data, file)
    alone = [
        search(data, tmp_path / str(seed), seed=seed, split=file, **settings).best.log_loss
        for seed in range(2)
    ]
    both = search(data, tmp_path / "both", seeds=2, split=file, **settings)
    assert alone[0] != alone[1]
    assert both.best.log_loss == pytest.approx(sum(map(float, filter(None, alone))) / 2)


# Models that tell how good they are while they train.


def test_trees_without_losses_are_searched(data: LesionDataset, tmp_path: Path) -> None:
    parameters = {"max_iter": 2, "linear_start": False}
    tuning = tune(data, "hist-gbdt", trials=2, out=tmp_path, parameters=parameters, **QUICK)
    assert None not in losses(tuning)


def test_bad_trials_are_stopped_early(
    data: LesionDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hmnist.experiments.study.RANDOM", 1)
    rates = {"learning_rate": Interval(1e-6, 0.2, log=True)}
    monkeypatch.setattr(XGBoost, "search_space", rates)
    steps: list[tuple[float, float]] = []
    tuning = tune(
        data,
        "xgboost",
        trials=4,
        out=tmp_path,
        parameters={"n_estimators": 10, "linear_start": False},
        on_step=lambda done, total: steps.append((done, total)),
        **QUICK,
    )
    assert tuning.trials[0].log_loss is not None
    assert None in losses(tuning)
    assert len(steps) < 4 * 10


TINY_MLP: dict[str, Any] = {"epochs": 1, "batch_size": 16, "widths": (4,), "networks": 1}


def test_a_trial_that_diverges_does_not_end_the_search(
    data: LesionDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MLP, "search_space", {"learning_rate": Choice((1e-3, 1e6))})
    tuning = tune(data, "mlp", trials=6, out=tmp_path, parameters=TINY_MLP, **QUICK)
    found = {trial.parameters["learning_rate"]: trial.log_loss is None for trial in tuning.trials}
    assert found == {1e-3: False, 1e6: True}
    assert tuning.best.parameters == {"learning_rate": 1e-3}


def test_a_search_that_always_diverges_says_what_to_lower(
    data: LesionDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MLP, "search_space", {"mixup": Interval(0.0, 0.6)})
    fixed = {**TINY_MLP, "learning_rate": 1e6}
    tuning = tune(data, "mlp", trials=2, out=tmp_path, parameters=fixed, **QUICK)
    assert losses(tuning) == [None, None]
    with pytest.raises(WorkError, match="diverged") as caught:
        _ = tuning.best
    assert "--set learning_rate=" in caught.value.hint


# Wrong usage.


@pytest.mark.parametrize("model", ["majority", "ensemble", "lenet"])
def test_models_without_parameters_to_search(
    data: LesionDataset, tmp_path: Path, model: str
) -> None:
    with pytest.raises(UsageError, match="no parameters to search") as caught:
        tune(data, model, out=tmp_path)
    assert "cnn, mlp, xgboost, hist-gbdt, logistic" in caught.value.hint


def test_splits_without_a_validation_part_of_their_own(data: LesionDataset, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="validates on its test images"):
        search(data, tmp_path, split="published:lenet")
    (tmp_path / "two.csv").write_text(
        "row,part\n" + "".join(f"{row},{'test' if row % 5 else 'train'}\n" for row in range(400))
    )
    with pytest.raises(UsageError, match="no validation images"):
        search(data, tmp_path, split=tmp_path / "two.csv")


@pytest.mark.parametrize("numbers", [{"trials": 0}, {"seeds": 0}])
def test_counts_begin_at_one(data: LesionDataset, tmp_path: Path, numbers: dict[str, int]) -> None:
    said = f"number of {next(iter(numbers))} is 0; expected a whole number"
    with pytest.raises(UsageError, match=said):
        search(data, tmp_path, **numbers)


# hmnist tune

WORDS = ["tune", "logistic", "sample", "--features", "pixels", "--threads", "1", "--out", "here"]


@pytest.fixture
def _small_sample(data: LesionDataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hmnist.sources.sample.load_sample", lambda: data)


@pytest.mark.usefixtures("_small_sample")
def test_the_command_shows_trials_and_what_to_type(command: Command) -> None:
    called = command(*WORDS, "--trials", "2")
    assert called.code == 0
    assert "1 (usual)" in called.out
    assert "penalty" in called.out
    assert "[2/2] log loss" in called.err
    assert "optimistic" in called.err or "usual parameters" in called.err
    again = command(*WORDS, "--trials", "2", "--quiet", "--format", "json")
    assert again.err == ""
    assert '"log_loss"' in again.out


def test_a_search_stays_where_it_is_when_the_working_folder_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert Tuning("logistic", (), Path("here")).folder == tmp_path / "here"


@pytest.mark.usefixtures("_small_sample")
def test_commands_train_with_the_best_parameters(command: Command) -> None:
    command(*WORDS, "--trials", "2")
    Path("hmnist.toml").write_bytes(Path("here", SETTINGS_FILE).read_bytes())
    words = ["train", "logistic", "sample", "--features", "pixels", "--out", "run"]
    assert command(*words).code == 0
    best = tomllib.loads(Path("hmnist.toml").read_text(encoding="utf-8"))["set"]["logistic"]
    assert hmnist.open_run("run").manifest.parameters["penalty"] == best["penalty"]
    refused = command(*WORDS)
    assert refused.code == 2
    assert "hmnist.toml" in refused.err


@pytest.mark.usefixtures("_small_sample")
def test_an_interrupted_command_says_how_to_go_on(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> float:
        raise KeyboardInterrupt

    monkeypatch.setattr("hmnist.experiments.tuning._validate", interrupt)
    called = command(*WORDS)
    assert called.code == 130
    assert "--out here" in called.err


def test_settings_of_the_user_are_not_replaced(data: LesionDataset, tmp_path: Path) -> None:
    mine = tmp_path / SETTINGS_FILE
    mine.write_text("effort = 'quick'\n")
    with pytest.raises(UsageError, match="may be your own"):
        search(data, tmp_path, trials=1)
    assert mine.read_text() == "effort = 'quick'\n"
