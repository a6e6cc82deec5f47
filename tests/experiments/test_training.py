import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from hmnist.dataset import LesionDataset
from hmnist.diagnoses import CODES
from hmnist.errors import UsageError, WorkError
from hmnist.experiments.train import train
from hmnist.experiments.training import train_cell
from hmnist.models.logistic import Logistic
from hmnist.results.evaluation import evaluate_run
from hmnist.results.model_scores import score
from hmnist.runs.recipe import Recipe
from hmnist.runs.report import read_report
from hmnist.runs.run import Run, open_run
from hmnist.scores.reliability import measure_reliability
from hmnist.scores.scoring import score_predictions
from hmnist.sources.sample import load_sample
from hmnist.splits.split import Split, split

RECIPE = Recipe(model="logistic", features="pixels", effort="quick", threads=1)


@pytest.fixture(scope="module")
def parts(sample: LesionDataset) -> Split:
    return split(sample, seed=0)


def test_scores_are_those_of_the_stored_decisions(run: Run) -> None:
    test = run.part("test")
    expected = score_predictions(test.labels, test.probabilities, test.predicted)
    assert run.scores == pytest.approx(expected.to_dict(), nan_ok=True)


@pytest.mark.parametrize("decide", ["natural", "balanced"])
def test_reliability_is_that_of_the_stored_predictions(
    decide: str, parts: Split, tmp_path: Path
) -> None:
    run = train_cell(parts, replace(RECIPE, decide=decide), tmp_path / "run")
    assert read_report(run.folder).reliability == tuple(measure_reliability([run.part("test")]))


def test_every_run_has_its_report(run: Run) -> None:
    stored = json.loads((run.folder / "report.json").read_text())
    report = json.loads(evaluate_run(run).to_json())["report"]
    assert stored == {"schema": "hmnist-report/2", **report}
    with (run.folder / "report.csv").open(newline="") as file:
        names = [row["diagnosis"] for row in csv.DictReader(file)]
    assert names == [*CODES, "macro avg", "weighted avg"]
    with (run.folder / "confusion.csv").open(newline="") as file:
        counts = [[int(cell) for cell in row[1:]] for row in list(csv.reader(file))[1:]]
    test = run.part("test")
    assert counts == confusion_matrix(test.labels, test.predicted, labels=range(7)).tolist()


def test_a_run_says_how_a_published_system_is_trained(run: Run, tmp_path: Path) -> None:
    assert run.manifest.system is None
    sample = load_sample(rows=200)
    lenet = train(sample, "lenet", parameters={"epochs": 1}, threads=1, out=tmp_path / "lenet")
    assert lenet.manifest.system is not None
    assert lenet.manifest.system["optimizer"] == "RMSprop"
    assert lenet.manifest.parameters["batch_size"] == 128
    assert lenet.manifest.parameters["learning_rate"] == 1e-3


def test_the_same_recipe_gives_the_same_bits(parts: Split, run: Run, tmp_path: Path) -> None:
    again = train_cell(parts, RECIPE, tmp_path / "again")
    assert again.scores == run.scores
    np.testing.assert_array_equal(again.part("test").probabilities, run.part("test").probabilities)


def test_a_training_that_diverges_is_no_damage(parts: Split, tmp_path: Path) -> None:
    parameters: dict[str, Any] = {"epochs": 1, "batch_size": 16, "widths": (4,), "networks": 1}
    parameters["learning_rate"] = 1e6
    recipe = replace(RECIPE, model="mlp", parameters=parameters)
    with pytest.raises(WorkError, match="The training of mlp diverged") as caught:
        train_cell(parts, recipe, tmp_path / "run")
    assert caught.value.exit_code == 1
    assert "--set mlp.learning_rate=100000" in caught.value.hint
    assert not (tmp_path / "run").exists()


def test_a_seed_of_numpy_is_written_as_a_number(sample: LesionDataset, tmp_path: Path) -> None:
    run = train(sample, "majority", seed=np.int64(1), threads=1, out=tmp_path)  # type: ignore[arg-type] # as in a notebook
    assert (run.manifest.recipe.seed, run.manifest.split.seed) == (1, 1)


