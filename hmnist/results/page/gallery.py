"""The most confident mistakes of the models, as pictures in one sheet."""

import base64
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from hmnist.arrays import Indices, Pixels
from hmnist.dataset import LesionDataset
from hmnist.diagnoses import CODES
from hmnist.patients import FIELDS
from hmnist.results.page.pooled import PooledPredictions

MOST_PICTURES = 1200
"""About 2 kB each, so that a page stays small enough for an e-mail."""

COLUMNS = 40

LARGEST = 32
"""Larger images are made smaller, to so many pixels."""


def describe_gallery(
    models: Mapping[str, Sequence[PooledPredictions]], data: LesionDataset
) -> dict[str, Any]:
    """Return the pictures of mistakes, as JSON's types.

    Parameters
    ----------
    models : mapping of str to sequence of PooledPredictions
        By name, for each seed; of the baseline no pictures are shown.
    data : LesionDataset
        The images.

    Returns
    -------
    dict
        ``sheet`` is a PNG as a data URI with ``columns`` pictures of ``height`` × ``width`` pixels
        side by side; ``images`` are the positions of the pictures among the test images, ``ids``
        and ``patients`` what is known of them, in words.
    """
    (first, *_), *_ = models.values()
    chosen = choose_mistakes([pooled for trainings in models.values() for pooled in trainings])
    rows = first.rows[chosen]
    pictures = _shrink(data.images[rows])
    return {
        "sheet": _as_uri(_lay_out(pictures)),
        "columns": COLUMNS,
        "height": pictures.shape[1],
        "width": pictures.shape[2],
        "images": chosen.tolist(),
        "ids": [data.name_of(row) for row in rows.tolist()],
        "patients": list(_describe_patients(data, rows)),
    }


def choose_mistakes(trainings: Sequence[PooledPredictions]) -> Indices:
    """Return the positions of the images to be shown, at most `MOST_PICTURES`, in rising order.

    The mistakes of each model that confuse the same two diagnoses are ranked by confidence; the
    first of all ranks come before the second of all ranks, and so on.
    """
    ranks = np.full(len(trainings[0].labels), np.iinfo(np.int64).max)
    for pooled in trainings:
        if pooled.runs[0].manifest.recipe.entry.baseline:
            continue
        wrong = np.flatnonzero(pooled.predicted != pooled.labels)
        kinds = len(CODES) * pooled.labels[wrong] + pooled.predicted[wrong]
        order = np.lexsort((-pooled.confidence()[wrong], kinds))
        wrong, kinds = wrong[order], kinds[order]
        within = np.arange(len(wrong)) - np.searchsorted(kinds, kinds)
        ranks[wrong] = np.minimum(ranks[wrong], within)
    ranked = np.flatnonzero(ranks < np.iinfo(np.int64).max)
    return np.sort(ranked[np.argsort(ranks[ranked], kind="stable")][:MOST_PICTURES])


def _shrink(images: Pixels) -> Pixels:
    """Return the images, none larger than `LARGEST` pixels in height or width."""
    from PIL import Image

    height, width = images.shape[1:3]
    factor = LARGEST / max(height, width)
    if factor >= 1 or not len(images):
        return images
    size = max(1, round(width * factor)), max(1, round(height * factor))
    smaller = [
        np.asarray(Image.fromarray(image.squeeze()).resize(size)).reshape(size[1], size[0], -1)
        for image in images
    ]
    return np.stack(smaller)


def _lay_out(pictures: Pixels) -> Pixels:
    """Return one image with `COLUMNS` pictures side by side, at least one row of them."""
    count, height, width, channels = pictures.shape
    rows = max(1, -(-count // COLUMNS))
    sheet = np.zeros((rows * COLUMNS, height, width, channels), np.uint8)
    sheet[:count] = pictures
    by_place = sheet.reshape(rows, COLUMNS, height, width, channels).transpose(0, 2, 1, 3, 4)
    return by_place.reshape(rows * height, COLUMNS * width, channels)


def _as_uri(sheet: Pixels) -> str:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(sheet.squeeze(axis=2) if sheet.shape[2] == 1 else sheet).save(file, "PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def _describe_patients(data: LesionDataset, rows: Indices) -> Iterator[str]:
    """Yield age, sex and site of each image in words, as far as they are known."""
    known = [] if data.metadata is None else [name for name in FIELDS if name in data.metadata]
    if data.metadata is None or not known:
        yield from ("" for _ in rows)
        return
    for cells in data.metadata[known].iloc[rows].itertuples(index=False):
        words = dict(zip(known, map(str, cells), strict=True))
        if "age" in words:
            words["age"] = f"age {words['age'].removesuffix('.0')}"
        yield ", ".join(text for text in words.values() if "nan" not in text)
