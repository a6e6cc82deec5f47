"""Changes that make a mistake in data, in a split or in features, or none."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image, ImageOps

import hmnist
from hmnist.arrays import Booleans, Indices, Pixels, Strings
from hmnist.diagnoses import MALIGNANT

Data = hmnist.LesionDataset
Case = tuple[Data, hmnist.Split | None, pd.DataFrame | None]
"""Data, split and features with a mistake in them."""

RNG = np.random.default_rng(0)


def metadata(data: Data) -> pd.DataFrame:
    if data.metadata is None:
        raise SystemExit("Mistakes are made in data that have their metadata.")
    return data.metadata


def lesion_ids(data: Data) -> Strings:
    return np.empty(0, str) if data.lesion_ids is None else data.lesion_ids


def lesion_numbers(data: Data) -> Indices:
    """Return the numbers in the file's names of lesions, such as 118 of HAM_0000118."""
    return metadata(data)["lesion_id"].str.removeprefix("HAM_").to_numpy(dtype=np.int64)


def with_images(data: Data, images: Pixels) -> Data:
    return dataclasses.replace(data, images=np.ascontiguousarray(images))


def on(data: Data, split: hmnist.Split) -> hmnist.Split:
    return dataclasses.replace(split, data=data)


def feature(values: Any) -> pd.DataFrame:
    return pd.DataFrame({"x": values})


def noisy_label(data: Data, noise: float) -> pd.DataFrame:
    return feature(data.labels + RNG.normal(0, noise, len(data)))


def noisy_malignant(data: Data, noise: float) -> pd.DataFrame:
    return feature(np.isin(data.labels, MALIGNANT) + RNG.normal(0, noise, len(data)))


def flipped(flag: Booleans, share: float) -> Booleans:
    wrong = np.zeros(len(flag), bool)
    wrong[draw(np.arange(len(flag)), share)] = True
    return flag ^ wrong


def named_feature(data: Data, split: hmnist.Split, column: Any, title: str) -> Case:
    return data, split, pd.DataFrame({title: column})


def patients(data: Data) -> pd.DataFrame:
    return metadata(data)[["age", "sex", "localization"]]


def medmnist(data: Data, split: hmnist.Split) -> Data:
    """Return data in MedMNIST's form: the parts one after another, each sorted by diagnosis."""
    order = np.concatenate(
        [rows[np.argsort(data.labels[rows], kind="stable")] for rows in split.indices.values()]
    )
    names = np.repeat(list(split.indices), [len(rows) for rows in split.indices.values()])
    bare = dataclasses.replace(data, lesion_ids=None, metadata=None).take(order)
    return dataclasses.replace(bare, own_split=names)


def grey(images: Pixels) -> Pixels:
    """Return one channel, the mean of all."""
    return np.asarray(images.mean(axis=3, keepdims=True).round().astype(np.uint8))


def resize(image: Pixels, height: int, width: int, back: bool = False) -> Pixels:
    picture = Image.fromarray(image).resize((width, height), Image.Resampling.LANCZOS)
    if back:
        picture = picture.resize(image.shape[:2][::-1], Image.Resampling.BICUBIC)
    return np.asarray(picture)


def centres(data: Data, photographs: Path) -> Data:
    """Return the centres of the photographs, cut to squares as DermaMNIST's are."""
    images = []
    for row in range(len(data)):
        with Image.open(photographs / f"{data.name_of(row)}.jpg") as photograph:
            images.append(
                ImageOps.fit(photograph, data.image_shape[1::-1], Image.Resampling.LANCZOS)
            )
    return with_images(data, np.stack([np.asarray(image) for image in images]))


def resized(data: Data, height: int, width: int) -> Data:
    return with_images(data, np.stack([resize(image, height, width) for image in data.images]))


COPIES: dict[str, Callable[[Pixels], Pixels]] = {
    "turned": lambda images: np.rot90(images, axes=(1, 2)),
    "mirrored": lambda images: images[:, :, ::-1],
    "brighter (15 %)": lambda images: (images * 1.15).clip(0, 255).astype(np.uint8),
    "noisy (±1)": lambda images: (
        (images.astype(int) + RNG.integers(-1, 2, images.shape)).clip(0, 255).astype(np.uint8)
    ),
    "resampled (20×20)": lambda images: np.stack(
        [resize(each, 20, 20, back=True) for each in images]
    ),
    "resampled (14×14)": lambda images: np.stack(
        [resize(each, 14, 14, back=True) for each in images]
    ),
}


def copied(
    data: Data, split: hmnist.Split, change: Callable[[Pixels], Pixels], share: float
) -> Case:
    """Replace a share of the test images by changed copies of training images of the diagnosis."""
    images, chosen = data.images.copy(), draw(split.test_indices, share)
    for label in np.unique(data.labels[chosen]):
        rows, train = chosen[data.labels[chosen] == label], split.train_indices
        sources = RNG.choice(train[data.labels[train] == label], len(rows), replace=False)
        images[rows] = change(data.images[sources])
    return with_images(data, images), split, None


