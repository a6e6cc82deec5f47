"""A few of the kills of ``benchmarks/faults.py``."""

import os
from pathlib import Path

import numpy as np
import pytest

from benchmarks.faults import FAULTS, try_faults


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are found in /proc")
def test_kills_lose_nothing(tmp_path: Path) -> None:
    found = try_faults(tmp_path, 2, np.random.default_rng(os.getpid()))
    assert found["kills"] == 2
    assert not any(found[name] for name in FAULTS), found
