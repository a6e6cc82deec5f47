import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hmnist.dataset import LesionDataset
from hmnist.diagnoses import CODES
from hmnist.errors import UsageError
from hmnist.experiments.train import train
from hmnist.results.confusion_figures import plot_confusion, plot_errors
from hmnist.results.curve_figures import plot_precision_recall, plot_roc
from hmnist.results.evaluation import decide_again, evaluate_run
from hmnist.results.mistake_figure import plot_mistakes
from hmnist.results.reliability_figure import plot_reliability
from hmnist.runs.run import Run
from hmnist.scores.predictions import Predictions
from hmnist.scores.reliability import measure_reliability
from hmnist.scores.report import classification_report, confusion_matrix
from hmnist.sources.sample import load_sample


def test_report_and_confusion_are_those_of_the_test_part(run: Run) -> None:
    evaluation, test = evaluate_run(run), run.part("test")
    assert np.array_equal(evaluation.report.confusion, confusion_matrix(test))
    assert evaluation.report.diagnoses == classification_report(test)


def test_without_data_it_is_the_test_part(run: Run) -> None:
    evaluation = evaluate_run(run)
    assert "the test part of synthetic sample" in evaluation.title
    assert sum(map(sum, evaluation.report.confusion)) == run.manifest.split.sizes["test"]


