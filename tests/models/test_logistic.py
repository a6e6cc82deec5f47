"""Logistic regression against what it is defined to be, and its state in files."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from hmnist.errors import TrustError
from hmnist.models.logistic import Logistic

IMAGES = np.random.default_rng(3).integers(0, 256, (90, 3, 3, 1), dtype=np.uint8)
LABELS = (IMAGES[:, 0, 0, 0].astype(int) // 86) * 2
WEIGHTS = np.random.default_rng(4).integers(0, 4, 90)


def test_logistic_is_regression_on_standardised_pixels() -> None:
    X = IMAGES.reshape(90, -1).astype(float)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    expected = LogisticRegression(C=0.1, tol=1e-8, max_iter=1000).fit(X, LABELS).predict_proba(X)
    model = Logistic(penalty=1 / (0.1 * 90), max_iter=1000).fit(IMAGES, LABELS)
    np.testing.assert_allclose(model.predict_proba(IMAGES), expected, atol=0.01)
    assert model.parameter_count == 3 * (9 + 1)
    assert 1 <= model.n_iter_ < 1000


def test_logistic_ends_at_its_limit_without_a_warning() -> None:
    assert Logistic(penalty=1e-4, max_iter=2).fit(IMAGES, LABELS).n_iter_ == 2


def test_every_step_is_reported() -> None:
    steps: list[tuple[float, float]] = []
    model = Logistic(penalty=1e-4, max_iter=4)
    model.on_step = lambda done, total: steps.append((done, total))
    assert model.fit(IMAGES, LABELS).n_iter_ == 4
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_weights_count_like_repeated_rows() -> None:
    weighted = Logistic(penalty=0.1).fit(IMAGES, LABELS, sample_weight=WEIGHTS)
    repeated = Logistic(penalty=0.1).fit(IMAGES.repeat(WEIGHTS, 0), LABELS.repeat(WEIGHTS))
    np.testing.assert_allclose(
        weighted.predict_proba(IMAGES), repeated.predict_proba(IMAGES), atol=1e-3
    )


def test_logistic_refuses_a_single_class() -> None:
    with pytest.raises(ValueError, match="class"):
        Logistic().fit(IMAGES, np.zeros(90))


@pytest.mark.parametrize("damage", ["truncated", "missing", "empty", "fewer", "objects"])
def test_damaged_files_are_refused(tmp_path: Path, damage: str) -> None:
    Logistic().fit(IMAGES, LABELS).save_state(tmp_path)
    file = tmp_path / "linear.npz"
    with np.load(file) as stored:
        arrays = dict(stored)
    if damage == "missing":
        file.unlink()
    elif damage == "fewer":
        np.savez(file, **dict(list(arrays.items())[1:]))
    elif damage == "objects":
        np.savez(file, **(arrays | {"scale": np.array([{"a": 1}], dtype=object)}))
    else:
        file.write_bytes(file.read_bytes()[:-200] if damage == "truncated" else b"")
    with pytest.raises(TrustError, match=r"linear\.npz is"):
        Logistic().load_state(tmp_path)
