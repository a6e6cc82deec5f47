"""A run knows what its training images look like."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hmnist.dataset import LesionDataset
from hmnist.decisions.familiarity import fit_familiarity
from hmnist.errors import TrustError
from hmnist.experiments.train import train
from hmnist.experiments.training import compose_ensemble
from hmnist.runs.familiarity import read_familiarity
from hmnist.runs.run import Run, open_run
from hmnist.splits.split import split


def test_it_is_fitted_on_training_and_validation(run: Run, sample: LesionDataset) -> None:
    parts = split(sample, seed=0)
    expected = fit_familiarity(parts.train.images, parts.validation.images)
    found = open_run(run.folder).familiarity
    assert expected is not None
    assert found is not None
    assert "familiarity.npz" in run.manifest.files
    assert (found.threshold, found.noise) == (expected.threshold, expected.noise)
    strange = np.zeros((2, *sample.image_shape), np.uint8)
    assert np.all(run.is_unfamiliar(strange))
    assert not np.any(run.is_unfamiliar(parts.train.images[:5]))


def test_all_models_on_a_split_share_it(run: Run, sample: LesionDataset, tmp_path: Path) -> None:
    parts = split(sample, seed=0)
    other = train(sample, "majority", threads=1, out=tmp_path / "majority")
    recipe = replace(
        run.manifest.recipe, model="ensemble", parameters={"members": ["logistic", "majority"]}
    )
    ensemble = compose_ensemble(parts, recipe, tmp_path / "ensemble", [run, other])
    thresholds = {
        found.familiarity and found.familiarity.threshold for found in (run, other, ensemble)
    }
    assert len(thresholds) == 1
    assert None not in thresholds


def test_too_few_validation_images_leave_it_out(sample: LesionDataset, tmp_path: Path) -> None:
    few = sample.take(np.arange(60))
    run = train(few, "majority", split="image", threads=1, out=tmp_path / "run")
    assert run.familiarity is None
    assert run.is_unfamiliar(few.images) is None
    assert "familiarity.npz" not in run.manifest.files


def test_a_damaged_file_is_refused(run: Run, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(run.folder, tmp_path / "copy"))
    content = (copy / "familiarity.npz").read_bytes()
    (copy / "familiarity.npz").write_bytes(content[:1000])
    with pytest.raises(TrustError, match=r"familiarity\.npz"):
        open_run(copy)
    with pytest.raises(TrustError, match="damaged"):
        read_familiarity(copy)
