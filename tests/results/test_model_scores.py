"""`score` places the columns of any classifier, and applies the decision of a run."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from hmnist.dataset import LesionDataset
from hmnist.decisions.decision import Decision
from hmnist.diagnoses import CODES
from hmnist.errors import UsageError
from hmnist.models.registry import make_model
from hmnist.results.exports.exported import ExportedModel
from hmnist.results.model_scores import score
from hmnist.runs.run import Run
from hmnist.scores.scoring import score_predictions
from hmnist.sources.sample import load_sample


def test_a_model_may_know_diagnoses_by_their_names(sample: LesionDataset) -> None:
    names = np.array(CODES)[sample.y]
    model = make_model("logistic", features="pixels", random_state=0).fit(sample.images, names)
    assert model.classes_.tolist() == sorted(CODES)
    assert score(model, sample).accuracy == np.mean(model.predict(sample.images) == names)


def test_a_diagnosis_that_a_model_does_not_know_has_no_probability(sample: LesionDataset) -> None:
    known = sample.take(np.flatnonzero(sample.y != CODES.index("df")))
    model = GaussianNB().fit(known.X, known.y)
    assert model.classes_.tolist() == [0, 1, 2, 4, 5, 6]
    scores = score(model, sample)
    assert scores.recall["df"] == 0
    assert scores.accuracy == np.mean(model.predict(sample.X) == sample.y)


def test_columns_may_stand_in_any_order(sample: LesionDataset) -> None:
    one_hot = np.eye(len(CODES))[sample.y]
    turned: Any = SimpleNamespace(
        classes_=np.arange(len(CODES))[::-1], predict_proba=lambda _: one_hot[:, ::-1]
    )
    assert score(turned, sample).accuracy == 1
    unnamed: Any = SimpleNamespace(predict_proba=lambda _: one_hot)
    assert score(unnamed, sample).accuracy == 1


@pytest.mark.parametrize("classes", [[False, True], ["benign", "mel"], [6, 7]])
def test_classes_that_are_not_diagnoses_are_refused(
    classes: list[Any], sample: LesionDataset
) -> None:
    model: Any = SimpleNamespace(
        classes_=np.array(classes), predict_proba=lambda rows: np.full((len(rows), 2), 0.5)
    )
    with pytest.raises(UsageError, match=r"not a diagnosis.*akiec, bcc"):
        score(model, sample)


def test_a_pipeline_of_scikit_learn_gets_rows(sample: LesionDataset) -> None:
    pipeline = make_pipeline(StandardScaler(), LogisticRegression(max_iter=5))
    with pytest.warns(UserWarning, match="converge"):
        pipeline.fit(sample.X, sample.y)
    assert score(pipeline, sample).accuracy == pipeline.score(sample.X, sample.y)


@pytest.mark.filterwarnings("ignore::hmnist.errors.SampleWarning")
def test_an_export_decides_as_its_run(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = load_sample(rows=60, seed=9)
    always_malignant = Decision("sensitive", threshold=0.0)
    facts: Any = SimpleNamespace(decision=always_malignant, patient_columns=())
    monkeypatch.setattr(ExportedModel, "predict_proba", lambda _, images: run.predict_proba(images))
    scores = score(ExportedModel(tmp_path, facts), other)
    assert (scores.sensitivity_malignant, scores.specificity_malignant) == (1, 0)


def test_what_cannot_predict_or_be_predicted_is_refused(run: Run, sample: LesionDataset) -> None:
    with pytest.raises(UsageError, match="with predict_proba, not a str"):
        score("runs/cnn", sample)
    path: Any = "file.csv"
    with pytest.raises(UsageError, match=r"hmnist.load\('file.csv'\)"):
        score(run, path)


@pytest.mark.filterwarnings("ignore::hmnist.errors.SampleWarning")
def test_models_and_runs_are_scored_with_patient_data(patient_run: Run) -> None:
    other = load_sample(rows=60, seed=9)
    model = patient_run.model
    probabilities = model.predict_proba(other.images, other.patients)
    assert score(model, other).log_loss == score_predictions(other.labels, probabilities).log_loss
    calibrated = patient_run.predict_proba(other.images, other.patients)
    expected = score_predictions(other.labels, calibrated)
    assert score(patient_run, other).log_loss == expected.log_loss
