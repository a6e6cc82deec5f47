"""Checks of the pixels: whether they are the colours of skin, in the order of an image.

Neighbouring pixels of a photograph are alike. Its roughness is the mean difference of neighbours,
divided by that of pixels drawn at random: 1 where the order says nothing. Measured on 7,057 images
of HAM10000 at 28×28: .24 in colour and in grey; .36 if channels come first and are read as last;
.62 if the columns are sorted by name; 1.00 if they are shuffled. At 8×8 it is .57.
"""

from collections.abc import Callable

import numpy as np

from hmnist.arrays import Array, Booleans, Float64, Indices, Pixels, Shape
from hmnist.augmentation import ORIENTATIONS, TRANSPOSED
from hmnist.checks.subject import Found, Subject

_SMOOTHER = 0.85
"""An order is another one if it has less than this share of the roughness. On HAM10000 the right
order has .66 of it where channels come first, .39 where names are sorted (.77 at 8×8). Of images in
the right order, 0 to 1.6 % (grey, 8×8) are that much smoother in another one."""

_ROUGH = 0.9
"""Above this roughness an order says nothing: 1 % of HAM10000's images at 6×6, none from 12×12."""

_SOME = 0.1
"""The share of images with a fault that is none of single photographs."""

_SOME_OF_SMALL = 0.2
"""The share from which small images are in another order. At 10×10, 10 % of HAM10000's are smoother
with their columns sorted by name; if they are sorted, 44 % (grey) or more at 6×6 to 11×11."""

_SMALL = 12
"""The side, in pixels, below which images are small."""

_TILTED = 0.7
"""The share of images that are rougher from top to bottom. Photographs of 4:3, squeezed to a
square, are rougher from left to right: 86 % of HAM10000's, about half of those cut to a square."""

_TRANSPOSED = 0.1
"""The share of near pairs that are alike only if one is transposed: none of HAM10000's 89, and 40 %
if every fifth image is. Where images are turned at random, other orientations are as frequent."""

_LEAST_TRANSPOSED = 5
"""Transposed pairs; fewer may be chance."""

_BLUE = 0.1
"""The share of images whose last channel is brighter than the first by `_BLUER`, since skin is red:
none of 2,000 in HAM10000, and 80 % if blue comes first."""

_BLUER = 20
"""Levels. Images under a bluish lamp have less."""

_ODD = 0.002
"""The share of images that may be grey among images in colour: HAM10000 has none."""

_CAST = 0.01
"""From this share of images without a value above 1 on, that is not a broken photograph."""

_SAMPLE = 2000
"""Images whose roughness is measured, at equal distances."""


