import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hmnist.dataset import LesionDataset
from hmnist.diagnoses import CODES
from hmnist.errors import DataMissingError, SampleWarning, TrustError, UsageError
from hmnist.experiments.train import train
from hmnist.files import hash_file
from hmnist.results.exports.card import write_card
from hmnist.runs.run import Run, open_run
from hmnist.splits.split import split


def test_manifest_names_every_file_with_its_hash(run: Run) -> None:
    written = {
        path.relative_to(run.folder).as_posix(): hash_file(path)
        for path in run.folder.rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }
    stored = {name: file.sha256 for name, file in run.manifest.files.items()}
    assert {"report.json", "report.csv", "confusion.csv"} < set(stored)
    assert stored == written


def test_nothing_in_a_run_is_a_pickle(run: Run) -> None:
    for path in run.folder.rglob("*"):
        assert path.suffix not in {".pkl", ".pickle", ".joblib"}
        if path.is_file():
            assert not path.read_bytes().startswith(b"\x80")


@pytest.mark.usefixtures("few_patches")
@pytest.mark.parametrize("model", ["logistic", "xgboost", "hist-gbdt", "majority"])
def test_a_reopened_run_predicts_the_same_bits(
    model: str, sample: LesionDataset, tmp_path: Path
) -> None:
    small: dict[str, Any] = {"xgboost": {"n_estimators": 3}, "hist-gbdt": {"max_iter": 3}}.get(
        model, {}
    )
    trained = train(
        sample, model, effort="quick", threads=1, out=tmp_path / "run", parameters=small
    )
    test = split(sample, seed=0).test
    with pytest.warns(SampleWarning):
        probabilities = open_run(trained.folder).predict_proba(test.images)
    np.testing.assert_array_equal(probabilities, trained.part("test").probabilities)


def test_stored_predictions_are_those_of_the_split(run: Run, sample: LesionDataset) -> None:
    parts = split(sample, seed=0)
    assert set(run.predictions) == {"validation", "test"}
    for name, part in (("validation", parts.validation), ("test", parts.test)):
        stored = run.predictions[name]
        np.testing.assert_array_equal(stored.rows, parts.indices[name])
        np.testing.assert_array_equal(stored.image_ids, part.image_ids)
        np.testing.assert_array_equal(stored.lesion_ids, part.lesion_ids)
        np.testing.assert_array_equal(run.part(name).labels, part.labels)


def test_a_run_has_no_predictions_of_its_training_part(run: Run) -> None:
    with pytest.raises(UsageError, match=r"no part .* called 'train'.*Choose validation, test\."):
        run.part("train")


def test_a_model_of_the_sample_warns_every_time(run: Run, sample: LesionDataset) -> None:
    for _ in range(2):
        with pytest.warns(SampleWarning, match="synthetic sample"):
            run.predict(sample.images[:2])


@pytest.mark.parametrize(
    "damage",
    ["change", "shorten", "remove", "manifest", "schema"],
)
def test_a_damaged_run_is_refused(damage: str, copy: Path) -> None:
    manifest = copy / "manifest.json"
    if damage == "change":
        text = (copy / "predictions.csv").read_text()
        (copy / "predictions.csv").write_text(text.replace("test", "tost", 1))
    elif damage == "shorten":
        (copy / "model" / "model.json").write_text("{}")
    elif damage == "remove":
        (copy / "predictions.csv").unlink()
    elif damage == "manifest":
        manifest.write_text(manifest.read_text()[:100])
    else:
        manifest.write_text(json.dumps({"schema": "something-else/7"}))
    with pytest.raises(TrustError) as error:
        open_run(copy)
    assert str(copy) in str(error.value)
    assert error.value.exit_code == 4


def test_what_is_no_run_is_wrong_usage(copy: Path) -> None:
    (copy / "manifest.json").unlink()
    for path, said in ((copy, "not a run folder"), (copy / "predictions.csv", "is a file")):
        with pytest.raises(UsageError, match=said):
            open_run(path)


def test_a_missing_run_is_missing_data(tmp_path: Path) -> None:
    with pytest.raises(DataMissingError, match="runs list"):
        open_run(tmp_path / "nowhere")


def test_a_run_stays_where_it_is_when_the_working_folder_changes(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sample: LesionDataset
) -> None:
    monkeypatch.chdir(tmp_path)
    opened = open_run("copy")
    trained = train(sample, "majority", threads=1, out="majority")
    assert repr(opened) == "Run(logistic, 'copy')"
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert repr(opened) == f"Run(logistic, {str(copy)!r})"
    for found, name in ((opened, "copy"), (trained, "majority")):
        assert found.folder == tmp_path / name
        assert len(found.part("test").labels)
        assert found.model.get_params()
    assert write_card(opened) == copy / "README.md"
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_run_may_lie_in_the_home_folder(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(copy.parent))
    assert open_run("~/copy").folder == copy


def test_the_history_names_diagnoses(sample: LesionDataset, tmp_path: Path) -> None:
    run = train(sample, "lenet", threads=1, parameters={"epochs": 2}, out=tmp_path / "run")
    assert run.history is not None
    assert run.history["epoch"].tolist() == [1, 2]
    recalls = [name for name in run.history if str(name).startswith("val_recall_")]
    present = {CODES[label] for label in run.part("validation").labels}
    assert set(recalls) == {f"val_recall_{code}" for code in present}
    # Its last epoch is the model: the weights of this network are not averaged.
    test = run.part("validation")
    for code in present:
        own = test.labels == CODES.index(code)
        recall = (test.probabilities[own].argmax(axis=1) == test.labels[own]).mean()
        assert run.history[f"val_recall_{code}"].iloc[-1] == pytest.approx(recall)


def test_what_has_no_epochs_has_no_history(run: Run) -> None:
    assert run.history is None


def test_a_run_knows_whether_it_uses_patient_data(
    run: Run, patient_run: Run, sample: LesionDataset
) -> None:
    assert patient_run.uses_patients
    assert not run.uses_patients
    assert json.loads((patient_run.folder / "manifest.json").read_text())["recipe"]["patients"]
    with (
        pytest.warns(SampleWarning),
        pytest.raises(UsageError, match="trained without patient data"),
    ):
        run.predict_proba(sample.images, sample.patients)


def test_stored_predictions_used_patient_data(patient_run: Run, sample: LesionDataset) -> None:
    test = split(sample, seed=0).test
    assert test.patients is not None
    stored = patient_run.part("test").probabilities
    with pytest.warns(SampleWarning):
        told = patient_run.predict_proba(test.images, test.patients)
    np.testing.assert_allclose(told, stored, atol=1e-5)
    with pytest.warns(SampleWarning):
        assert abs(patient_run.predict_proba(test.images) - stored).max() > 1e-3


def test_a_run_that_was_replaced_is_not_read(copy: Path, run: Run, sample: LesionDataset) -> None:
    older = open_run(copy)
    train(sample, "majority", threads=1, out=copy)
    for read in (
        lambda: older.scores,
        lambda: older.model,
        lambda: older.predict_uncalibrated(sample.images[:2]),
        lambda: older.find_seen(sample),
        lambda: older.familiarity,
    ):
        with pytest.raises(TrustError, match="was replaced by another run"):
            read()
    assert open_run(copy).scores != run.scores