def test_a_finished_cell_is_not_trained_again(
    parts: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = train_cell(parts, RECIPE, tmp_path / "run")

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(Logistic, "fit", refuse)
    assert train_cell(parts, RECIPE, tmp_path / "run").manifest == first.manifest
    with pytest.raises(AssertionError, match="trained again"):
        train_cell(parts, replace(RECIPE, seed=1), tmp_path / "run")


def test_a_damaged_cell_is_trained_again(parts: Split, tmp_path: Path) -> None:
    first = train_cell(parts, RECIPE, tmp_path / "run")
    (tmp_path / "run" / "predictions.csv").write_text("nothing")
    again = train_cell(parts, RECIPE, tmp_path / "run")
    assert again.scores == first.scores


def test_train_says_that_a_damaged_run_is_made_again(sample: LesionDataset, tmp_path: Path) -> None:
    notes: list[str] = []
    for damage in (False, True):
        train(sample, "majority", out=tmp_path / "run", threads=1, on_note=notes.append)
        assert len(notes) == damage
        (tmp_path / "run" / "predictions.csv").write_text("nothing")
    assert notes[0].endswith("; it is made again")


def test_train_says_that_an_older_run_will_be_replaced(
    sample: LesionDataset, tmp_path: Path
) -> None:
    notes: list[str] = []
    for seed in (0, 0, 1):
        train(sample, "majority", out=tmp_path, seed=seed, threads=1, on_note=notes.append)
    assert notes == ["the run that is in this folder is replaced when the training ends"]


def test_another_folder_is_never_replaced(parts: Split, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(UsageError, match="not a run folder"):
        train_cell(parts, RECIPE, tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


@pytest.fixture
def fitted(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return what the logistic regression is fitted on, once it is."""
    arguments: dict[str, Any] = {}
    fit = Logistic.fit

    def spy(model: Logistic, X: Any, y: Any, **options: Any) -> Logistic:
        arguments.update(X=X, y=y, **options)
        return fit(model, X, y, **options)

    monkeypatch.setattr(Logistic, "fit", spy)
    return arguments


def test_only_training_images_are_oversampled_and_fitted(
    parts: Split, tmp_path: Path, fitted: dict[str, Any]
) -> None:
    train_cell(parts, replace(RECIPE, oversample="balanced"), tmp_path / "run")
    images = {image.tobytes() for image in fitted["X"]}
    assert images == {image.tobytes() for image in parts.train.images}
    assert len(fitted["X"]) > len(parts.train)
    assert fitted["sample_weight"] is None
    np.testing.assert_array_equal(fitted["validation"][0], parts.validation.images)


def test_the_model_knows_of_which_image_each_one_was_made(
    parts: Split, tmp_path: Path, fitted: dict[str, Any]
) -> None:
    # A target below all counts: nothing is made, and every image is a group of its own.
    train_cell(parts, replace(RECIPE, oversample="affine", rare_to=1), tmp_path / "none")
    np.testing.assert_array_equal(fitted["groups"], np.arange(len(parts.train)))
    train_cell(parts, replace(RECIPE, oversample="augment"), tmp_path / "run")
    for image, row in zip(fitted["X"], fitted["groups"], strict=True):
        assert sorted(image.ravel()) == sorted(parts.train.images[row].ravel())


def test_sample_weights_reach_the_model(
    parts: Split, tmp_path: Path, fitted: dict[str, Any]
) -> None:
    recipe = replace(RECIPE, oversample="weights", rare=("df",), rare_to=200)
    train_cell(parts, recipe, tmp_path / "run")
    is_df = parts.train.labels == 3
    np.testing.assert_array_equal(fitted["sample_weight"], np.where(is_df, 200 / is_df.sum(), 1))


def test_majority_is_the_natural_prior_uncalibrated(parts: Split, tmp_path: Path) -> None:
    recipe = replace(RECIPE, model="majority", oversample="balanced", decide="balanced")
    run = train_cell(parts, recipe.resolved_for(parts), tmp_path / "run")
    shares = np.bincount(parts.train.labels, minlength=7) / len(parts.train)
    test = run.part("test")
    np.testing.assert_allclose(test.probabilities, np.tile(shares, (len(test.labels), 1)))
    assert set(test.predicted) == {4}
    assert run.decision.kind == "natural"
    assert run.decision.temperature == 1


def test_an_unknown_parameter_is_refused_before_any_work(parts: Split, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no parameter 'depth'"):
        train_cell(parts, replace(RECIPE, parameters={"depth": 3}), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_decision_out_of_reach_is_refused_before_training(
    parts: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Logistic, "fit", None)
    recipe = replace(RECIPE, decide="sensitive", sensitivity=0.999)
    with pytest.raises(UsageError, match="needs 999 malignant validation images"):
        train_cell(parts, recipe, tmp_path / "run")


@pytest.mark.parametrize("decide", ["balanced", "sensitive"])
def test_a_decision_changes_labels_alone(
    decide: str, parts: Split, run: Run, tmp_path: Path
) -> None:
    other = train_cell(parts, replace(RECIPE, decide=decide, sensitivity=0.8), tmp_path / "run")
    natural, changed = run.part("test"), other.part("test")
    np.testing.assert_array_equal(natural.probabilities, changed.probabilities)
    assert (natural.predicted != changed.predicted).any()
    for name in ("roc_auc_ovr", "log_loss", "calibration_error"):
        assert other.scores[name] == run.scores[name]
    reopened = open_run(other.folder)
    with pytest.warns(UserWarning, match="synthetic"):
        decided = reopened.predict(parts.test.images)
    np.testing.assert_array_equal(decided, changed.predicted)


def test_score_takes_models_and_runs(run: Run, parts: Split) -> None:
    with pytest.warns(UserWarning, match="synthetic"):
        assert score(run, parts.test).to_dict() == pytest.approx(run.scores, nan_ok=True)
    bare = score(run.model, parts.test)
    assert bare.roc_auc_ovr == pytest.approx(run.scores["roc_auc_ovr"], abs=0.02)


def test_train_splits_as_it_is_told(sample: LesionDataset, tmp_path: Path) -> None:
    run = train(sample, "majority", split="image", seed=3, threads=1, out=tmp_path / "run")
    assert run.manifest.split.kind == "image"
    assert run.manifest.split.seed == 3
    assert run.manifest.split.shared_lesions
