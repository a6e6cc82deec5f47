"""Tables of features, and estimators in files that run no code."""

from pathlib import Path

import numpy as np
import pytest
import skops.io

from hmnist.errors import TrustError, UsageError
from hmnist.models.linear import Logistic

IMAGES = np.random.default_rng(2).integers(0, 256, (40, 3, 3, 1), dtype=np.uint8)
LABELS = np.arange(40) % 2


def test_unknown_features_are_refused() -> None:
    with pytest.raises(UsageError, match="no features called 'dreams'"):
        Logistic(features="dreams").fit(IMAGES, LABELS)


def test_foreign_types_are_refused(tmp_path: Path) -> None:
    Logistic().fit(IMAGES, LABELS).save_state(tmp_path)
    skops.io.dump([Path], tmp_path / "estimator.skops")
    with pytest.raises(TrustError, match="Path"):
        Logistic().load_state(tmp_path)


@pytest.mark.parametrize("damage", ["truncated", "missing", "empty"])
def test_damaged_files_are_refused(tmp_path: Path, damage: str) -> None:
    Logistic().fit(IMAGES, LABELS).save_state(tmp_path)
    file = tmp_path / "estimator.skops"
    if damage == "missing":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:-200] if damage == "truncated" else b"")
    with pytest.raises(TrustError, match="Logistic"):
        Logistic().load_state(tmp_path)
