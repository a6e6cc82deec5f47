"""The array types that the package names, and what counts as pixels.

`check_pixels` refuses numbers that are not pixels 0–255; `infer_shape` finds the shape of a square
image that came as a row; `as_rows` reads a selection of rows; `count_doublings` tells how much
larger than usual an image is, and `area_weights` how pixels become fewer or more.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from hmnist.errors import TrustError, UsageError

Array = npt.NDArray[Any]
"""Numbers or texts of any type and shape."""

Pixels = npt.NDArray[np.uint8]
"""Images as they are stored: uint8, 0–255, shape (n, h, w, c)."""

Images = npt.NDArray[np.uint8 | np.float32]
"""Images as models take them: uint8 or float32, 0–255, shape (n, h, w, c)."""

Labels = npt.NDArray[np.int64]
"""Diagnoses 0–6 in the Kaggle order, or positions in a model's classes: shape (n,)."""

Indices = npt.NDArray[np.int64]
"""Rows of a data set or of an array: shape (n,)."""

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]
Strings = npt.NDArray[np.str_]

Shape = tuple[int, int, int]
"""Height, width, channels."""

OBLONG = (75, 100)
"""Height and width of the only images of the published systems that are not square."""

USUAL_SIDE = 28
"""The side of the images, in pixels, for which lengths in pixels were chosen."""


