"""Changed files of models crash nothing: the cases run in processes of their own."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("kinds", "cases"), [(["majority", "logistic", "hist-gbdt", "xgboost"], 60), (["mlp"], 15)]
)
def test_changed_files_are_refused_or_predict_probabilities(kinds: list[str], cases: int) -> None:
    command = [sys.executable, "-m", "tests.models.mutations", str(cases), "1000", *kinds]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=400
    )
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    for kind in kinds:
        assert f"{kind}: " in done.stdout
    assert done.stdout.count("'refused'") == len(kinds)
