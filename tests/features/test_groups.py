"""Every column belongs to one group, by what it describes."""

import numpy as np

from hmnist.features.groups import group_columns
from hmnist.features.lesion import LesionFeatures
from hmnist.patients import PATIENT_COLUMNS


def test_every_column_has_one_group(rng: np.random.Generator) -> None:
    images = rng.integers(0, 256, (4, 28, 28, 3), dtype=np.uint8)
    features = LesionFeatures(n_filters=2, n_colours=3, n_jobs=1).fit(images)
    names = [*features.get_feature_names_out().tolist(), *PATIENT_COLUMNS]
    groups = group_columns(names)
    positions = np.sort(np.concatenate(list(groups.values())))
    np.testing.assert_array_equal(positions, np.arange(len(names)))
    assert [names[column] for column in groups["patient data"]] == list(PATIENT_COLUMNS)
    assert all(" patch " in names[column] for column in groups["patches"])
    assert len(groups["patches"]) == 2 * 20 * 3
    assert len(groups["codebook of colours"]) == 3 * 4 * 2
    assert len(groups) == 11
