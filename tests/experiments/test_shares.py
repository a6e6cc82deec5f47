import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from distributed import Client
from imblearn.over_sampling import SMOTE

from hmnist.dataset import LesionDataset
from hmnist.errors import UsageError, WorkError
from hmnist.experiments.shares import share_recipe
from hmnist.experiments.train import train
from hmnist.results.evaluation import evaluate_run
from hmnist.runs.recipe import Recipe
from hmnist.runs.run import open_run
from tests.experiments.conftest import Loopback

OPTIONS: dict[str, Any] = {"features": "pixels", "effort": "quick", "threads": 1}


def test_a_model_of_two_workers_is_nearly_that_of_one_machine(
    shared: Loopback, sample: LesionDataset, tmp_path: Path
) -> None:
    steps: list[tuple[float, float]] = []
    there = train(
        sample,
        "xgboost",
        dask=shared.address,
        out=tmp_path / "there",
        on_step=lambda done, total: steps.append((done, total)),
        **OPTIONS,
    )
    parameters = {"linear_start": False}
    here = train(sample, "xgboost", out=tmp_path / "here", parameters=parameters, **OPTIONS)
    assert there.scores["log_loss"] == pytest.approx(here.scores["log_loss"], abs=0.1)
    assert there.manifest.device == f"{here.manifest.device}, distributed over 2 workers"
    assert f"Trained on: {there.manifest.device}" in evaluate_run(there).notes
    assert there.manifest.parameters["linear_start"] is False
    assert steps[0][0] == 1
    assert steps[-1][1] == here.manifest.parameters["n_estimators"]
    again = open_run(there.folder)
    images = sample.images[again.predictions["test"].rows]
    with pytest.warns(UserWarning, match="synthetic"):
        probabilities = again.predict_proba(images)
    np.testing.assert_array_equal(probabilities, again.part("test").probabilities)


def test_shares_are_trained_on_processors() -> None:
    recipe = share_recipe(Recipe(model="xgboost", device="gpu"))
    assert recipe.device == "cpu"
    assert recipe.parameters == {"linear_start": False}


def test_a_model_of_one_worker_is_that_of_one_machine(
    loopback: Loopback, sample: LesionDataset, tmp_path: Path
) -> None:
    loopback.start_worker()
    options: dict[str, Any] = {
        **OPTIONS,
        "features": "lesion",
        "oversample": "weights",
        "patients": "yes",
        "parameters": {"n_estimators": 8, "linear_start": False},
    }
    data = sample.take(np.arange(0, 400, 2))
    there = train(data, "xgboost", dask=loopback.address, out=tmp_path / "there", **options)
    here = train(data, "xgboost", out=tmp_path / "here", **options)
    assert there.scores == here.scores


def test_a_lost_worker_ends_the_training(
    loopback: Loopback, sample: LesionDataset, tmp_path: Path
) -> None:
    for _ in range(2):
        loopback.start_worker()
    killed: list[str] = []

    def kill(done: float, total: float) -> None:
        if not killed:
            with Client(loopback.address, set_as_default=False) as client:
                address, process = next(iter(client.run(os.getpid).items()))
                killed.append(address)
                os.kill(process, signal.SIGKILL)

    with Client(loopback.address, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=60)
    with pytest.raises(WorkError, match=r"was lost|failed on a worker"):
        train(
            sample,
            "xgboost",
            dask=loopback.address,
            out=tmp_path / "run",
            on_step=kill,
            parameters={"n_estimators": 2000},
            **OPTIONS,
        )
    assert killed
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("model", "options", "sentence"),
    [
        ("logistic", {}, "Only xgboost"),
        ("xgboost", {"oversample": "smote"}, "smote needs all images"),
        ("xgboost", {"oversample": SMOTE()}, "needs all images"),
        ("xgboost", {"parameters": {"linear_start": True}}, "without its linear start"),
    ],
)
def test_what_cannot_be_shared_is_refused(
    model: str, options: dict[str, Any], sentence: str, sample: LesionDataset, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=sentence):
        train(sample, model, dask="tcp://127.0.0.1:1", out=tmp_path / "run", **options, **OPTIONS)
