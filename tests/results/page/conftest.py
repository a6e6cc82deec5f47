"""A benchmark of the sample with folds and seeds, and its report."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hmnist.dataset import LesionDataset
from hmnist.results.benchmark import benchmark
from hmnist.results.page.report import write_report

if TYPE_CHECKING:
    from hmnist.runs.recipe import Settings

EVIL = "</script><script>window.hacked = 1</script><img src=x onerror='hacked=1'>"
"""The name of an image that must stay text."""


@pytest.fixture(scope="session")
def named(sample: LesionDataset) -> LesionDataset:
    """Return the sample with image names that are HTML."""
    assert sample.metadata is not None
    names = [f"{EVIL}{number}" for number in range(len(sample))]
    return dataclasses.replace(sample, metadata=sample.metadata.assign(image_id=names))


@pytest.fixture(scope="session")
def folder(named: LesionDataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a benchmark folder: two models, two folds, two seeds; tests do not change it."""
    path = tmp_path_factory.mktemp("reported") / "bench"
    settings: Settings = {"features": "pixels", "effort": "quick", "threads": 1}
    # Validation is too small for a threshold of the usual sensitivity.
    settings |= {"patients": "both", "sensitivity": 0.7}
    benchmark(named, "logistic", folds=2, seeds=2, out=path, **settings)
    return path


@pytest.fixture(scope="session")
def page(folder: Path, named: LesionDataset) -> Path:
    """Return the report of the benchmark, with pictures."""
    return write_report(folder, data=named)
