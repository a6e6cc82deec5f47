"""Networks from their files: the logits of the model, and what they read."""

from pathlib import Path

import numpy as np
import pytest
from scipy.special import softmax

from hmnist.models.base import Model
from hmnist.models.cnn import CNN
from hmnist.models.mlp import MLP
from hmnist.models.saved_networks import SavedNetworks
from hmnist.sources.sample import load_sample

DATA = load_sample().take(np.arange(0, 2500, 25))


@pytest.mark.parametrize(
    "model",
    [
        CNN(epochs=1, widths=(4, 6)),
        MLP(epochs=1, widths=(4,), features="pixels"),
        MLP(epochs=1, widths=(4,), features="lesion"),
    ],
)
def test_the_logits_are_those_of_the_model(model: Model, tmp_path: Path) -> None:
    model.fit(DATA.images, DATA.labels).save_state(tmp_path)
    networks = SavedNetworks(tmp_path, DATA.image_shape)
    found = softmax(networks.logits(DATA.images, None), axis=1)
    np.testing.assert_allclose(found, model.predict_proba(DATA.images), atol=1e-5)
    assert networks.patient_columns == 0
    assert networks.reads(DATA.image_shape)


def test_it_knows_that_a_network_reads_something_else(tmp_path: Path) -> None:
    CNN(epochs=1, widths=(4, 6)).fit(DATA.images, DATA.labels).save_state(tmp_path)
    assert not SavedNetworks(tmp_path, DATA.image_shape).reads((30, 30, 3))
