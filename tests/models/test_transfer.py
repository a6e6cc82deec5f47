"""The fine-tuned network: what it starts from, the images that it takes, its state."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.base import clone

from hmnist.augmentation import all_orientations
from hmnist.dataset import LesionDataset
from hmnist.experiments.train import train
from hmnist.models import efficientnet
from hmnist.models.efficientnet import load_imagenet
from hmnist.models.transfer import Transfer
from hmnist.runs.run import open_run
from tests.conftest import EAGERLY
from tests.models.test_cnn import IMAGES, LABELS, draw_lesions

pytestmark = EAGERLY


def set_random(backbone: Any) -> None:
    """Set kernels that keep the variance of what flows through them."""
    rng = np.random.default_rng(0)

    def draw(weight: npt.NDArray[Any]) -> npt.NDArray[Any]:
        # Kernels of depthwise convolutions have one input channel for each output.
        inputs = weight[..., :1, 0].size if weight.shape[-1] == 1 else weight[..., 0].size
        return rng.normal(0, np.sqrt(2 / inputs), weight.shape) if weight.ndim > 1 else weight

    backbone.set_weights([draw(weight) for weight in backbone.get_weights()])


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a network of three blocks in the place of the backbone, with random weights."""
    monkeypatch.setattr(efficientnet, "STAGES", ((1, 8, 3, 1, 1), (2, 8, 5, 2, 2)))
    monkeypatch.setattr(efficientnet, "FEATURES", 24)
    monkeypatch.setattr("hmnist.models.transfer.set_imagenet", set_random)


def fit(images: npt.NDArray[np.uint8] = IMAGES, **parameters: Any) -> Transfer:
    given = {"random_state": 0, "epochs": 1, "batch_size": 16, "side": 16}
    return Transfer(**(given | parameters)).fit(images, LABELS[: len(images)])


def test_training_starts_from_imagenet() -> None:
    model = fit(IMAGES[:6], learning_rate=0.0)
    *backbone, kernel, bias = model.weights_[0]
    for found, expected in zip(backbone, load_imagenet(), strict=True):
        np.testing.assert_array_equal(found.ravel(), expected.ravel())
    assert kernel.shape == (1280, 3)
    assert not kernel.any()
    assert not bias.any()
    assert model.parameter_count == 3_371_008 + 1281 * 3


@pytest.mark.usefixtures("small")
def test_labels_are_learnt_by_all_layers() -> None:
    model = fit(epochs=6, learning_rate=5e-3, shift=0)
    assert (model.predict(IMAGES) == LABELS).mean() > 0.6
    untrained = fit(learning_rate=0.0).weights_[0]
    for before, after in zip(untrained, model.weights_[0], strict=True):
        is_scale = before.ndim == 1 and (before == 1).all()
        assert np.array_equal(before, after) == is_scale


@pytest.mark.usefixtures("small")
def test_the_last_layer_learns_more_quickly() -> None:
    def largest_logit(rate: float) -> float:
        model = fit(epochs=1, learning_rate=1e-4, head_rate=rate)
        return float(np.abs(np.asarray(model.networks_[0](IMAGES.astype(np.float32)))).max())

    assert largest_logit(10) > 3 * largest_logit(1)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("shape", [(28, 28, 3), (28, 28, 1), (8, 8, 3), (10, 7, 3), (16, 16, 3)])
def test_images_of_any_size_are_taken(shape: tuple[int, int, int]) -> None:
    images = draw_lesions(*shape)
    model = fit(images, image_shape=shape)
    probabilities = model.predict_proba(images)
    assert probabilities.shape == (48, 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
    assert np.ptp(probabilities[:, 0]) > 0


@pytest.mark.usefixtures("small")
def test_grey_images_count_as_colours_of_equal_channels() -> None:
    grey = draw_lesions(12, 12, 1)
    model = fit(grey)
    weights = model.weights_[0]
    colour = fit(IMAGES)
    colour.networks_[0].set_weights(weights)
    repeated = np.repeat(grey, 3, axis=3).astype(np.float32)
    np.testing.assert_allclose(
        np.asarray(model.networks_[0](grey.astype(np.float32))),
        np.asarray(colour.networks_[0](repeated)),
        atol=1e-6,
    )


@pytest.mark.usefixtures("small")
def test_predictions_average_the_orientations() -> None:
    model = fit(learning_rate=3e-3)
    turned = [model.predict_proba(view) for view in all_orientations(IMAGES)]
    for probabilities in turned[1:]:
        np.testing.assert_allclose(probabilities, turned[0], atol=1e-5)


@pytest.mark.usefixtures("small")
def test_clone_pickle_and_state_keep_every_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = fit(networks=2, learning_rate=3e-3)
    expected = model.predict_proba(IMAGES)
    model.save_state(tmp_path)
    monkeypatch.setattr(efficientnet, "PACKAGE", "no_such_package")  # a fitted model needs none
    copied = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copied.predict_proba(IMAGES), expected)
    loaded = clone(model)
    loaded.load_state(tmp_path)
    np.testing.assert_array_equal(loaded.predict_proba(IMAGES), expected)


@pytest.mark.usefixtures("small")
def test_a_run_predicts_without_the_package_and_without_tensorflow(
    sample: LesionDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parameters = {"epochs": 1, "side": 16}
    train(sample, "transfer", parameters=parameters, threads=1, out=tmp_path / "run")
    monkeypatch.setattr(efficientnet, "PACKAGE", "no_such_package")
    run = open_run(tmp_path / "run")
    some = sample.images[:20]
    expected = run.model.predict_proba(some)
    np.testing.assert_allclose(run.predict_uncalibrated(some), expected, atol=1e-5)
