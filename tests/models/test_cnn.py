"""The convolutional network: its size, its filters, its eight orientations, its state."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy.special import softmax

from hmnist.augmentation import ORIENTATIONS, all_orientations, orient
from hmnist.errors import UsageError
from hmnist.models.cnn import CNN, build_cnn, whitening_filters
from hmnist.models.keras_setup import load_keras
from hmnist.models.litert import LITERT_FILE, LiteNetworks
from hmnist.models.network import PATIENT_UNITS, Examples, Network
from hmnist.patients import encode_patients
from tests.conftest import eagerly

RANDOM = np.random.default_rng(6)
LABELS = np.arange(48) % 3


def draw_lesions(*shape: int) -> npt.NDArray[np.uint8]:
    """Return smooth pictures, a spot of another darkness for each label."""
    height, width, channels = shape
    rows, columns = np.ogrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    spot = np.exp(-3 * (rows**2 + columns**2))[None, :, :, None]
    depth = (30 + 60 * LABELS)[:, None, None, None] * RANDOM.uniform(0.8, 1.2, (48, 1, 1, channels))
    pictures = 220 - depth * spot + RANDOM.normal(0, 6, (48, height, width, channels))
    return np.asarray(pictures.clip(0, 255).astype(np.uint8))


IMAGES = draw_lesions(12, 12, 3)


def fit(images: npt.NDArray[np.uint8] = IMAGES, **parameters: Any) -> CNN:
    given: dict[str, Any] = {"random_state": 0, "epochs": 20, "batch_size": 16, "widths": (4, 6)}
    return CNN(**(given | parameters)).fit(images, LABELS)


@pytest.fixture(scope="module")
def fitted() -> CNN:
    return fit()


def test_weights_are_counted(fitted: CNN) -> None:
    whitening = 2 * 2 * 3 * 24
    first = 9 * 24 * 4 + 9 * 4 * 4 + 2 * 4 * 4  # two kernels, two normalisations of four rows
    second = 9 * 4 * 6 + 9 * 6 * 6 + 2 * 4 * 6
    read_out = 2 * 6 * 3 + 3
    assert fitted.parameter_count == whitening + first + second + read_out


def test_responses_to_training_patches_are_white() -> None:
    scaled = IMAGES.astype(np.float32) / np.float32(255)
    filters = whitening_filters(scaled)
    assert filters.shape == (2, 2, 3, 24)
    assert filters.dtype == np.float32
    np.testing.assert_array_equal(filters[..., 12:], -filters[..., :12])
    patches = np.array(
        [
            image[row : row + 2, column : column + 2].ravel()
            for image in scaled[::2]  # every other image is enough
            for row in range(0, 11, 2)
            for column in range(0, 11, 2)
        ]
    )
    covariance = np.cov(patches @ filters[..., :12].reshape(12, 12), rowvar=False)
    variances = np.sort(np.linalg.eigvalsh(np.cov(patches, rowvar=False)))
    np.testing.assert_allclose(covariance - np.diag(np.diag(covariance)), 0, atol=0.01)
    np.testing.assert_allclose(np.diag(covariance), variances / (variances + 5e-4), rtol=0.01)
    assert np.diag(covariance)[-1] == pytest.approx(1, abs=0.05)


def test_filters_stay_as_they_were_measured(fitted: CNN) -> None:
    expected = whitening_filters(IMAGES.astype(np.float32) / np.float32(255))
    [filters] = fitted.networks_[0].get_layer("whitening").get_weights()
    np.testing.assert_array_equal(filters, expected)


def test_predictions_are_the_mean_of_eight_orientations(fitted: CNN) -> None:
    logits = np.zeros((48, 3))
    for orientation in range(ORIENTATIONS):
        turned = orient(IMAGES, orientation).astype(np.float32)
        logits += np.asarray(fitted.networks_[0](turned, training=False))
    powers = np.exp(logits / ORIENTATIONS)
    expected = powers / powers.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(fitted.predict_proba(IMAGES), expected, rtol=1e-6)


@pytest.mark.parametrize("orientation", range(1, ORIENTATIONS))
def test_a_turned_image_has_the_same_prediction(fitted: CNN, orientation: int) -> None:
    turned = fitted.predict_proba(orient(IMAGES, orientation))
    np.testing.assert_allclose(turned, fitted.predict_proba(IMAGES), rtol=1e-4)


def test_the_same_training_again_has_the_same_bits(fitted: CNN) -> None:
    for first, second in zip(fitted.weights_[0], fit().weights_[0], strict=True):
        np.testing.assert_array_equal(first, second)


def test_it_comes_back_from_its_folder_and_from_a_pickle(fitted: CNN, tmp_path: Path) -> None:
    expected = fitted.predict_proba(IMAGES)
    fitted.save_state(tmp_path)
    again = CNN(widths=(4, 6))
    again.load_state(tmp_path)
    np.testing.assert_array_equal(again.predict_proba(IMAGES), expected)
    pickled = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(pickled.predict_proba(IMAGES), expected)


@eagerly
@pytest.mark.parametrize(
    ("precision", "policy"), [("bfloat16", "mixed_bfloat16"), ("float32", "float32")]
)
def test_precision_stays_in_training(
    monkeypatch: pytest.MonkeyPatch, precision: str, policy: str
) -> None:
    keras = load_keras()
    seen = set()

    def note(*arguments: Any, **options: Any) -> Any:
        seen.add(keras.config.dtype_policy().name)
        return build_cnn(*arguments, **options)

    monkeypatch.setattr("hmnist.models.cnn.build_cnn", note)
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = fit(epochs=1, precision=precision)
        assert keras.config.dtype_policy().name == "mixed_float16"
    finally:
        keras.config.set_dtype_policy("float32")
    assert model.policy_ == policy
    assert seen == {policy, "float32"}
    assert {weight.dtype for weight in model.weights_[0]} == {np.dtype("float32")}


def test_an_unknown_precision_is_refused() -> None:
    with pytest.raises(UsageError, match="no precision called 'float16'"):
        fit(precision="float16")


def test_it_learns_the_darkness_of_spots(fitted: CNN) -> None:
    assert (fitted.predict(IMAGES) == LABELS).mean() > 0.6
    assert fitted.history_["loss"][-1] < fitted.history_["loss"][0]


@eagerly
@pytest.mark.parametrize("shape", [(12, 10, 3), (9, 13, 1), (12, 12, 1)])
def test_oblong_and_grey_images_can_be_fitted(shape: tuple[int, int, int]) -> None:
    images = draw_lesions(*shape)
    model = fit(images, epochs=1)
    expected = model.predict_proba(images)
    np.testing.assert_allclose(expected.sum(axis=1), 1)
    kept = range(ORIENTATIONS) if shape[0] == shape[1] else range(0, ORIENTATIONS, 2)
    for orientation in kept:
        turned = model.predict_proba(orient(images, orientation))
        np.testing.assert_allclose(turned, expected, rtol=1e-4)


def test_tiny_images_have_fewer_stages() -> None:
    load_keras()
    whole, halved = (build_cnn((side, side, 3), 3, widths=(4, 6), dropout=0.3) for side in (8, 7))
    assert halved.count_params() < whole.count_params()


@pytest.mark.parametrize(
    ("side", "stages"), [(28, [4, 6, 8]), (56, [4, 4, 6, 8]), (112, [4, 4, 4, 6, 8])]
)
def test_large_images_have_more_stages(side: int, stages: list[int]) -> None:
    load_keras()
    graph = build_cnn((side, side, 3), 3, widths=(4, 6, 8), dropout=0.3)
    pooled = [layer.output.shape for layer in graph.layers if layer.name.startswith("max_pooling")]
    assert [shape[-1] for shape in pooled] == stages
    assert pooled[-1][1:3] == (3, 3)


@pytest.mark.parametrize(("side", "pixels"), [(8, 1), (28, 2), (56, 4)])
def test_shifts_follow_the_size(side: int, pixels: int, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def note(images: npt.NDArray[np.uint8], shift: int, _: object) -> npt.NDArray[np.uint8]:
        seen.append(shift)
        return images

    monkeypatch.setattr("hmnist.augmentation.shift_randomly", note)
    augment = CNN().make_network().augment
    assert augment is not None
    augment(np.zeros((2, side, side, 3), np.uint8), np.random.default_rng(0))
    assert seen == [pixels]


def test_whitening_needs_no_more_pixels_of_larger_images(monkeypatch: pytest.MonkeyPatch) -> None:
    load_keras()
    seen: list[int] = []

    def note(images: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        seen.append(len(images))
        return whitening_filters(images)

    monkeypatch.setattr("hmnist.models.cnn.whitening_filters", note)
    monkeypatch.setattr("hmnist.models.cnn.WHITENED", 8 * 28**2)
    network = CNN().make_network()
    assert network.prepare is not None
    for side in (28, 56):
        graph = network.build((side, side, 3), 3)
        network.prepare(graph, np.zeros((16, side, side, 3), np.uint8))
    assert seen == [8, 2]


@pytest.mark.parametrize("shape", [(12, 3, 3), (3, 3, 1)])
def test_images_that_cannot_be_halved_are_refused(shape: tuple[int, int, int]) -> None:
    with pytest.raises(UsageError, match=r"too small for a convolutional network; 4 pixels"):
        fit(draw_lesions(*shape))


SOFT = RANDOM.dirichlet(np.ones(3), 48).astype(np.float32)
"""What `soft_targets` may return; its linear model takes longer than these networks."""


def test_distillation_is_a_share_of_the_first_networks_targets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trainings: list[tuple[npt.NDArray[np.float32], float]] = []

    def note(network: Network, examples: Examples, **options: Any) -> Any:
        trainings.append((examples.targets, options["label_smoothing"]))
        graph = network.build(examples.inputs.shape[1:], 3)
        return graph.get_weights(), {}

    monkeypatch.setattr("hmnist.models.training.train_network", note)
    monkeypatch.setattr("hmnist.models.network_model.soft_targets", lambda *_, **__: SOFT)
    fit(distillation=0.25, label_smoothing=0.1, networks=2)
    [(targets, smoothing), (second_targets, second_smoothing)] = trainings
    np.testing.assert_allclose(targets, 0.75 * np.eye(3)[LABELS] + 0.25 * SOFT, atol=1e-6)
    assert targets.dtype == np.float32
    assert smoothing == 0
    np.testing.assert_array_equal(second_targets, np.eye(3)[LABELS])
    assert second_smoothing == 0.1


@eagerly
def test_soft_targets_are_those_of_the_training_images(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []

    def note(*arguments: Any, **options: Any) -> Any:
        calls.append((arguments, options))
        return SOFT

    monkeypatch.setattr("hmnist.models.network_model.soft_targets", note)
    fit(epochs=1, distillation=0.5, random_state=5)
    [((training,), options)] = calls
    np.testing.assert_array_equal(training.images, IMAGES)
    np.testing.assert_array_equal(training.labels, LABELS)
    assert training.weights is training.patients is None
    assert options.pop("on_step") is not None
    assert options == {"classes": 3, "seed": 5}


@eagerly
def test_prediction_does_not_need_the_linear_model(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("hmnist.models.network_model.soft_targets", lambda *_, **__: SOFT)
    model = fit(epochs=1, distillation=0.5)
    probabilities = model.predict_proba(IMAGES)
    assert (probabilities != fit(epochs=1).predict_proba(IMAGES)).any()
    model.save_state(tmp_path)
    files = {"model.json", "networks.sha256", "networks.tflite", "weights.npz"}
    assert {path.name for path in tmp_path.iterdir()} == files
    again = CNN(widths=(4, 6), distillation=0.5)
    again.load_state(tmp_path)
    np.testing.assert_array_equal(again.predict_proba(IMAGES), probabilities)


# Patient data


def encode(ages: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    patients = encode_patients(pd.DataFrame({"age": ages}))
    assert patients is not None
    return patients


PATIENTS = encode(20.0 + 30 * LABELS)


@pytest.fixture(scope="module")
def with_patients() -> CNN:
    images = np.random.default_rng(9).integers(0, 256, IMAGES.shape, dtype=np.uint8)
    model = CNN(widths=(4, 6), random_state=0, epochs=30, batch_size=10, mixup=0.0)
    return model.fit(images, LABELS, patients=PATIENTS)


def test_patient_data_are_a_second_input(fitted: CNN, with_patients: CNN) -> None:
    probabilities = with_patients.predict_proba(IMAGES, PATIENTS)
    assert (probabilities.argmax(axis=1) == LABELS).mean() > 0.8
    [graph] = with_patients.networks_
    units = PATIENT_UNITS
    assert [source.shape[1:] for source in graph.inputs] == [IMAGES.shape[1:], PATIENTS.shape[1:]]
    more = PATIENTS.shape[1] * units + units + units * 3
    assert with_patients.parameter_count == fitted.parameter_count + more


def test_orientations_keep_their_patient_data(with_patients: CNN) -> None:
    [graph] = with_patients.networks_
    logits = [
        np.asarray(graph([np.float32(view), PATIENTS], training=False))
        for view in map(np.ascontiguousarray, all_orientations(IMAGES))
    ]
    expected = softmax(np.mean(logits, axis=0, dtype=np.float64), axis=1)
    found = with_patients.predict_proba(IMAGES, PATIENTS)
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_litert_has_both_inputs(with_patients: CNN, tmp_path: Path) -> None:
    with_patients.save_state(tmp_path)
    networks = LiteNetworks(tmp_path / LITERT_FILE)
    assert networks.patient_columns == PATIENTS.shape[1]
    assert networks.input_shape == IMAGES.shape[1:]
    found = softmax(networks(IMAGES, PATIENTS), axis=1)
    np.testing.assert_allclose(found, with_patients.predict_proba(IMAGES, PATIENTS), atol=1e-6)


@eagerly
def test_the_teacher_reads_patient_data(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Any] = []

    def note(*arguments: Any, **options: Any) -> Any:
        given.append(arguments[0].patients)
        return SOFT

    monkeypatch.setattr("hmnist.models.network_model.soft_targets", note)
    CNN(widths=(4, 6), epochs=1, distillation=0.5).fit(IMAGES, LABELS, patients=PATIENTS)
    np.testing.assert_array_equal(given[0], PATIENTS)
