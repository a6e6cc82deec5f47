"""Mistakes that are made in data on purpose, and sound data beside them, for ``mistakes.py``."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

import hmnist
from hmnist.arrays import Indices, Pixels, Strings

Data = hmnist.LesionDataset
Case = tuple[Data, hmnist.Split | None, pd.DataFrame | None]
"""Data, split and features with a mistake in them."""

RNG = np.random.default_rng(0)


def make_sound(data: Data, seeds: int) -> Iterator[tuple[str, list[Case]]]:
    """Yield kinds of sound data and splits."""
    splits = [hmnist.split(data, seed=seed) for seed in range(seeds)]
    yield "by lesion, with age, sex and site", [(data, split, _patients(data)) for split in splits]
    yield "folds by lesion", [(data, fold, None) for fold in hmnist.split_folds(data, 5)]
    bare = dataclasses.replace(data, lesion_ids=None, metadata=None)
    yield "by lesion, the ids withheld", [(bare, _on(bare, split), None) for split in splits]
    yield "as MedMNIST, sorted in each part", [(_medmnist(data, splits[0]), None, None)]
    grey = _with_images(data, data.images.mean(axis=3, keepdims=True).round().astype(np.uint8))
    yield "grey", [(grey, _on(grey, split), None) for split in splits[:3]]
    for side in (8, 10, 14):
        small = _with_images(data, np.stack([_resize(image, side) for image in data.images]))
        yield f"{side}×{side}", [(small, _on(small, split), None) for split in splits[:3]]


def make_mistakes(data: Data) -> Iterator[tuple[str, str, str, Case]]:
    """Yield the name, the code, the strength and the case of each mistake, weak and strong."""
    for name, code, make, strengths in _list_mistakes(data):
        for strength in strengths:
            yield name, code, str(strength), make(strength)


def _list_mistakes(data: Data) -> list[tuple[str, str, Callable[[Any], Case], Sequence[Any]]]:
    """Return the name and the code of each mistake, what makes it, and how strong it is."""
    split = hmnist.split(data, seed=0)
    bare = dataclasses.replace(data, lesion_ids=None, metadata=None)
    columns = _metadata(data).columns.tolist()
    names = ("lesion_id", _lesions(data)), ("row number", np.arange(len(data)))
    few, half = (0.01, 0.1), (0.5, 1.0)
    return [
        *(
            (
                f"{name} copies of training images in the test part",
                "HM115",
                partial(_copied, data, split, change),
                few,
            )
            for name, change in _COPIES.items()
        ),
        (
            "split by image, lesions unknown; share of the lesions",
            "HM116",
            lambda share: (bare, _partly_by_image(data, bare, share), None),
            half,
        ),
        *(
            (
                f"{name}; share of the images",
                code,
                partial(_some_images, data, split, change),
                (0.2, 1.0),
            )
            for name, code, change in _PIXELS
        ),
        ("images of one colour", "HM121", partial(_constant, data, split), (1, 20)),
        (
            "metadata shuffled within a diagnosis; share of the rows",
            "HM122",
            lambda share: (_shuffled(data, share, columns), None, None),
            half,
        ),
        (
            "sites shuffled within a diagnosis; share of the rows",
            "HM122",
            lambda share: (_shuffled(data, share, ["localization"]), None, None),
            half,
        ),
        (
            "two diagnoses exchanged",
            "HM123",
            lambda pair: (_exchanged(bare, pair), None, None),
            ("akiec, bcc", "nv, mel"),
        ),
        (
            "MedMNIST's order in a balanced file; images of each diagnosis",
            "HM123",
            lambda count: (_balanced_in_other_order(bare, count), None, None),
            (40, 70),
        ),
        (
            "labels wrong; share of the images",
            "HM124",
            lambda share: (_mislabelled(bare, share), None, None),
            (0.03, 0.1),
        ),
        (
            "labels of other images in one site (back); share of its rows",
            "HM130",
            lambda share: (_shuffled_group(data, share), None, None),
            half,
        ),
        (
            "label with noise as a feature; its deviation",
            "HM125",
            lambda noise: (data, split, _feature(data.labels + RNG.normal(0, noise, len(data)))),
            (0.7, 0.1),
        ),
        (
            "label as a feature, wrong in a share of the rows",
            "HM125",
            lambda share: (data, split, _feature(_mislabelled(data, share).labels)),
            (0.03, 0.01),
        ),
        *(
            (
                f"{name} as a feature, under a name",
                "HM126",
                partial(_named_feature, data, split, column),
                ("x", "lesion_id"),
            )
            for name, column in names
        ),
        (
            "a mark on the border of mel; levels darker",
            "HM127",
            lambda levels: (_marked(data, levels), split, None),
            (40, 120),
        ),
        (
            "another lamp for each diagnosis; levels apart",
            "HM128",
            lambda levels: (_tinted(data, levels), split, None),
            (15, 40),
        ),
        (
            "test images brighter by a share",
            "HM129",
            partial(_brighter_test, data, split),
            (0.04, 0.1),
        ),
    ]


def _metadata(data: Data) -> pd.DataFrame:
    if data.metadata is None:
        raise SystemExit("Mistakes are made in data that have their metadata.")
    return data.metadata


def _lesions(data: Data) -> Strings:
    return np.empty(0, str) if data.lesion_ids is None else data.lesion_ids


def _with_images(data: Data, images: Pixels) -> Data:
    return dataclasses.replace(data, images=np.ascontiguousarray(images))


def _on(data: Data, split: hmnist.Split) -> hmnist.Split:
    return dataclasses.replace(split, data=data)


def _feature(values: Any) -> pd.DataFrame:
    return pd.DataFrame({"x": values})


def _named_feature(data: Data, split: hmnist.Split, column: Any, title: str) -> Case:
    return data, split, pd.DataFrame({title: column})


def _patients(data: Data) -> pd.DataFrame:
    return _metadata(data)[["age", "sex", "localization"]]


def _medmnist(data: Data, split: hmnist.Split) -> Data:
    """Return data in MedMNIST's form: the parts one after another, each sorted by diagnosis."""
    order = np.concatenate(
        [rows[np.argsort(data.labels[rows], kind="stable")] for rows in split.indices.values()]
    )
    names = np.repeat(list(split.indices), [len(rows) for rows in split.indices.values()])
    bare = dataclasses.replace(data, lesion_ids=None, metadata=None).take(order)
    return dataclasses.replace(bare, own_split=names)