def test_scores_may_be_written_into_the_home_folder(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    evaluate_run(run).write("~")
    assert (tmp_path / "report.json").is_file()


def test_its_own_data_are_not_tested_on_what_trained_it(run: Run, sample: LesionDataset) -> None:
    assert evaluate_run(run, sample) == evaluate_run(run)


def test_other_data_are_predicted_whole(run: Run) -> None:
    other = load_sample(rows=250, seed=9)
    with pytest.warns(UserWarning, match="synthetic"):
        evaluation = evaluate_run(run, other)
    assert sum(map(sum, evaluation.report.confusion)) == 250
    assert any(
        "no other image shows a lesion of the training" in note for note in evaluation.origin
    )
    with pytest.warns(UserWarning, match="synthetic"):
        without = evaluate_run(run, replace(other, lesion_ids=None, metadata=None))
    assert any("unknown" in note for note in without.origin)


def test_a_diagnosis_without_images_has_a_dash_and_no_part_in_the_mean(run: Run) -> None:
    other = load_sample(rows=250, seed=9)
    without_df = other.take(np.flatnonzero(other.labels != CODES.index("df")))
    with pytest.warns(UserWarning, match="synthetic"):
        tables = evaluate_run(run, without_df).tables()
    (_, score_rows), (_, diagnosis_rows), *_ = tables
    scores, recalls = ({row[0]: row[1] for row in rows} for rows in (score_rows, diagnosis_rows))
    assert recalls["df"] == "–"
    assert recalls["macro avg"] == scores["balanced accuracy"]


def test_an_image_of_a_lesion_that_trained_is_left_out(run: Run, sample: LesionDataset) -> None:
    other = load_sample(rows=60, seed=9)
    assert other.lesion_ids is not None
    assert sample.lesion_ids is not None
    trained = np.setdiff1d(np.arange(len(sample)), run.predictions["test"].rows)
    lesion_ids = np.where(np.arange(60) < 20, sample.lesion_ids[trained[0]], other.lesion_ids)
    with pytest.warns(UserWarning, match="synthetic"):
        evaluation = evaluate_run(run, replace(other, lesion_ids=lesion_ids, metadata=None))
    assert evaluation.rows.tolist() == list(range(20, 60))
    assert json.loads(evaluation.to_json())["left_out"] == {"same": 0, "near": 0, "lesion": 20}
    lesion_ids = np.full(60, sample.lesion_ids[trained[0]])
    with pytest.raises(UsageError, match=r"All lesion ids .* --metadata none"):
        evaluate_run(run, replace(other, lesion_ids=lesion_ids, metadata=None))


def test_data_of_which_all_is_seen_are_refused(run: Run, sample: LesionDataset) -> None:
    trained = np.setdiff1d(np.arange(len(sample)), run.predictions["test"].rows)
    part = replace(sample.take(trained), images=sample.images[trained][:, ::-1])
    with pytest.raises(UsageError, match="has seen all images"):
        evaluate_run(run, part)


def test_a_training_that_has_learnt_nothing_is_named(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    test = run.part("test")
    same = replace(test, probabilities=np.full_like(test.probabilities, 1 / 7))
    assert not any("failed" in note for note in evaluate_run(run).notes)
    monkeypatch.setattr(Run, "part", lambda *_: same)
    assert (
        "Warning: the training has failed: it predicts the same for every image."
        in evaluate_run(run).notes
    )


def test_another_size_is_refused(run: Run, sample: LesionDataset) -> None:
    small = replace(sample, images=np.ascontiguousarray(sample.images[:, ::2, ::2]))
    with pytest.raises(UsageError, match="14×14×3"):
        evaluate_run(run, small)


def test_json_holds_it_all(run: Run) -> None:
    read = json.loads(evaluate_run(run).to_json())
    assert set(read) == {"schema", "title", "report", "own", "origin", "notes", "left_out"}
    assert list(read["report"]["diagnoses"]) == list(CODES)
    bins = [asdict(each) for each in measure_reliability([run.part("test")])]
    assert read["report"]["reliability"] == bins


@pytest.mark.parametrize("kind", ["natural", "balanced", "sensitive"])
def test_a_new_decision_is_the_one_that_training_would_have_made(
    kind: str, run: Run, sample: LesionDataset, tmp_path: Path
) -> None:
    trained = train(
        sample,
        "logistic",
        decide=kind,
        sensitivity=0.8,
        features="pixels",
        effort="quick",
        threads=1,
        out=tmp_path / "run",
    )
    anew = decide_again(run, kind, sensitivity=0.8)
    np.testing.assert_array_equal(anew.probabilities, run.part("test").probabilities)
    np.testing.assert_array_equal(anew.predicted, trained.part("test").predicted)


def test_an_unknown_decision_is_refused(run: Run) -> None:
    with pytest.raises(UsageError, match="lucky"):
        decide_again(run, "lucky")


def test_images_that_trained_the_model_are_never_its_test(run: Run, sample: LesionDataset) -> None:
    without_lesions = replace(sample, lesion_ids=None, metadata=None)
    assert evaluate_run(run, without_lesions).report == evaluate_run(run).report
    other = load_sample(rows=250, seed=9)
    mixed = replace(
        other,
        images=np.concatenate([other.images, sample.images]),
        labels=np.concatenate([other.labels, sample.labels]),
        lesion_ids=None,
        metadata=None,
    )
    with pytest.warns(UserWarning, match="synthetic"):
        evaluation = evaluate_run(run, mixed)
    sizes = run.manifest.split.sizes
    assert sum(map(sum, evaluation.report.confusion)) == 250 + sizes["test"]
    seen = sizes["train"] + sizes["validation"]
    assert any(f"{seen} same images." in note for note in evaluation.origin)


@pytest.mark.filterwarnings("ignore::hmnist.errors.SampleWarning")
def test_other_data_bring_their_patient_data(patient_run: Run) -> None:
    other = load_sample(rows=60, seed=9)
    assert other.patients is not None
    evaluation = evaluate_run(patient_run, other)
    probabilities = patient_run.predict_proba(other.images, other.patients)
    predicted = patient_run.decision.decide(probabilities)
    expected = Predictions(other.labels, probabilities, predicted)
    assert np.array_equal(evaluation.report.confusion, confusion_matrix(expected))
    assert not any("have none" in note for note in evaluation.notes)
    without = evaluate_run(patient_run, replace(other, metadata=None))
    assert any("60 of 60 images have none" in note for note in without.notes)
    assert without.report != evaluation.report


@pytest.mark.parametrize(
    "plot",
    [
        plot_confusion,
        plot_errors,
        plot_reliability,
        plot_roc,
        plot_precision_recall,
        lambda run: plot_mistakes(run, load_sample(rows=60)),
    ],
)
def test_a_run_is_not_its_evaluation(plot: Callable[[Any], Any], run: Run) -> None:
    with pytest.raises(UsageError, match=r"an Evaluation, not a Run\. .*evaluate_run\(run\)"):
        plot(run)


def test_the_name_of_a_file_is_not_its_data(run: Run) -> None:
    path: Any = "file.csv"
    with pytest.raises(UsageError, match=r"hmnist.load\('file.csv'\)"):
        evaluate_run(run, path)
    with pytest.raises(UsageError, match=r"hmnist.load\('file.csv'\)"):
        plot_mistakes(evaluate_run(run), path)


def test_an_evaluation_is_written_into_a_folder_by_name(run: Run, tmp_path: Path) -> None:
    evaluate_run(run).write(str(tmp_path))
    assert (tmp_path / "report.csv").is_file()


def test_a_report_on_other_data_replaces_none_of_a_run(run: Run, sample: LesionDataset) -> None:
    before = {path: path.read_bytes() for path in run.folder.glob("report*")}
    with pytest.raises(UsageError, match="is a run folder, which has its own report"):
        evaluate_run(run, sample).write(run.folder)
    assert {path: path.read_bytes() for path in run.folder.glob("report*")} == before