def find_other_pixel_order(subject: Subject) -> Found | None:
    """Find pixels in another order than rows of columns of channels."""
    shape = subject.data.image_shape
    rows = subject.pictures.rows
    images = subject.data.images[rows[:: -(-len(rows) // _SAMPLE)]]
    images = images[(_spread(images) > 0) & (images.max(axis=(1, 2, 3)) > 1)]
    if not len(images):
        return None
    as_given = _roughness(images)
    some = _SOME if min(shape[:2]) >= _SMALL else _SOME_OF_SMALL
    for name, order in _orders(shape).items():
        share = float((_roughness(order(images)) < _SMOOTHER * as_given).mean())
        if share > some and np.median(as_given) > 0:
            text = f"{share:.0%} of the images are smoother if {name}"
            return Found(
                f"{text}: put their pixels in order before anything is trained.",
                {"share of images": share, "roughness": float(as_given.mean())},
            )
    shuffled = float((as_given > _ROUGH).mean())
    if shuffled > _SOME:
        return Found(
            f"{shuffled:.0%} of the images are as rough as shuffled pixels (neighbours differ as "
            "much as pixels anywhere): the columns are in no order of an image.",
            {"share of images": shuffled, "roughness": float(as_given.mean())},
        )
    if shape[0] != shape[1]:
        return None
    return _find_transposed(images) or _find_some_transposed(subject)


def find_other_channel_order(subject: Subject) -> Found | None:
    """Find colours in the order blue, green, red: skin is red."""
    means = _channel_means(subject)
    bluer = float((means[:, 2] > means[:, 0] + _BLUER).mean())
    if bluer <= _BLUE:
        return None
    first, _, last = means.mean(axis=0).tolist()
    return Found(
        f"In {bluer:.0%} of the images the last channel is brighter than the first (means of all "
        f"{last:.0f} and {first:.0f}), where skin is red (HAM10000: red 196, blue 145): their "
        "channels are in the order blue, green, red.",
        {"share of images": bluer, "first channel": first, "last channel": last},
    )


def find_cast_pixels(subject: Subject) -> Found | None:
    """Find pixels of 0–1 that were turned into whole numbers: nearly all are 0."""
    dark = _dark(subject)
    if dark.mean() <= _CAST:
        return None
    return Found(
        f"{int(dark.sum()):,} of {len(dark):,} images have no value above 1: their pixels were "
        "0–1 and were turned into whole numbers; multiply by 255 first.",
        {"images": int(dark.sum()), "of": len(dark)},
    )


def find_grey_as_colour(subject: Subject) -> Found | None:
    """Find images whose three channels are the same."""
    images = subject.data.images
    grey = (images[..., :1] == images).all(axis=(1, 2, 3)) & (_spread(images) > 0)
    if grey.mean() <= _ODD:
        return None
    return Found(
        f"{int(grey.sum()):,} of {len(grey):,} images in colour are grey: their three channels "
        f"are the same. Colour tells diagnoses; row {int(grey.argmax()):,} is the first.",
        {"images": int(grey.sum()), "of": len(grey)},
    )


def find_even_images(subject: Subject) -> Found | None:
    """Find images of one colour, which show nothing."""
    even = _spread(subject.data.images) == 0
    if (dark := _dark(subject)).mean() > _CAST:
        even &= ~dark  # that has a cause of its own
    if not even.any():
        return None
    count = int(even.sum())
    images = f"{count:,} images show" if count > 1 else "1 image shows"
    return Found(
        f"{images} nothing: all pixels have one colour. Row {int(even.argmax()):,} is the first.",
        {"images": count, "of": len(even)},
    )


def _orders(shape: Shape) -> dict[str, Callable[[Pixels], Pixels]]:
    """Return other orders in which pixels may stand, and what puts them into the right one."""
    height, width, channels = shape
    count = height * width * channels
    by_name = np.argsort(np.argsort([f"pixel{number}" for number in range(count)]))

    def take(images: Pixels, order: Indices) -> Pixels:
        return images.reshape(len(images), count)[:, order].reshape(images.shape)

    orders: dict[str, Callable[[Pixels], Pixels]] = {
        "their columns are taken as sorted by name (pixel0, pixel1, pixel10 …)": lambda images: (
            take(images, by_name)
        )
    }
    if height != width:
        across = np.arange(count).reshape(width, height, channels).transpose(1, 0, 2).ravel()
        name = "they are read from top to bottom first, as where height and width are exchanged"
        orders[name] = lambda images: take(images, across)
    if channels == 3:
        first = np.arange(count).reshape(channels, height, width).transpose(1, 2, 0).ravel()
        orders["all of the first channel comes first, then the second, then the third"] = (
            lambda images: take(images, first)
        )
    return orders


def _roughness(images: Pixels) -> Float64:
    """Return the roughness of each image."""
    return (_differences(images, 1) + _differences(images, 2)) / 2 / _differences_anywhere(images)


def _find_transposed(images: Pixels) -> Found | None:
    down, across = _differences(images, 1), _differences(images, 2)
    tilted = float((down > across).mean())
    ratio = float(across.sum() / down.sum())
    if tilted <= _TILTED:
        return None
    return Found(
        f"{tilted:.0%} of the images are rougher from top to bottom than from left to right, where "
        "photographs of 4:3, squeezed to a square, are the other way round (14% of HAM10000): "
        "rows and columns are exchanged.",
        {"share of images": tilted, "roughness across / down": ratio},
    )


def _find_some_transposed(subject: Subject) -> Found | None:
    """Find rows and columns exchanged in some images: two of one lesion show which."""
    if subject.lacks("detail"):
        return None
    pairs = subject.pictures.near_pairs
    orientations = pairs.orientation[pairs.are_near]
    times = np.bincount(orientations, minlength=ORIENTATIONS)
    count, turned = int(times[TRANSPOSED]), int(np.delete(times, [0, TRANSPOSED]).max())
    if count < _LEAST_TRANSPOSED or count <= _TRANSPOSED * len(orientations) or turned > count / 2:
        return None
    return Found(
        f"Of {len(orientations):,} pairs of images that show nearly the same, {count:,} do so only "
        "if rows and columns of one are exchanged: some images have them exchanged.",
        {"pairs": count, "of": len(orientations), "limit": _TRANSPOSED},
    )


def _differences(images: Pixels, axis: int) -> Float64:
    return _mean_of(np.abs(np.diff(images.astype(np.float32), axis=axis)))


def _differences_anywhere(images: Pixels) -> Float64:
    pixels = images.reshape(len(images), -1, images.shape[3]).astype(np.float32)
    others = np.random.default_rng(0).permutation(pixels.shape[1])
    return _mean_of(np.abs(pixels - pixels[:, others])).clip(1e-6)


def _mean_of(values: Array) -> Float64:
    return np.asarray(values.reshape(len(values), -1).mean(axis=1, dtype=np.float64))


def _channel_means(subject: Subject) -> Float64:
    images = subject.data.images[subject.pictures.rows]
    return np.asarray(images.mean(axis=(1, 2), dtype=np.float64))


def _spread(images: Pixels) -> Array:
    """Return the largest difference of pixels of one channel, for each image."""
    return np.asarray(np.ptp(images, axis=(1, 2)).max(axis=1))


def _dark(subject: Subject) -> Booleans:
    return np.asarray(subject.data.images.max(axis=(1, 2, 3)) <= 1)