def _resize(image: Pixels, side: int, back: bool = False) -> Pixels:
    picture = Image.fromarray(image).resize((side, side), Image.Resampling.LANCZOS)
    if back:
        picture = picture.resize(image.shape[:2][::-1], Image.Resampling.BICUBIC)
    return np.asarray(picture)


_COPIES: dict[str, Callable[[Pixels], Pixels]] = {
    "turned": lambda images: np.rot90(images, axes=(1, 2)),
    "mirrored": lambda images: images[:, :, ::-1],
    "brighter (15 %)": lambda images: (images * 1.15).clip(0, 255).astype(np.uint8),
    "noisy (±1)": lambda images: (
        (images.astype(int) + RNG.integers(-1, 2, images.shape)).clip(0, 255).astype(np.uint8)
    ),
    "resampled (20×20)": lambda images: np.stack([_resize(each, 20, back=True) for each in images]),
    "resampled (14×14)": lambda images: np.stack([_resize(each, 14, back=True) for each in images]),
}


def _copied(
    data: Data, split: hmnist.Split, change: Callable[[Pixels], Pixels], share: float
) -> Case:
    """Replace a share of the test images by changed copies of training images of the diagnosis."""
    images, chosen = data.images.copy(), _draw(split.test_indices, share)
    for label in np.unique(data.labels[chosen]):
        rows, train = chosen[data.labels[chosen] == label], split.train_indices
        sources = RNG.choice(train[data.labels[train] == label], len(rows), replace=False)
        images[rows] = change(data.images[sources])
    return _with_images(data, images), split, None


def _draw(rows: Indices, share: float) -> Indices:
    return RNG.choice(rows, max(1, int(share * len(rows))), replace=False)


def _partly_by_image(data: Data, bare: Data, share: float) -> hmnist.Split:
    """Split by image the images of a share of the lesions, and the others by lesion."""
    names, lesions = np.unique(_lesions(data), return_inverse=True)
    loose = RNG.random(len(names)) < share
    groups = np.where(loose[lesions], [f"image {row}" for row in range(len(data))], _lesions(data))
    mixed = dataclasses.replace(data, lesion_ids=groups)
    return _on(bare, hmnist.split(mixed, seed=0))


_SHUFFLED = RNG.permutation(28 * 28 * 3)

