"""The mistakes that are planted, weak and strong, and sound data beside them."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import hmnist
from benchmarks.planting import changes
from benchmarks.planting.changes import Case, Data

OBLONG = 21, 28
"""Height and width of the photographs' proportion, 3:4."""


def make_sound(
    data: Data, seeds: int, photographs: Path | None
) -> Iterator[tuple[str, list[Case]]]:
    """Yield kinds of sound data and splits; with photographs, also their centres."""
    splits = [hmnist.split(data, seed=seed) for seed in range(seeds)]
    patients = changes.patients(data)
    yield "by lesion, with age, sex and site", [(data, split, patients) for split in splits]
    yield "folds by lesion", [(data, fold, None) for fold in hmnist.split_folds(data, 5)]
    bare = dataclasses.replace(data, lesion_ids=None, metadata=None)
    yield "by lesion, the ids withheld", [(bare, changes.on(bare, split), None) for split in splits]
    yield "as MedMNIST, sorted in each part", [(changes.medmnist(data, splits[0]), None, None)]
    if photographs is not None:
        centres = changes.centres(data, photographs)
        centred: list[Case] = [(centres, changes.on(centres, split), None) for split in splits[:3]]
        yield "centres of the photographs", centred
        alike = changes.medmnist(centres, splits[0])
        yield "the same, as MedMNIST", [(alike, None, None)]
    grey = changes.with_images(data, changes.grey(data.images))
    yield "grey", [(grey, changes.on(grey, split), None) for split in splits[:3]]
    for height, width in ((8, 8), (10, 10), (14, 14), OBLONG):
        small = changes.resized(data, height, width)
        cases: list[Case] = [(small, changes.on(small, split), None) for split in splits[:3]]
        yield f"{height}×{width}", cases


def make_mistakes(data: Data, photographs: Path | None) -> Iterator[tuple[str, str, str, Case]]:
    """Yield the name, the code, the strength and the case of each mistake, weak and strong.

    With photographs, also DermaMNIST's official split, rebuilt: their centres, split by image.
    """
    if photographs is not None:
        centres, name = changes.centres(data, photographs), "split by image, as in DermaMNIST"
        for seed in (0, 1):
            official = changes.medmnist(centres, hmnist.split(data, "image", seed=seed))
            yield name, "HM116", f"seed {seed}", (official, None, None)
    for name, code, make, strengths in _list_mistakes(data):
        for strength in strengths:
            yield name, code, str(strength), make(strength)


def _list_mistakes(data: Data) -> list[tuple[str, str, Callable[[Any], Case], Sequence[Any]]]:
    """Return the name and the code of each mistake, what makes it, and how strong it is."""
    split = hmnist.split(data, seed=0)
    bare = dataclasses.replace(data, lesion_ids=None, metadata=None)
    columns = changes.metadata(data).columns.tolist()
    oblong = changes.resized(data, *OBLONG)
    in_any_order = np.random.default_rng(1).permutation(len(data))
    names = (
        ("number of the lesion_id", changes.lesion_numbers(data)),
        ("row number", np.arange(len(data))),
        ("row number, in any order,", in_any_order),
    )
    few, half = (0.01, 0.1), (0.5, 1.0)
    return [
        *(
            (
                f"{name} copies of training images in the test part{ids}",
                code,
                partial(changes.copied, with_ids, changes.on(with_ids, split), change),
                few,
            )
            for with_ids, ids, code in (
                (data, "", "HM115"),
                (bare, ", the ids withheld", "HM115 or HM116"),
            )
            for name, change in changes.COPIES.items()
        ),
        (
            "split by image, lesions unknown; share of the lesions",
            "HM116",
            lambda share: (bare, changes.partly_by_image(data, bare, share), None),
            half,
        ),
        *(
            (
                f"{name}; share of the images",
                code,
                partial(changes.some_images, data, split, change),
                (0.2, 1.0),
            )
            for name, code, change in changes.PIXELS
        ),
        (
            "rows and columns exchanged at 21×28; share of the images",
            "HM117",
            partial(
                changes.some_images,
                oblong,
                changes.on(oblong, split),
                changes.exchange_rows_and_columns,
            ),
            (0.2, 1.0),
        ),
        ("images of one colour", "HM121", partial(changes.constant, data, split), (1, 20)),
        (
            "metadata shuffled within a diagnosis; share of the rows",
            "HM122",
            lambda share: (changes.shuffled(data, share, columns), None, None),
            half,
        ),
        (
            "sites shuffled within a diagnosis; share of the rows",
            "HM122",
            lambda share: (changes.shuffled(data, share, ["localization"]), None, None),
            half,
        ),
        (
            "two diagnoses exchanged",
            "HM123",
            lambda pair: (changes.exchanged(bare, pair), None, None),
            ("akiec, bcc", "nv, mel"),
        ),
        (
            "MedMNIST's order in a balanced file; images of each diagnosis",
            "HM123",
            lambda count: (changes.balanced_in_other_order(bare, count), None, None),
            (40, 70),
        ),
        (
            "labels wrong; share of the images",
            "HM124",
            lambda share: (changes.mislabelled(bare, share), None, None),
            (0.03, 0.1),
        ),
        (
            "labels of other images in one site (back); share of its rows",
            "HM130",
            lambda share: (changes.shuffled_group(data, share), None, None),
            half,
        ),
        (
            "label with noise as a feature; its deviation",
            "HM125",
            lambda noise: (data, split, changes.noisy_label(data, noise)),
            (0.7, 0.1),
        ),
        (
            "label as a feature, wrong in a share of the rows",
            "HM125",
            lambda share: (data, split, changes.feature(changes.mislabelled(data, share).labels)),
            (0.03, 0.01),
        ),
        (
            "mel or not as a feature, wrong in a share of the rows",
            "HM125",
            lambda share: (data, split, changes.feature(changes.flipped(data.labels == 6, share))),
            (0.03, 0.01),
        ),
        (
            "malignant or not with noise as a feature; its deviation",
            "HM125",
            lambda noise: (data, split, changes.noisy_malignant(data, noise)),
            (0.4, 0.1),
        ),
        *(
            (
                f"{name} as a feature, under a name",
                "HM126",
                partial(changes.named_feature, data, split, column),
                ("x", "lesion_id"),
            )
            for name, column in names
        ),
        (
            "a mark on the border of mel; levels darker",
            "HM127",
            lambda levels: (changes.marked(data, levels), split, None),
            (40, 120),
        ),
        (
            "another lamp for each diagnosis; levels apart",
            "HM128",
            lambda levels: (changes.tinted(data, levels), split, None),
            (15, 40),
        ),
        (
            "test images brighter by a share",
            "HM129",
            partial(changes.brighter_test, data, split),
            (0.04, 0.1),
        ),
    ]
