import dataclasses

import numpy as np
import pytest

from hmnist.arrays import Indices
from hmnist.checks.groups import find_weak_group
from hmnist.checks.subject import Found, Subject
from hmnist.dataset import LesionDataset
from hmnist.sources.sample import load_sample


@pytest.fixture(scope="module")
def data() -> LesionDataset:
    return load_sample(rows=1400)


def shuffled(data: LesionDataset, rows: Indices) -> LesionDataset:
    """Return data in which the images of some rows have the labels of others of them."""
    labels = data.labels.copy()
    labels[rows] = np.random.default_rng(0).permutation(labels[rows])
    return dataclasses.replace(data, labels=labels)


def test_groups_of_sound_data_are_alike(data: LesionDataset) -> None:
    assert find_weak_group(Subject(data)) is None


@pytest.mark.parametrize(
    ("column", "value", "kind"), [("sex", "male", "sex"), ("localization", "back", "site")]
)
def test_labels_of_other_images_in_one_group(
    column: str, value: str, kind: str, data: LesionDataset
) -> None:
    assert data.metadata is not None
    found = find_weak_group(Subject(shuffled(data, np.flatnonzero(data.metadata[column] == value))))
    assert isinstance(found, Found)
    assert f"in one group, {kind} {value}: " in found.sentence
    assert float(found.evidence["high"]) < float(found.evidence["others"]) - 0.12


def test_a_group_of_rare_diagnoses_is_not_weak(data: LesionDataset) -> None:
    assert data.metadata is not None
    sites = np.where(np.isin(data.labels, [0, 3]), "scalp", data.metadata["localization"])
    rng = np.random.default_rng(0)
    sites[rng.choice(len(data), 700, replace=False)] = "trunk"
    moved = dataclasses.replace(data, metadata=data.metadata.assign(localization=sites))
    assert find_weak_group(Subject(moved)) is None


def test_without_patients_nothing_is_said(data: LesionDataset) -> None:
    assert find_weak_group(Subject(dataclasses.replace(data, metadata=None))) is None