def softmax(logits: npt.NDArray[np.floating]) -> Float64:
    """Return the probabilities of the classes: float64, shape (n, classes), rows with the sum 1.

    `scipy.special.softmax` does the same, but to load scipy takes longer than to predict an image.

    Examples
    --------
    >>> softmax(np.log([[1.0, 3.0]]))
    array([[0.25, 0.75]])
    """
    powers = np.exp(np.asarray(logits, np.float64) - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


_UNSCALED = "Leave out scalers and divisions: every model scales pixels by itself."


def check_probabilities(probabilities: Float64, name: str) -> None:
    """Refuse probabilities (n, classes) that are none: TrustError. The name is the model's.

    They are finite and not negative, and the sum of each row is 1 but for rounding. A fitted model
    predicts nothing else.

    Examples
    --------
    >>> check_probabilities(np.array([[0.25, 0.75]]), "CNN")
    >>> check_probabilities(np.array([[0.25, np.nan]]), "CNN")
    Traceback (most recent call last):
        ...
    hmnist.errors.TrustError: CNN predicts numbers that are not probabilities. Train it again.
    """
    sums = probabilities.sum(axis=1)
    if not ((probabilities >= 0).all() and (abs(sums - 1) < 1e-4).all()):  # NaN is not a success
        raise TrustError(f"{name} predicts numbers that are not probabilities.", "Train it again.")


def check_pixels(pixels: Array) -> None:
    """Refuse an array, of any shape but not empty, that holds no pixels 0–255.

    Raises UsageError if they are not numbers, not finite, or not within 0–255; or if they are
    floats within 0–1, which someone has divided by 255.

    Examples
    --------
    >>> check_pixels(np.array([[0.0, 255.0]]))
    >>> check_pixels(np.array([[0.0, 0.5]]))
    Traceback (most recent call last):
        ...
    hmnist.errors.UsageError: The pixels are floats between 0 and 0.5; expected 0–255. \
Leave out scalers and divisions: every model scales pixels by itself.
    """
    if pixels.dtype == np.uint8:
        return
    if pixels.dtype.kind not in "iuf":
        raise UsageError(f"The pixels are of type {pixels.dtype}; expected numbers 0–255.")
    low, high = pixels.min(), pixels.max()
    if low < 0:
        # scikit-learn's wording, which its checks look for.
        raise UsageError(
            f"Negative values in data: pixels from {low:g} on; expected 0–255.", _UNSCALED
        )
    if not high <= 255:  # NaN compares as false
        raise UsageError(f"The pixels lie between {low:g} and {high:g}; expected 0–255.")
    if pixels.dtype.kind == "f" and high <= 1:
        raise UsageError(
            f"The pixels are floats between {low:g} and {high:g}; expected 0–255.",
            _UNSCALED,
        )


def as_rows(given: Any, count: int, what: str) -> Indices:
    """Return rows that are given as whole numbers or as a mask: int64, in their order.

    `count` is the number of rows there are, `what` names the rows in the message. Raises UsageError
    if they are neither, or there is no such row.

    Examples
    --------
    >>> as_rows([False, True, True], 3, "The test part")
    array([1, 2])
    >>> as_rows([2, 3], 3, "The test part")
    Traceback (most recent call last):
        ...
    hmnist.errors.UsageError: The test part holds row 3; the data hold 3 rows, from 0. Give rows \
of the data, 0 is the first, or a mask with True for each row that is meant.
    """
    try:
        rows = np.asarray(given)
    except ValueError:
        rows = np.empty((), object)  # lists of several lengths
    if rows.ndim != 1 or (rows.size and rows.dtype.kind not in "biu"):
        form = f"the type {rows.dtype} and the shape {rows.shape}"
        fault = f"is not a list of whole numbers: it has {form}"
    elif rows.dtype == bool and len(rows) != count:
        fault = f"is a mask of {len(rows):,} rows; the data hold {count:,}"
    elif rows.dtype == bool:
        return np.flatnonzero(rows)
    elif len(outside := rows[(rows < 0) | (rows >= count)]):
        fault = f"holds row {outside[0]}; the data hold {count:,} rows, from 0"
    else:
        return rows.astype(np.int64, copy=False)
    raise UsageError(
        f"{what} {fault}.",
        "Give rows of the data, 0 is the first, or a mask with True for each row that is meant.",
    )


def count_doublings(height: int, width: int) -> int:
    """Return how often 28 pixels can be doubled without exceeding the shorter side of an image.

    Examples
    --------
    >>> [count_doublings(side, side) for side in (8, 28, 55, 56, 112)]
    [0, 0, 0, 1, 2]
    >>> count_doublings(75, 100)
    1
    """
    return max(0, (min(height, width) // USUAL_SIDE).bit_length() - 1)


def area_weights(before: int, after: int) -> Float64:
    """Return which share of each new pixel every old one covers, along one side: (after, before).

    Examples
    --------
    >>> area_weights(3, 2).round(2).tolist()
    [[0.67, 0.33, 0.0], [0.0, 0.33, 0.67]]
    """
    edges = np.arange(after + 1) * before / after
    old = np.arange(before)
    covered = np.minimum(edges[1:, None], old + 1) - np.maximum(edges[:-1, None], old)
    return np.asarray(np.maximum(covered, 0) * after / before)


def possible_shapes(count: int) -> list[Shape]:
    """Return the shapes of `count` pixels that are square or `OBLONG`, of one channel or three.

    Examples
    --------
    >>> possible_shapes(2352), possible_shapes(22500)
    ([(28, 28, 3)], [(150, 150, 1), (75, 100, 3)])
    """
    sizes = [((side := math.isqrt(count // channels)), side, channels) for channels in (1, 3)]
    sizes += [(*OBLONG, channels) for channels in (1, 3)]
    return [shape for shape in sizes if math.prod(shape) == count > 0]


def infer_shape(count: int) -> Shape:
    """Return the shape of a square image of `count` pixels with three channels or one.

    Raises UsageError if there is no such square, or the image may be one of `OBLONG` as well.

    Examples
    --------
    >>> infer_shape(2352)
    (28, 28, 3)
    >>> infer_shape(64)
    (8, 8, 1)
    """
    shapes = possible_shapes(count)
    if len(shapes) == 1:
        return shapes[0]
    if shapes:
        height, width = OBLONG
        raise UsageError(
            f"{count} pixels are a square image or one of {height}×{width}.",
            "Give image_shape=(height, width, channels), or images of the shape (n, h, w, c).",
        )
    raise UsageError(
        f"{count} pixels are not a square image of one or three channels.",
        "Give image_shape=(height, width, channels).",
    )
