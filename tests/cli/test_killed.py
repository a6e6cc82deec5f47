"""A few of the kills of ``benchmarks/faults.py``."""

import os
from pathlib import Path

import numpy as np
import pytest

from benchmarks.faults import FAULTS, try_faults
from hmnist.sources.sample import write_sample


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are found in /proc")
def test_kills_lose_nothing(tmp_path: Path) -> None:
    pixels, _ = write_sample(tmp_path / "pixels.csv", rows=300)
    seed = os.getpid()
    found = try_faults(tmp_path, 2, np.random.default_rng(seed), str(pixels))
    assert found["kills"] == 2, (seed, found)
    assert not any(found[name] for name in FAULTS), (seed, found)