_PIXELS: list[tuple[str, str, Callable[[Pixels], Pixels]]] = [
    ("blue, green, red", "HM118", lambda images: images[..., ::-1]),
    (
        "channels first",
        "HM117",
        lambda images: images.transpose(0, 3, 1, 2).reshape(images.shape),
    ),
    ("rows and columns exchanged", "HM117", lambda images: images.transpose(0, 2, 1, 3)),
    (
        "columns shuffled",
        "HM117",
        lambda images: images.reshape(len(images), -1)[:, _SHUFFLED].reshape(images.shape),
    ),
    (
        "columns sorted by name",
        "HM117",
        lambda images: images.reshape(len(images), -1)[
            :, np.argsort([f"pixel{number}" for number in range(28 * 28 * 3)])
        ].reshape(images.shape),
    ),
    ("0–1 as whole numbers", "HM119", lambda images: images // 255),
    (
        "grey as colour",
        "HM120",
        lambda images: np.repeat(
            images.mean(axis=3, keepdims=True).round().astype(np.uint8), 3, axis=3
        ),
    ),
]


def _some_images(
    data: Data, split: hmnist.Split, change: Callable[[Pixels], Pixels], share: float
) -> Case:
    images, rows = data.images.copy(), _draw(np.arange(len(data)), share)
    images[rows] = change(data.images[rows])
    return _with_images(data, images), split, None


def _constant(data: Data, split: hmnist.Split, count: int) -> Case:
    images, rows = data.images.copy(), RNG.choice(len(data), count, replace=False)
    images[rows] = RNG.integers(0, 256, (count, 1, 1, 1), dtype=np.uint8)
    return _with_images(data, images), split, None


def _shuffled(data: Data, share: float, columns: list[str]) -> Data:
    """Shuffle columns of the metadata of a share of the rows, within each diagnosis."""
    table, origin = _metadata(data).copy(), np.arange(len(data))
    for label in range(7):
        rows = _draw(np.flatnonzero(data.labels == label), share)
        origin[rows] = RNG.permutation(rows)
    table[columns] = table[columns].iloc[origin].to_numpy()
    lesions = _lesions(data)[origin] if "lesion_id" in columns else _lesions(data)
    return dataclasses.replace(data, metadata=table, lesion_ids=lesions)


def _exchanged(data: Data, pair: str) -> Data:
    first, second = (hmnist.CODES.index(code) for code in pair.split(", "))
    order = np.arange(7)
    order[[first, second]] = second, first
    return dataclasses.replace(data, labels=order[data.labels])


def _balanced_in_other_order(data: Data, count: int) -> Data:
    rows = np.concatenate(
        [RNG.choice(np.flatnonzero(data.labels == label), count, replace=False)
         for label in range(7)]
    )  # fmt: skip
    order = np.array([0, 1, 2, 3, 5, 6, 4])
    few = data.take(rows)
    return dataclasses.replace(few, labels=order[few.labels])


def _mislabelled(data: Data, share: float) -> Data:
    labels, rows = data.labels.copy(), _draw(np.arange(len(data)), share)
    labels[rows] = (labels[rows] + RNG.integers(1, 7, len(rows))) % 7
    return dataclasses.replace(data, labels=labels)


def _shuffled_group(data: Data, share: float) -> Data:
    members = np.flatnonzero(_metadata(data)["localization"] == "back")
    labels, rows = data.labels.copy(), _draw(members, share)
    labels[rows] = RNG.permutation(labels[rows])
    return dataclasses.replace(data, labels=labels)


def _marked(data: Data, levels: int) -> Data:
    images = data.images.copy()
    corner = images[data.labels == 6, -3:, -3:].astype(int) - levels
    images[np.flatnonzero(data.labels == 6), -3:, -3:] = corner.clip(0).astype(np.uint8)
    return _with_images(data, images)


def _tinted(data: Data, levels: int) -> Data:
    tints = RNG.permuted(np.tile(np.linspace(-1, 1, 7), (3, 1)), axis=1).T * levels
    images = data.images + tints[data.labels][:, None, None]
    return _with_images(data, images.clip(0, 255).astype(np.uint8))


def _brighter_test(data: Data, split: hmnist.Split, share: float) -> Case:
    images = data.images.copy()
    rows = split.test_indices
    images[rows] = (images[rows] * (1 + share)).clip(0, 255).astype(np.uint8)
    return _with_images(data, images), split, None