def draw(rows: Indices, share: float) -> Indices:
    return RNG.choice(rows, max(1, int(share * len(rows))), replace=False)


def partly_by_image(data: Data, bare: Data, share: float) -> hmnist.Split:
    """Split by image the images of a share of the lesions, and the others by lesion."""
    ids = lesion_ids(data)
    names, lesions = np.unique(ids, return_inverse=True)
    loose = RNG.random(len(names)) < share
    groups = np.where(loose[lesions], [f"image {row}" for row in range(len(data))], ids)
    mixed = dataclasses.replace(data, lesion_ids=groups)
    return on(bare, hmnist.split(mixed, seed=0))


def exchange_rows_and_columns(images: Pixels) -> Pixels:
    """Return images whose pixels stand column by column and are read row by row."""
    return images.transpose(0, 2, 1, 3).reshape(images.shape)


SHUFFLED = RNG.permutation(28 * 28 * 3)

PIXELS: list[tuple[str, str, Callable[[Pixels], Pixels]]] = [
    ("blue, green, red", "HM118", lambda images: images[..., ::-1]),
    (
        "channels first",
        "HM117",
        lambda images: images.transpose(0, 3, 1, 2).reshape(images.shape),
    ),
    ("rows and columns exchanged", "HM117", exchange_rows_and_columns),
    (
        "columns shuffled",
        "HM117",
        lambda images: images.reshape(len(images), -1)[:, SHUFFLED].reshape(images.shape),
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
        lambda images: np.repeat(grey(images), 3, axis=3),
    ),
]


def some_images(
    data: Data, split: hmnist.Split, change: Callable[[Pixels], Pixels], share: float
) -> Case:
    images, rows = data.images.copy(), draw(np.arange(len(data)), share)
    images[rows] = change(data.images[rows])
    return with_images(data, images), split, None


def constant(data: Data, split: hmnist.Split, count: int) -> Case:
    images, rows = data.images.copy(), RNG.choice(len(data), count, replace=False)
    images[rows] = RNG.integers(0, 256, (count, 1, 1, 1), dtype=np.uint8)
    return with_images(data, images), split, None


def shuffled(data: Data, share: float, columns: list[str]) -> Data:
    """Shuffle columns of the metadata of a share of the rows, within each diagnosis."""
    table, origin = metadata(data).copy(), np.arange(len(data))
    for label in range(7):
        rows = draw(np.flatnonzero(data.labels == label), share)
        origin[rows] = RNG.permutation(rows)
    table[columns] = table[columns].iloc[origin].to_numpy()
    lesions = lesion_ids(data)[origin] if "lesion_id" in columns else lesion_ids(data)
    return dataclasses.replace(data, metadata=table, lesion_ids=lesions)


def exchanged(data: Data, pair: str) -> Data:
    first, second = (hmnist.CODES.index(code) for code in pair.split(", "))
    order = np.arange(7)
    order[[first, second]] = second, first
    return dataclasses.replace(data, labels=order[data.labels])


def balanced_in_other_order(data: Data, count: int) -> Data:
    rows = np.concatenate(
        [RNG.choice(np.flatnonzero(data.labels == label), count, replace=False)
         for label in range(7)]
    )  # fmt: skip
    order = np.array([0, 1, 2, 3, 5, 6, 4])
    few = data.take(rows)
    return dataclasses.replace(few, labels=order[few.labels])


def mislabelled(data: Data, share: float) -> Data:
    labels, rows = data.labels.copy(), draw(np.arange(len(data)), share)
    labels[rows] = (labels[rows] + RNG.integers(1, 7, len(rows))) % 7
    return dataclasses.replace(data, labels=labels)


def shuffled_group(data: Data, share: float) -> Data:
    members = np.flatnonzero(metadata(data)["localization"] == "back")
    labels, rows = data.labels.copy(), draw(members, share)
    labels[rows] = RNG.permutation(labels[rows])
    return dataclasses.replace(data, labels=labels)


def marked(data: Data, levels: int) -> Data:
    images = data.images.copy()
    corner = images[data.labels == 6, -3:, -3:].astype(int) - levels
    images[np.flatnonzero(data.labels == 6), -3:, -3:] = corner.clip(0).astype(np.uint8)
    return with_images(data, images)


def tinted(data: Data, levels: int) -> Data:
    tints = RNG.permuted(np.tile(np.linspace(-1, 1, 7), (3, 1)), axis=1).T * levels
    images = data.images + tints[data.labels][:, None, None]
    return with_images(data, images.clip(0, 255).astype(np.uint8))


def brighter_test(data: Data, split: hmnist.Split, share: float) -> Case:
    images = data.images.copy()
    rows = split.test_indices
    images[rows] = (images[rows] * (1 + share)).clip(0, 255).astype(np.uint8)
    return with_images(data, images), split, None
