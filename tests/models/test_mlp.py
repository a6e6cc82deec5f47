"""The multilayer perceptron: its inputs, how they are standardised, its state."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from hmnist.errors import TrustError, UsageError
from hmnist.features.lesion import LesionFeatures
from hmnist.models.keras_setup import load_keras
from hmnist.models.mlp import MLP
from hmnist.models.network import Examples
from hmnist.patients import PATIENT_COLUMNS

RANDOM = np.random.default_rng(8)
IMAGES = RANDOM.integers(90, 140, (90, 8, 8, 3), dtype=np.uint8)
LABELS = np.arange(90) % 3
IMAGES[LABELS == 1, :, :, 0] += 40
IMAGES[LABELS == 2, 2:6, 2:6] -= 60
TRAINED, UNSEEN = slice(0, 60), slice(60, 90)


def make(features: str) -> MLP:
    return MLP(
        random_state=0,
        features=features,
        epochs=6,
        batch_size=16,
        learning_rate=0.01,
        widths=(16, 8),
        dropout=0.1,
    )


@pytest.fixture(scope="module", params=["pixels", "lesion"])
def fitted(request: pytest.FixtureRequest) -> MLP:
    return make(request.param).fit(
        IMAGES[TRAINED], LABELS[TRAINED], validation=(IMAGES[UNSEEN], LABELS[UNSEEN])
    )


def features_of(model: MLP, images: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
    if model.features == "pixels":
        return images.reshape(len(images), -1).astype(float)
    return LesionFeatures(random_state=0).fit(IMAGES[TRAINED]).transform(images).astype(float)


def test_it_reads_standardised_features_of_training(fitted: MLP) -> None:
    features = features_of(fitted, IMAGES)
    deviation = features[TRAINED].std(axis=0)
    inputs = (features - features[TRAINED].mean(axis=0)) / np.where(deviation > 1e-6, deviation, 1)
    steady = deviation > 1e-3  # the deviation of the other columns is rounding
    expected = inputs.clip(-5, 5)[:, steady]
    np.testing.assert_allclose(fitted.inputs_.transform(IMAGES)[:, steady], expected, atol=5e-3)
    assert steady.mean() > 0.5


def test_it_learns(fitted: MLP) -> None:
    assert (fitted.predict(IMAGES[UNSEEN]) == LABELS[UNSEEN]).mean() > 0.6


def test_weights_are_counted(fitted: MLP) -> None:
    columns = features_of(fitted, IMAGES[:1]).shape[1]
    assert fitted.parameter_count == columns * 16 + 16 + 16 * 8 + 8 + 8 * 3 + 3


def test_it_comes_back_from_its_folder(fitted: MLP, tmp_path: Path) -> None:
    fitted.save_state(tmp_path)
    again = make(fitted.features)
    again.load_state(tmp_path)
    np.testing.assert_array_equal(again.predict_proba(IMAGES), fitted.predict_proba(IMAGES))
    (tmp_path / "scaler.npz").unlink()
    with pytest.raises(TrustError, match=r"scaler\.npz is missing"):
        make(fitted.features).load_state(tmp_path)


def test_the_offset_of_its_logits_comes_back(tmp_path: Path) -> None:
    rare = np.where(np.arange(60) < 50, LABELS[TRAINED] // 2, 2)
    model = make("pixels").set_params(logit_adjustment=1.0, epochs=1)
    probabilities = model.fit(IMAGES[TRAINED], rare).predict_proba(IMAGES)
    np.testing.assert_allclose(model.offset_, np.log(np.bincount(rare) / 60))
    model.save_state(tmp_path)
    again = make("pixels")
    again.load_state(tmp_path)
    np.testing.assert_array_equal(again.predict_proba(IMAGES), probabilities)


def test_the_same_training_again_has_the_same_bits(fitted: MLP) -> None:
    again = make(fitted.features).fit(IMAGES[TRAINED], LABELS[TRAINED])
    np.testing.assert_array_equal(again.predict_proba(IMAGES), fitted.predict_proba(IMAGES))


def test_training_mixes_pairs_and_their_targets(rng: np.random.Generator) -> None:
    inputs = rng.normal(size=(6, 4)).astype(np.float32)
    targets = np.eye(6, dtype=np.float32)
    load_keras()
    from hmnist.models.batches import TrainingBatches

    examples = Examples(inputs, targets)

    def first(strength: float) -> tuple[Any, Any]:
        network = MLP(mixup=strength).make_network()
        (batches,) = TrainingBatches(network, examples, 0).epoch(0)
        return batches.inputs[0], batches.targets[0]

    mixed, shares = first(0.5)
    np.testing.assert_allclose(mixed, shares @ inputs, atol=1e-6)
    assert (shares.max(axis=1) < 1).any()
    same, unmixed = first(0)
    # Without mixup the batch has another order, and nothing else.
    np.testing.assert_array_equal(same, unmixed @ inputs)
    np.testing.assert_array_equal(np.sort(unmixed, axis=1), np.sort(targets, axis=1))


def test_pixels_may_be_rows_of_any_length_and_features_are_those_of_images() -> None:
    assert MLP().needs_shape is False
    with pytest.raises(UsageError, match="not a square image"):
        MLP(features="lesion").fit(IMAGES.reshape(90, -1)[:, :50], LABELS)


def test_unknown_features_are_refused() -> None:
    with pytest.raises(UsageError, match="no features called 'dreams'"):
        MLP(features="dreams").fit(IMAGES, LABELS)


def test_patient_data_join_the_features_behind_the_dropout_of_inputs() -> None:
    load_keras()
    graph = MLP(widths=(16,)).make_network().build_for((5,), 3, uses_patients=True)
    assert [source.shape[1:] for source in graph.inputs] == [(5,), (len(PATIENT_COLUMNS),)]
    assert graph.count_params() == (5 + len(PATIENT_COLUMNS)) * 16 + 16 + 16 * 3 + 3
    [joined] = [layer for layer in graph.layers if type(layer).__name__ == "Concatenate"]
    dropped, patients = joined.input
    assert patients is graph.inputs[1]
    assert dropped is not graph.inputs[0]
