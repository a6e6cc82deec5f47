"""Responses of images to filters in all eight orientations, averaged over zones.

Four of a filter's orientations are its mirror images; the other four are those of its transpose. A
patch is the sum of four parts: each is even or odd from left to right, and from top to bottom. The
mirror images of a filter respond to a part alike, except for the sign. So the responses of filter
and transpose to the parts, each with a quarter of the patch's numbers, give all eight responses.
This takes a quarter of the multiplications.
"""

import numpy as np

from hmnist.arrays import Array, Float32
from hmnist.augmentation import ORIENTATIONS
from hmnist.features.geometry import zone_weights

_BATCH_POSITIONS = 4 * 23 * 23
"""Positions of patches that are prepared together: those of four images of 28×28."""


def pool_responses(planes: Float32, filters: Float32, offset: Float32) -> Float32:
    """Average the responses of images (n, c, h, w) to filters (count, c, side, side) over zones.

    `offset` (count,) is subtracted from the responses. The result is float32, of shape
    (n, 4, 5, count). The second axis are positive responses in any orientation, those in the best
    orientation at each position, and the same of negative responses. The third axis are the means
    over the zones of `hmnist.features.geometry`, and the standard deviation over the image.
    """
    count, channels, side, _ = filters.shape
    height, width = (pixels - side + 1 for pixels in planes.shape[2:])
    positions, half = height * width, (side + 1) // 2
    weights = _split_filters(filters, offset)
    moments = _Moments(len(planes), count, zone_weights(height, width))
    batch = max(1, _BATCH_POSITIONS // positions)
    # All batches use the same memory: new memory would take as long as the numbers in it.
    columns = np.empty((batch, 2, half, channels, planes.shape[2], width), np.float32)
    patches = np.ones((batch, 2, 2, weights.shape[-1], positions), np.float32)
    step = max(1, batch // 4)
    memory = np.empty((2, step, 2, 2, 2 * count, positions), np.float32)
    for start in range(0, len(planes), batch):
        images = planes[start : start + batch]
        parts = patches[: len(images)]
        _split_patches(images, side, columns[: len(images)], parts)
        signs = _choose_signs(parts, weights, moments.zones)
        moments.signs[start : start + batch] = signs
        signed = _apply(signs, weights)
        for first in range(0, len(images), step):
            few = slice(first, min(first + step, len(images)))
            responses, spare = memory[:, : few.stop - first]
            # One product per image: its size, and so its rounding, does not depend on the others.
            np.matmul(signed[few], parts[few], out=responses)
            moments.measure(slice(start + first, start + few.stop), responses, spare)
    return moments.summarise()


class _Moments:
    """Sums of responses, image by image, and the means and deviations that follow from them.

    Mean and mean square of all responses follow from the responses to the parts of patches. With
    those of the positive responses, they also tell those of the negative ones.
    """

    def __init__(self, images: int, count: int, zones: Float32) -> None:
        self.zones, self.count = zones, count
        self.zeros = np.zeros((2 * count, zones.shape[1]), np.float32)
        self.signs = np.empty((images, count, 1), np.float32)
        # The means over zones, and the sums of squares over the image.
        self.all_means = np.empty((images, 2 * count, len(zones)), np.float32)
        self.all_squares = np.empty((images, 2, 2, 2 * count), np.float32)
        self.any_means = np.empty((images, 2, 2, 2 * count, len(zones)), np.float32)
        self.any_squares = np.empty((images, 2, 2, 2 * count), np.float32)
        self.best_means = np.empty((images, 2, count, len(zones)), np.float32)
        self.best_squares = np.empty((images, 2, count), np.float32)

    def measure(self, images: slice, responses: Float32, spare: Float32) -> None:
        """Add the responses to the parts, (n, 2, 2, 2·count, positions), which are overwritten."""
        np.matmul(responses[:, 0, 0], self.zones.T, out=self.all_means[images])
        np.vecdot(responses, responses, out=self.all_squares[images])
        np.add(responses[:, :, 0], responses[:, :, 1], out=spare[:, :, 0])
        np.subtract(responses[:, :, 0], responses[:, :, 1], out=spare[:, :, 1])
        # Two mirror images respond by a + b and a - b. With |b|, the first is the larger response.
        np.abs(spare[:, 1], out=spare[:, 1])
        larger = np.add(spare[:, 0], spare[:, 1], out=responses[:, 0])
        smaller = np.subtract(spare[:, 0], spare[:, 1], out=responses[:, 1])
        best = self._choose_best(larger, smaller, spare)
        np.matmul(best, self.zones.T, out=self.best_means[images])
        np.vecdot(best, best, out=self.best_squares[images])
        np.maximum(responses, self.zeros, out=responses)
        np.matmul(responses, self.zones.T, out=self.any_means[images])
        np.vecdot(responses, responses, out=self.any_squares[images])

    def _choose_best(self, larger: Float32, smaller: Float32, spare: Float32) -> Float32:
        """Return the largest positive and the largest negative response: (n, 2, count, positions).

        `spare` is overwritten.
        """
        pair, best = spare[:, 0, 0], spare[:, 1, 0].reshape(len(spare), 2, self.count, -1)
        np.maximum(larger[:, 0], larger[:, 1], out=pair)
        np.maximum(pair[:, : self.count], pair[:, self.count :], out=best[:, 0])
        np.minimum(smaller[:, 0], smaller[:, 1], out=pair)
        np.minimum(pair[:, : self.count], pair[:, self.count :], out=best[:, 1])
        np.negative(best[:, 1], out=best[:, 1])
        return np.maximum(best, self.zeros[: self.count], out=best)

    def summarise(self) -> Float32:
        """Return the result of `pool_responses`."""
        ways, both = ORIENTATIONS, (2, self.count)
        positions = np.float32(self.zones.shape[1])

        def join(means: Float32, squares: Float32) -> Float32:
            return np.concatenate([means, squares[..., None] / positions], axis=-1)

        best = join(self.best_means, self.best_squares)
        positive = join(self.any_means, self.any_squares).reshape(-1, 4, *both, 5)
        positive = positive.mean(axis=(1, 2))
        total = join(
            self.all_means.reshape(-1, *both, 4).mean(axis=1),
            self.all_squares.reshape(-1, 4, *both).sum(axis=(1, 2)) * np.float32(4 / ways),
        )
        negative = np.concatenate(
            [positive[..., :-1] - total[..., :-1], total[..., -1:] - positive[..., -1:]], axis=-1
        )
        # The strongest orientation at each position limits the mean over the orientations.
        negative = negative.clip(best[:, 1] / ways, best[:, 1])
        moments = np.stack([positive, best[:, 0], negative, best[:, 1]], axis=1)
        moments = np.where(self.signs[:, None] > 0, moments, moments[:, [2, 3, 0, 1]])
        moments[..., -1] = np.sqrt((moments[..., -1] - moments[..., 0] ** 2).clip(0))
        return moments.swapaxes(2, 3)


def _split_filters(filters: Float32, offset: Float32) -> Float32:
    """Return the weights of filters and transposes for `_split_patches`.

    The shape is (2, 2, 2·count, numbers).
    """
    both = np.concatenate([filters, filters.swapaxes(2, 3)])
    count, channels, side, _ = both.shape
    half = (side + 1) // 2
    halves = np.empty((1, 2, half, 1, side))
    _mirror(np.eye(side)[None], side, 1, halves)
    back = np.linalg.pinv(halves.reshape(2 * half, side))
    split = (back.T @ both @ back).reshape(count, channels, 2, half, 2, half)
    weights = np.zeros((2, 2, count, half**2 * channels + 1), np.float32)
    weights[..., :-1] = split.transpose(4, 2, 0, 3, 5, 1).reshape(2, 2, count, -1)
    weights[0, 0, :, -1] = -np.tile(offset, 2)
    return weights


def _split_patches(planes: Float32, side: int, columns: Float32, out: Float32) -> None:
    """Set `out` (n, 2, 2, numbers, positions) to the four parts of the patch at every position.

    The second axis tells whether a part is odd from left to right, the third from top to bottom.
    The last number is left as it is. `columns` is memory for the parts of the columns.
    """
    _mirror(planes, side, 3, columns)
    height, width = planes.shape[2] - side + 1, columns.shape[-1]
    for odd in range(2):
        # Rows last: sums of whole rows are quicker than those of pieces.
        rows = columns[:, odd]
        shape = (len(out), 2, rows.shape[1], *rows.shape[1:3], height, width)
        _mirror(rows, side, 3, out[:, odd, :, :-1].reshape(shape))


def _mirror(values: Array, side: int, axis: int, out: Array) -> None:
    """Set `out` to the even and the odd part of each `side` neighbours along an axis.

    Its second axis are the two parts, the third their numbers. The axis given, which comes later
    there, are the positions.
    """
    positions, half = values.shape[axis] - side + 1, (side + 1) // 2
    before = (slice(None),) * axis
    # Copied first: sums of arrays without gaps are quicker.
    shifted = np.stack(
        [values[*before, slice(shift, shift + positions)] for shift in range(side)], axis=1
    )
    near, far = shifted[:, :half], shifted[:, ::-1][:, :half]
    np.add(near, far, out=out[:, 0])
    np.subtract(near, far, out=out[:, 1])


def _choose_signs(parts: Float32, weights: Float32, zones: Float32) -> Float32:
    """Return -1 for filters whose mean response to an image is positive, or 1: (n, count, 1)."""
    averages = np.matmul(parts[:, 0, 0], zones[0])[..., None]
    means = np.matmul(weights[0, 0], averages).reshape(len(parts), 2, -1, 1).sum(axis=1)
    return np.where(means > 0, np.float32(-1), np.float32(1))


def _apply(signs: Float32, weights: Float32) -> Float32:
    """Return weights for each image: (n, 2, 2, 2·count, numbers).

    Parts that are odd from left to right keep their sign: the set of the responses of two mirror
    images is the same with either.
    """
    factors = np.ones((len(signs), 2, 1, weights.shape[2], 1), np.float32)
    factors[:, 0, 0] = np.concatenate([signs, signs], axis=1)
    return factors * weights
