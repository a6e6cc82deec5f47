"""Compiled networks: the views are those of the arrays, and no image depends on another."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pytest

from hmnist.augmentation import ORIENTATIONS, all_orientations, orient
from hmnist.models.cnn import CNN
from hmnist.models.keras_setup import load_keras

if TYPE_CHECKING:
    from hmnist.models.compiled import CompiledNetworks

SHAPE = (6, 6, 3)
IMAGES = np.random.default_rng(0).integers(0, 256, (20, *SHAPE), dtype=np.uint8)
OFFSET = np.array([0.5, -1.0, 0.0])


@pytest.fixture(scope="module")
def graphs() -> list[Any]:
    load_keras()
    network = CNN(widths=(4, 6)).make_network()
    return [network.build(SHAPE, 3), network.build(SHAPE, 3)]


def compile_graphs(graphs: list[Any], shape: tuple[int, ...]) -> "CompiledNetworks":
    from hmnist.models.compiled import CompiledNetworks

    return CompiledNetworks(CNN().make_network(), graphs, OFFSET, shape)


@pytest.fixture(scope="module")
def compiled(graphs: list[Any]) -> "CompiledNetworks":
    return compile_graphs(graphs, SHAPE)


def pixel_orders(shape: tuple[int, ...]) -> npt.NDArray[Any]:
    load_keras()
    from hmnist.models import compiled

    return compiled.pixel_orders(all_orientations, shape)


def expected_logits(graphs: list[Any]) -> npt.NDArray[Any]:
    """Return them network by network and view by view, without a compiled function."""
    logits = [
        np.asarray(graph(np.ascontiguousarray(view, np.float32), training=False), float)
        for graph in graphs
        for view in all_orientations(IMAGES)
    ]
    return np.asarray(np.mean(logits, axis=0) + OFFSET)


def test_networks_are_averaged_to_the_last_bit(rng: np.random.Generator) -> None:
    load_keras()
    from hmnist.models.compiled import CompiledNetworks

    network = replace(CNN(widths=(4, 6)).make_network(), views=None)
    graphs = [network.build(SHAPE, 3) for _ in range(2)]
    for graph in graphs:  # new networks have no biases, which rounding would differ with
        graph.set_weights([rng.uniform(0.5, 1.5, weight.shape) for weight in graph.get_weights()])
    offset = np.zeros(3)
    first, second = (CompiledNetworks(network, [graph], offset, SHAPE)(IMAGES) for graph in graphs)
    both = CompiledNetworks(network, graphs, offset, SHAPE)(IMAGES)
    np.testing.assert_array_equal(both, (first + second) / 2)


@pytest.mark.parametrize("orientation", range(ORIENTATIONS))
def test_pixels_are_rearranged_as_by_the_views(orientation: int) -> None:
    order = pixel_orders(SHAPE)[orientation]
    rearranged = IMAGES.reshape(20, 36, 3)[:, order].reshape(IMAGES.shape)
    np.testing.assert_array_equal(rearranged, orient(IMAGES, orientation))


def test_oblong_images_have_the_four_views_that_keep_the_shape() -> None:
    assert pixel_orders((4, 6, 3)).shape == (4, 24)


def test_logits_are_the_mean_over_networks_and_views(
    graphs: list[Any], compiled: "CompiledNetworks"
) -> None:
    np.testing.assert_allclose(compiled(IMAGES), expected_logits(graphs), rtol=1e-5, atol=1e-5)
    assert compiled(IMAGES).dtype == np.float32


def test_an_image_is_predicted_the_same_in_any_company(compiled: "CompiledNetworks") -> None:
    together = compiled(IMAGES)
    alone = np.concatenate([compiled(IMAGES[row : row + 1]) for row in range(20)])
    np.testing.assert_allclose(alone, together, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(compiled(IMAGES[::-1]), together[::-1], rtol=1e-6, atol=1e-6)


def test_a_batch_has_as_many_views_as_the_network_takes(graphs: list[Any]) -> None:
    views = CNN().make_network().prediction_batch
    assert compile_graphs(graphs, SHAPE).batch == views // 8
    assert compile_graphs(graphs, (6, 8, 3)).batch == views // 4
