"""Responses of images to filters in all eight orientations, averaged over zones.

Four of a filter's orientations are its mirror images; the other four are those of its transpose. A
patch is the sum of four parts: each is even or odd from top to bottom, and even or odd from left to
right. The mirror images of a filter respond to a part alike, except for the sign. So the responses
of filter and transpose to the parts, each with a quarter of the patch's numbers, give all eight
responses. This takes a quarter of the multiplications.
"""

import itertools

import numpy as np

from hmnist.arrays import Array, Float32, Float64
from hmnist.augmentation import ORIENTATIONS
from hmnist.features.geometry import zone_weights

_BATCH_RESPONSES = 4 * 23 * 23 * 8 * 32
"""Responses in memory at once: those of four 28×28 images to 8 × 32 filters, about as many as a
core's cache can hold."""


def pool_responses(planes: Float32, filters: Float32, offset: Float32) -> Float32:
    """Average the responses of images (n, c, h, w) to filters (count, c, side, side) over zones.

    `offset` (count,) is subtracted from the responses. The result is float32, of shape
    (n, 4, 5, count). The second axis are positive responses in any orientation, those in the best
    orientation at each position, and the same of negative responses. The third axis are the means
    over the zones of `hmnist.features.geometry`, and the standard deviation over the image.
    """
    count, _, side, _ = filters.shape
    height, width = (pixels - side + 1 for pixels in planes.shape[2:])
    batch = max(1, _BATCH_RESPONSES // (ORIENTATIONS * count * height * width))
    weights = _split_filters(filters)
    # All batches use the same memory: new memory would take as long as the numbers in it.
    memory = np.empty((2, 2, 2, batch, 2, count, height * width), np.float32)
    pooled = []
    for start in range(0, len(planes), batch):
        images = planes[start : start + batch]
        responses, spare = memory[:, :, :, : len(images)]
        for parity, part in _split_patches(images, side).items():
            out = responses[parity].reshape(len(images), 2 * count, -1)
            np.matmul(weights[parity], part, out=out)
        responses[0, 0] -= offset[:, None]
        pooled.append(_pool(responses, spare, zone_weights(height, width)))
    return np.concatenate(pooled)


def _mirror_matrix(side: int) -> Float64:
    """Return the matrix that turns a line of pixels into its even part, then its odd part."""
    even, odd = _mirror(np.eye(side)[None], side, axis=1)
    return np.concatenate([even[0, :, 0], odd[0, :, 0]])


def _split_filters(filters: Float32) -> dict[tuple[int, int], Float32]:
    """Return the weights of filters and their transposes for the parts of `_split_patches`."""
    count, _, side, _ = filters.shape
    both = np.concatenate([filters, filters.swapaxes(2, 3)])
    back = np.linalg.inv(_mirror_matrix(side))
    split = (back.T @ both @ back).transpose(0, 2, 3, 1)
    parts = slice((side + 1) // 2), slice((side + 1) // 2, None)
    return {
        (left, up): np.ascontiguousarray(
            split[:, parts[up], parts[left]].reshape(2 * count, -1), np.float32
        )
        for left, up in itertools.product(range(2), repeat=2)
    }


def _split_patches(planes: Float32, side: int) -> dict[tuple[int, int], Float32]:
    """Return the four parts of the patch at every position: (n, numbers, positions) each.

    The key tells whether the part is odd (1) from left to right, and from top to bottom.
    """
    return {
        (left, up): part.reshape(len(planes), -1, part.shape[-2] * part.shape[-1])
        for left, columns in enumerate(_mirror(planes, side, axis=3))
        for up, part in enumerate(_mirror(columns, side, axis=3))
    }


def _mirror(values: Array, side: int, axis: int) -> tuple[Array, Array]:
    """Return the even and the odd part of each `side` neighbours along an axis.

    The new second axis are the numbers of a part; the given axis are the positions.
    """
    positions, half = values.shape[axis] - side + 1, (side + 1) // 2
    before = (slice(None),) * axis
    # Copied first: sums of arrays without gaps are quicker.
    shifted = np.stack(
        [values[*before, slice(shift, shift + positions)] for shift in range(side)], axis=1
    )
    near, far = shifted[:, :half], shifted[:, ::-1][:, :half]
    return near + far, (near - far)[:, : side // 2]


def _pool(responses: Float32, spare: Float32, zones: Float32) -> Float32:
    """Average the responses to the parts, shape (2, 2, n, 2, count, positions); overwrite them.

    The moments of all responses follow from the parts, so it is enough to measure those of one
    sign. It is the rarer sign: the difference of two large numbers would lose digits.
    """
    means = np.matmul(responses[0, 0], zones.T).mean(axis=1)
    squares = np.vecdot(responses, responses).sum(axis=(0, 1, 3)) / (2 * responses.shape[-1])
    flip = np.where(means[..., :1] > 0, np.float32(-1), np.float32(1))
    np.add(responses[:, 0], responses[:, 1], out=spare[:, 0])
    np.subtract(responses[:, 0], responses[:, 1], out=spare[:, 1])
    # Two mirror images respond by a + b and a - b; with |b|, the first is the larger response.
    spare[0] *= flip[:, None]
    np.abs(spare[1], out=spare[1])
    larger = np.add(spare[0], spare[1], out=responses[0])
    smaller = np.subtract(spare[0], spare[1], out=responses[1])
    best = _moments(larger.max(axis=0).max(axis=1, initial=0), zones)
    worst = _moments(np.abs(smaller.min(axis=0).min(axis=1, initial=0)), zones)
    np.maximum(responses, np.zeros_like(responses[0, 0, 0]), out=responses)
    rare = _moments(responses, zones).mean(axis=(0, 1, 3))
    common = [rare[..., :-1] - flip * means, squares[..., None] - rare[..., -1:]]
    # The strongest orientation at each position limits the mean over the orientations.
    limited = np.concatenate(common, axis=-1).clip(worst / ORIENTATIONS, worst)
    signs = np.array([[rare, best], [limited, worst]])
    moments = np.where(flip > 0, signs, signs[::-1])
    moments[..., -1] = np.sqrt((moments[..., -1] - moments[..., 0] ** 2).clip(0))
    return moments.transpose(2, 0, 1, 4, 3)


def _moments(responses: Float32, zones: Float32) -> Float32:
    """Return the means over each zone, then the mean square over the image: shape (…, 5)."""
    squares = np.vecdot(responses, responses) / responses.shape[-1]
    return np.concatenate([np.matmul(responses, zones.T), squares[..., None]], axis=-1)
