"""Maps find what a prediction rests on, and are drawn on one sheet."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest

from hmnist.arrays import Float64, Indices, Labels, Pixels
from hmnist.dataset import LesionDataset
from hmnist.errors import UsageError
from hmnist.experiments.train import train
from hmnist.models.cnn import CNN
from hmnist.models.grad_cam import find_layer, grad_cam
from hmnist.results.explaining import explain
from hmnist.results.explanation_maps import occlude, permute, permute_groups
from hmnist.runs.run import Run

pytestmark = [
    pytest.mark.filterwarnings("ignore::hmnist.errors.SampleWarning"),
    pytest.mark.usefixtures("few_patches"),
]

PATCH = slice(2, 8), slice(18, 24)
"""The rows and columns of a bright patch that alone decides the label."""


def draw_patches(count: int) -> tuple[Pixels, Labels]:
    """Return noise, half of it with a bright patch, and whether it has one."""
    rng = np.random.default_rng(0)
    images = rng.integers(60, 120, (count, 28, 28, 3), dtype=np.uint8)
    labels = np.arange(count) % 2
    images[labels == 1, *PATCH] = 250
    return images, labels


def predict_brightness(images: Pixels, _: Indices) -> Float64:
    """Return probabilities that depend on the patch alone."""
    bright = images[:, *PATCH].mean(axis=(1, 2, 3)) / 255
    return np.stack([1 - bright, bright], axis=1)


def is_found(map_: np.ndarray) -> bool:
    row, column = np.unravel_index(map_.argmax(), map_.shape)
    return bool(0 <= row <= 10 and 15 <= column <= 26)


@pytest.fixture(scope="module")
def network() -> CNN:
    images, labels = draw_patches(128)
    model = CNN(epochs=6, batch_size=16, widths=(8, 8), dropout=0.0, shift=0, random_state=0)
    return model.fit(images, labels)


def test_occlusion_is_that_of_a_loop() -> None:
    images, labels = draw_patches(2)
    maps = occlude(images, labels, predict_brightness)
    image = images[1]
    border = np.concatenate([image[:2], image[-2:]]).reshape(-1, 3)
    border = np.concatenate(
        [border, image[2:-2, :2].reshape(-1, 3), image[2:-2, -2:].reshape(-1, 3)]
    )
    skin = np.median(border, axis=0).round()
    before = predict_brightness(image[None], np.zeros(1, np.int64))[0, 1]
    losses: dict[tuple[int, int], list[float]] = {}
    starts = [*range(0, 21, 2), 21]
    for top in starts:
        for left in starts:
            changed = image.copy()
            changed[top : top + 7, left : left + 7] = skin
            after = predict_brightness(changed[None], np.zeros(1, np.int64))[0, 1]
            for row in range(top, top + 7):
                for column in range(left, left + 7):
                    losses.setdefault((row, column), []).append(before - after)
    expected = [[np.mean(losses[row, column]) for column in range(28)] for row in range(28)]
    np.testing.assert_allclose(maps[1], expected, atol=1e-6)


@pytest.mark.parametrize("measure", [occlude, permute])
def test_a_patch_that_decides_is_found(measure: Any) -> None:
    images, labels = draw_patches(6)
    maps = measure(images, labels, predict_brightness)
    assert all(is_found(map_) for map_ in maps[labels == 1])
    far = np.ones((28, 28), bool)
    far[:15, 11:] = False
    assert not maps[:, far].any()


def test_grad_cam_finds_the_patch(network: CNN) -> None:
    images, labels = draw_patches(20)
    assert network.score(images, labels) == 1
    maps = grad_cam(network, images, labels)
    assert maps.dtype == np.float32
    assert maps.min() >= 0
    with_patch = maps[labels == 1]
    inside = with_patch[:, 0:11, 15:27].mean()
    assert inside > 2 * with_patch.mean()


def test_random_weights_change_the_map(network: CNN) -> None:
    # Adebayo et al., Sanity Checks for Saliency Maps, NeurIPS 2018.
    images, labels = draw_patches(4)
    maps = grad_cam(network, images, labels)
    [graph] = network.networks_
    weights = graph.get_weights()
    rng = np.random.default_rng(0)
    graph.set_weights([rng.permutation(weight.ravel()).reshape(weight.shape) for weight in weights])
    try:
        random = grad_cam(network, images, labels)
    finally:
        graph.set_weights(weights)
    expected, found = (each / max(each.max(), 1e-9) for each in (maps, random))
    assert abs(found - expected).mean() > 0.5 * expected.mean()
    np.testing.assert_allclose(grad_cam(network, images, labels), maps, rtol=1e-4, atol=1e-7)


def test_a_turned_image_has_a_turned_map(network: CNN) -> None:
    images, labels = draw_patches(4)
    maps = grad_cam(network, images, labels)
    turned = grad_cam(network, np.rot90(images, axes=(1, 2)).copy(), labels)
    np.testing.assert_allclose(turned, np.rot90(maps, axes=(1, 2)), atol=1e-4 * maps.max())


def test_layers_inside_a_backbone_are_found(rng: np.random.Generator) -> None:
    import keras

    from hmnist.models.keras_setup import load_keras

    load_keras()
    inputs = keras.Input((32, 32, 3))
    inner = keras.layers.Conv2D(4, 3, strides=4, padding="same")(inputs)
    backbone = keras.Model(inputs, keras.layers.Conv2D(5, 3, strides=4, padding="same")(inner))
    outer = keras.Input((32, 32, 3))
    x = keras.layers.GlobalAveragePooling2D()(backbone(outer))
    graph = keras.Model(outer, keras.layers.Dense(2)(x))
    assert find_layer(graph).output.shape == (None, 8, 8, 4)
    model: Any = SimpleNamespace(
        networks_=[graph], make_network=lambda: SimpleNamespace(views=None)
    )
    images = rng.integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    maps = np.stack([grad_cam(model, images, np.full(3, label)) for label in range(2)])
    assert maps.shape == (2, 3, 32, 32)
    assert maps.any(axis=(2, 3)).any()


def test_groups_of_features_that_decide_come_first(rng: np.random.Generator) -> None:
    columns = rng.normal(size=(60, 3)).astype(np.float32)
    groups = {"noise": np.array([0, 1]), "signal": np.array([2])}

    def predict(values: np.ndarray) -> Float64:
        share = 1 / (1 + np.exp(-5.0 * values[:, 2]))
        return np.stack([1 - share, share], axis=1)

    labels = predict(columns).argmax(axis=1)
    losses = permute_groups(columns, groups, labels, predict)
    assert list(losses) == ["signal", "noise"]
    assert losses["signal"] > 0.2
    assert losses["noise"] == pytest.approx(0)


@pytest.mark.parametrize("method", ["occlusion", "permutation"])
def test_every_model_is_explained(method: str, run: Run, sample: LesionDataset) -> None:
    explanation = explain(run, sample.images[:3], method=method)
    assert explanation.maps.shape == (3, 28, 28)
    assert explanation.maps.dtype == np.float32
    assert explanation.groups == {}
    assert abs(explanation.maps).max() > 0.001
    np.testing.assert_array_equal(explanation.predicted, run.predict(sample.images[:3]))


def test_tabular_models_rank_their_features(sample: LesionDataset, tmp_path: Path) -> None:
    run = train(sample, "logistic", effort="quick", threads=1, out=tmp_path / "run")
    explanation = explain(run, sample.images[:4], method="permutation")
    losses = list(explanation.groups.values())
    assert len(losses) == 10
    assert losses == sorted(losses, reverse=True)
    assert losses[0] > 0.001


def test_pixels_have_no_groups(sample: LesionDataset, tmp_path: Path) -> None:
    parameters = {"features": "pixels"}  # which the settings of the recipe do not say
    run = train(
        sample, "logistic", effort="quick", threads=1, out=tmp_path / "run", parameters=parameters
    )
    assert explain(run, sample.images[:3], method="permutation").groups == {}


def test_patient_data_stay_as_they_are(patient_run: Run, sample: LesionDataset) -> None:
    assert sample.patients is not None
    known = sample.patients[:2]
    told = explain(patient_run, sample.images[:2], patients=known)
    untold = explain(patient_run, sample.images[:2])
    np.testing.assert_array_equal(
        told.probabilities, patient_run.predict_proba(sample.images[:2], known)
    )
    assert not np.array_equal(told.maps, untold.maps)


def test_a_joint_network_says_what_is_left_out(
    sample: LesionDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parameters = {"epochs": 1, "widths": (4, 6), "perceptrons": 0, "distillation": 0.0}
    run = train(sample, "cnn", parameters=parameters, threads=1, out=tmp_path / "run")
    explanation = explain(run, sample.images[:2], method="grad-cam")
    assert explanation.maps.shape == (2, 28, 28)
    assert explanation.notes == ()
    monkeypatch.setattr(run.model, "perceptrons", 1)
    [note] = explain(run, sample.images[:2], method="grad-cam").notes
    assert "perceptrons" in note


@pytest.mark.parametrize(
    ("method", "count", "message"),
    [
        ("saliency", 2, "no method called 'saliency'"),
        ("grad-cam", 2, "logistic is none"),
        ("permutation", 1, "two images or more"),
        ("occlusion", 0, "at least one"),
    ],
)
def test_what_does_not_fit_is_refused(
    method: str, count: int, message: str, run: Run, sample: LesionDataset
) -> None:
    with pytest.raises(UsageError, match=message):
        explain(run, sample.images[:count], method=method)


def test_networks_without_convolutions_are_refused(patient_run: Run, sample: LesionDataset) -> None:
    with pytest.raises(UsageError, match="through convolutions"):
        explain(patient_run, sample.images[:2], method="grad-cam")


@pytest.mark.parametrize(
    ("ending", "magic"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")]
)
def test_figures_are_written_by_ending(
    ending: str, magic: bytes, run: Run, sample: LesionDataset, tmp_path: Path
) -> None:
    explanation = explain(run, sample.images[:2])
    path = tmp_path / f"figure.{ending}"
    explanation.save(path)
    content = path.read_bytes()
    assert content.startswith(magic)
    # Another version of matplotlib would write another file.
    assert f"v{mpl.__version__}".encode() not in content
    with pytest.raises(UsageError, match="no figure format called 'gif'"):
        explanation.save(tmp_path / "figure.gif")


def test_a_sheet_names_images_and_predictions(run: Run, sample: LesionDataset) -> None:
    from matplotlib.axes import Axes

    explanation = explain(run, sample.images[:5], names=["first", *"bcde"])
    all_axes = [
        axes
        for artist in explanation.plot().findobj(Axes)
        if isinstance(axes := artist, Axes) and axes.images
    ]
    assert len(all_axes) == 10
    titles = [axes.get_title(loc="left") for axes in all_axes]
    assert any(title.startswith("first\n") and title.endswith("%") for title in titles)
    many = explain(run, np.repeat(sample.images[:1], 25, axis=0))
    with pytest.raises(UsageError, match="room for 24"):
        many.plot()


def test_names_are_those_of_the_images(run: Run, sample: LesionDataset) -> None:
    images = sample.images[:2]
    assert explain(run, images, names=np.array(["a", "b"])).names == ("a", "b")
    assert explain(run, images[:1], names="alone").names == ("alone",)
    with pytest.raises(UsageError, match="names are 3 and the images 2"):
        explain(run, images, names=["a", "b", "c"])
