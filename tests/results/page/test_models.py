"""What is embedded of each model, unpacked again."""

import base64
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from hmnist.dataset import LesionDataset
from hmnist.decisions.decision import Decision, malignant_probability
from hmnist.diagnoses import CODES, MALIGNANT
from hmnist.errors import TrustError
from hmnist.results.benchmark_folder import BenchmarkFolder, open_benchmark
from hmnist.results.page.models import SHARE, describe_models, describe_subgroups
from hmnist.results.page.pooled import PooledPredictions, check_same_images, pool_predictions
from hmnist.scores.report import confusion_matrix


@pytest.fixture(scope="module")
def opened(folder: Path) -> BenchmarkFolder:
    return open_benchmark(folder)


@pytest.fixture(scope="module")
def pooled(opened: BenchmarkFolder) -> dict[str, list[PooledPredictions]]:
    names = ("patients", "plain", "majority")
    return {name: pool_predictions(runs) for name, runs in zip(names, opened.runs, strict=True)}


@pytest.fixture(scope="module")
def described(
    opened: BenchmarkFolder, pooled: dict[str, list[PooledPredictions]]
) -> dict[str, Any]:
    return describe_models(pooled, [row.scores for row in opened.table.rows])


def unpack(text: str, dtype: str) -> npt.NDArray[np.int64]:
    return np.frombuffer(base64.b64decode(text), dtype).astype(np.int64)


def test_the_table_names_its_runs(opened: BenchmarkFolder, folder: Path) -> None:
    for row, runs in zip(opened.table.rows, opened.runs, strict=True):
        assert {run.manifest.model for run in runs} == {row.model}
        assert len(runs) == 2 * row.seeds
        mean = np.mean([run.scores["accuracy"] for run in runs])
        assert row.scores["accuracy"].mean == pytest.approx(mean)
    everything = {run.folder for runs in opened.runs for run in runs}
    assert everything == {path for path in folder.iterdir() if path.is_dir()}
    assert "runs" not in opened.table.to_csv().splitlines()[0].split(",")


def test_a_table_cannot_name_what_lies_outside(folder: Path, tmp_path: Path) -> None:
    moved = shutil.copytree(folder, tmp_path / "moved")
    table = moved / "table.json"
    name = next(folder.glob("logistic*")).name
    table.write_text(table.read_text().replace(name, f"../{folder.name}/{name}"))
    with pytest.raises(TrustError, match="damaged"):
        open_benchmark(moved)


def test_the_folds_of_a_seed_cover_the_data(
    pooled: dict[str, list[PooledPredictions]], named: LesionDataset
) -> None:
    for trainings in pooled.values():
        for each in trainings:
            assert sorted(each.rows.tolist()) == list(range(len(named)))
            assert np.array_equal(each.labels, named.labels[each.rows])
            assert named.lesion_ids is not None
            lesions = named.lesion_ids[each.rows]
            assert each.lesions is not None
            assert len(set(zip(each.lesions.tolist(), lesions, strict=True))) == len(set(lesions))


def test_models_of_other_images_are_refused(pooled: dict[str, list[PooledPredictions]]) -> None:
    runs = pooled["plain"][0].runs
    with pytest.raises(TrustError, match="other images"):
        check_same_images({"all": pooled["plain"], "half": pool_predictions(runs[:1])})


def test_what_is_packed_is_what_was_predicted(
    described: dict[str, Any], pooled: dict[str, list[PooledPredictions]]
) -> None:
    assert unpack(described["labels"], "u1").tolist() == pooled["plain"][0].labels.tolist()
    for model, trainings in zip(described["models"], pooled.values(), strict=True):
        assert [training["seed"] for training in model["trainings"]] == [0, 1][: len(trainings)]
        for training, each in zip(model["trainings"], trainings, strict=True):
            answers = unpack(training["answers"], "u1")
            malignant = unpack(training["malignant"], "<u2") / SHARE
            assert (answers & 7).tolist() == each.predicted.tolist()
            expected = malignant_probability(each.probabilities)
            assert np.abs(malignant - expected).max() < 1e-4
            sides = np.where(
                malignant >= 0.2,
                np.array(described["malignant"])[answers >> 3 & 3],
                np.array(described["benign"])[answers >> 5],
            )
            decided = Decision("sensitive", threshold=0.2).decide(each.probabilities)
            assert np.mean(sides != decided) < 0.01  # of probabilities that are rounded to .2


def test_thresholds_are_those_of_validation(
    described: dict[str, Any], pooled: dict[str, list[PooledPredictions]]
) -> None:
    for model, trainings in zip(described["models"], pooled.values(), strict=True):
        for training, each in zip(model["trainings"], trainings, strict=True):
            if each.runs[0].manifest.recipe.entry.baseline:
                assert training["thresholds"] == []
                continue
            parts = [run.predictions["validation"] for run in each.runs]
            malignant = [part.probabilities[np.isin(part.labels, MALIGNANT)] for part in parts]
            # For a sensitivity of .7, three malignant images are needed.
            enough = [malignant_probability(rows) for rows in malignant if len(rows) >= 3]
            assert enough
            for threshold, probabilities in zip(training["thresholds"], enough, strict=True):
                assert np.mean(probabilities >= threshold - 1e-5) >= 0.7


def test_diagnoses_are_counted_and_averaged(
    described: dict[str, Any], pooled: dict[str, list[PooledPredictions]], opened: BenchmarkFolder
) -> None:
    model, trainings, row = described["models"][1], pooled["plain"], opened.table.rows[1]
    confusions = [confusion_matrix(run.part("test")) for each in trainings for run in each.runs]
    for label, (code, facts) in enumerate(zip(CODES, model["diagnoses"], strict=True)):
        assert facts["images"] == (trainings[0].labels == label).sum()
        precisions = [
            counts[label, label] / max(counts[:, label].sum(), 1) for counts in confusions
        ]
        assert facts["precision"] == pytest.approx(np.mean(precisions), abs=1e-4)
        assert facts["recall"][0] == pytest.approx(row.scores[f"recall_{code}"].mean, abs=1e-4)


def test_subgroups_of_each_kind_hold_every_image(
    pooled: dict[str, list[PooledPredictions]], named: LesionDataset
) -> None:
    groups = describe_subgroups(pooled, named)
    assert {group["kind"] for group in groups} == {"age", "sex", "site"}
    for kind in ("age", "sex", "site"):
        of_kind = [group for group in groups if group["kind"] == kind]
        assert sum(group["images"] for group in of_kind) == len(named)
        right = sum(group["images"] * group["scores"][1]["accuracy"][0] for group in of_kind)
        trainings = pooled["plain"]
        expected = np.mean([(each.predicted == each.labels).sum() for each in trainings])
        assert right == pytest.approx(expected, abs=0.05)
    assert describe_subgroups(pooled, None) == []
