"""The convolutional network with perceptrons beside it: the mean of both, and its state."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import softmax

from hmnist.models.cnn import CNN
from hmnist.models.joint import JointCNN
from hmnist.models.mlp import MLP
from hmnist.models.saved_networks import SavedNetworks
from hmnist.sources.sample import load_sample
from tests.conftest import eagerly

DATA = load_sample(rows=100)
IMAGES, LABELS = DATA.images[:, ::2, ::2], DATA.labels
SMALL: dict[str, Any] = {"epochs": 1, "widths": (4, 6), "random_state": 3}


@pytest.fixture(scope="module")
def fitted() -> JointCNN:
    return JointCNN(perceptrons=2, **SMALL).fit(IMAGES, LABELS, patients=DATA.patients)


def test_it_is_the_geometric_mean_of_both_kinds(fitted: JointCNN) -> None:
    parts = [
        CNN(**SMALL).fit(IMAGES, LABELS, patients=DATA.patients),
        MLP(random_state=3, features="lesion", networks=2).fit(
            IMAGES, LABELS, patients=DATA.patients
        ),
    ]
    products = np.prod([part.predict_proba(IMAGES, DATA.patients) for part in parts], axis=0)
    expected = np.sqrt(products) / np.sqrt(products).sum(axis=1, keepdims=True)
    found = fitted.predict_proba(IMAGES, DATA.patients)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-9)
    assert fitted.parameter_count == sum(part.parameter_count for part in parts)


@eagerly
def test_without_perceptrons_it_is_the_network_alone() -> None:
    both = [kind(**SMALL).fit(IMAGES, LABELS) for kind in (CNN, JointCNN)]
    first, second = (model.predict_proba(IMAGES) for model in both)
    np.testing.assert_array_equal(first, second)


def test_its_state_comes_back_without_tensorflow_too(fitted: JointCNN, tmp_path: Path) -> None:
    fitted.save_state(tmp_path)
    again = JointCNN(perceptrons=2, **SMALL)
    again.load_state(tmp_path)
    expected = fitted.predict_proba(IMAGES, DATA.patients)
    np.testing.assert_array_equal(again.predict_proba(IMAGES, DATA.patients), expected)
    logits = SavedNetworks(tmp_path, IMAGES.shape[1:]).logits(IMAGES, DATA.patients)
    np.testing.assert_allclose(softmax(logits, axis=1), expected, atol=1e-6)


@eagerly
def test_the_perceptrons_are_one_more_step() -> None:
    steps: list[tuple[float, float]] = []
    model = JointCNN(perceptrons=1, **{**SMALL, "epochs": 2})
    model.on_step = lambda done, total: steps.append((done, total))
    model.fit(IMAGES, LABELS)
    assert steps[:2] == [(1, 3), (2, 3)]
    assert steps == sorted(steps)
    assert steps[-1] == (3, 3)


@eagerly
def test_weights_reach_both_kinds() -> None:
    weights = np.not_equal(LABELS, LABELS[0]).astype(float)
    model = JointCNN(perceptrons=1, **SMALL).fit(IMAGES, LABELS, sample_weight=weights)
    plain = JointCNN(perceptrons=1, **SMALL).fit(IMAGES, LABELS)
    for changed, same in ((model, plain), (model.perceptron_, plain.perceptron_)):
        assert not np.array_equal(changed.weights_[0][-1], same.weights_[0][-1])
