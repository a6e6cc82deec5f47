"""A run folder that a test may change."""

import shutil
from pathlib import Path

import pytest

from hmnist.runs.run import Run


@pytest.fixture
def copy(run: Run, tmp_path: Path) -> Path:
    """Return the folder of a copy of the run."""
    return Path(shutil.copytree(run.folder, tmp_path / "copy"))
