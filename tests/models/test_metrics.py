import numpy as np
import pytest

from hmnist.models.keras_setup import load_keras


def test_recalls_are_scikit_learns(rng: np.random.Generator) -> None:
    from sklearn.metrics import recall_score

    load_keras()
    from hmnist.models.metrics import Recalls

    metric = Recalls(["a", "b", "c", "d"])
    true, logits = rng.integers(0, 3, 90), rng.normal(size=(90, 4))
    for rows in (slice(50), slice(50, 90)):
        metric.update_state(np.eye(4)[true[rows]], logits[rows])
    recalls = [float(value) for value in metric.result().values()]
    expected = recall_score(true, logits.argmax(axis=1), average=None, labels=[0, 1, 2])
    assert recalls == pytest.approx([*expected, 0])
    assert list(metric.result()) == ["a", "b", "c", "d"]
