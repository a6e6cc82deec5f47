"""Pooled responses, compared with all eight orientations of every filter at every position."""

import numpy as np
import numpy.typing as npt
import pytest

from hmnist.augmentation import orient
from hmnist.features import responses
from hmnist.features.geometry import zone_weights
from hmnist.features.responses import pool_responses

Numbers = npt.NDArray[np.float32]


def reference(planes: Numbers, filters: Numbers, offset: Numbers) -> npt.NDArray[np.float64]:
    count, _, side, _ = filters.shape
    height, width = (pixels - side + 1 for pixels in planes.shape[2:])
    windows = np.lib.stride_tricks.sliding_window_view(planes.astype(float), (side, side), (2, 3))
    all_ways = np.empty((len(planes), 8, count, height, width))
    for way in range(8):
        turned = orient(filters.transpose(0, 2, 3, 1), way).transpose(0, 3, 1, 2)
        all_ways[:, way] = np.einsum("nchwyx,fcyx->nfhw", windows, turned.astype(float))
    all_ways = (all_ways - offset[:, None, None]).reshape(len(planes), 8, count, -1)
    zones = zone_weights(height, width).astype(float)
    groups = []
    for sign in (1, -1):
        part = np.maximum(sign * all_ways, 0)
        for values in (part, part.max(axis=1, keepdims=True)):
            means = values.mean(axis=1) @ zones.T
            deviation = values.std(axis=(1, 3))[..., None]
            groups.append(np.concatenate([means, deviation], axis=2).swapaxes(1, 2))
    return np.stack(groups, axis=1)


@pytest.mark.parametrize("side", [2, 3, 4, 5, 6])
@pytest.mark.parametrize("channels", [1, 3])
def test_they_equal_those_to_turned_filters(
    side: int, channels: int, rng: np.random.Generator
) -> None:
    planes = rng.random((3, channels, 9, 11), dtype=np.float32)
    filters = rng.normal(size=(4, channels, side, side)).astype(np.float32)
    offset = filters.sum(axis=(1, 2, 3)) / 2
    pooled = pool_responses(planes, filters, offset)
    expected = reference(planes, filters, offset)
    np.testing.assert_allclose(pooled, expected, rtol=2e-5, atol=2e-6)
    assert pooled.dtype == np.float32


@pytest.mark.parametrize("level", [-30, -3, 3, 30])
def test_a_few_responses_of_the_other_sign_are_exact(
    level: float, rng: np.random.Generator
) -> None:
    # Nearly all responses have one sign, so those of the other are a small part of the sum.
    planes = rng.random((2, 1, 12, 12), dtype=np.float32)
    filters = rng.normal(size=(3, 1, 4, 4)).astype(np.float32)
    offset = filters.sum(axis=(1, 2, 3)) / 2 + np.float32(level)
    pooled = pool_responses(planes, filters, offset)
    expected = reference(planes, filters, offset)
    np.testing.assert_allclose(pooled[:, :, :4], expected[:, :, :4], rtol=1e-5, atol=1e-9)
    np.testing.assert_allclose(pooled[:, :, 4], expected[:, :, 4], rtol=1e-3, atol=1e-6)


def test_other_images_and_batches_change_no_bit(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    planes = rng.random((23, 3, 10, 10), dtype=np.float32)
    filters = rng.normal(size=(5, 3, 4, 4)).astype(np.float32)
    offset = rng.normal(size=5).astype(np.float32)
    pooled = pool_responses(planes, filters, offset)
    for part in (slice(1), slice(5, 8), slice(22, 23)):
        assert pool_responses(planes[part], filters, offset).tobytes() == pooled[part].tobytes()
    monkeypatch.setattr(responses, "_BATCH_POSITIONS", 7 * 49)
    assert pool_responses(planes, filters, offset).tobytes() == pooled.tobytes()
