"""The columns that need no fitting are the last ones of fitted features."""

import numpy as np
import pytest

from hmnist.features.lesion import LesionFeatures
from hmnist.features.unfitted import describe_unfitted

pytestmark = pytest.mark.usefixtures("few_patches")


@pytest.mark.parametrize("shape", [(9, 9, 3), (9, 12, 1), (56, 60, 3)])
def test_they_are_columns_of_fitted_features(
    shape: tuple[int, int, int], rng: np.random.Generator
) -> None:
    images = rng.integers(0, 256, (2, *shape), dtype=np.uint8)
    found = describe_unfitted(images, threads=1)
    table = LesionFeatures(n_filters=1, n_colours=2, n_jobs=1).fit(images).transform(images)
    np.testing.assert_array_equal(found, table[:, -found.shape[1] :])


def test_threads_change_nothing(rng: np.random.Generator) -> None:
    images = rng.integers(0, 256, (600, 8, 8, 3), dtype=np.uint8)
    one, two = (describe_unfitted(images, threads) for threads in (1, 2))
    assert one.tobytes() == two.tobytes()
