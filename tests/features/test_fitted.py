"""Fitted features: the rows of the transformer, without scikit-learn."""

import subprocess
import sys

import numpy as np
import pytest

from hmnist.errors import UsageError
from hmnist.features.fitted import FittedFeatures
from hmnist.features.lesion import LesionFeatures

IMAGES = np.random.default_rng(3).integers(0, 256, (20, 8, 9, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def features() -> LesionFeatures:
    return LesionFeatures(n_filters=3, n_colours=4).fit(IMAGES)


@pytest.mark.parametrize("threads", [1, 3])
def test_the_rows_are_those_of_the_transformer(features: LesionFeatures, threads: int) -> None:
    again = FittedFeatures.from_arrays(features.fitted_.to_arrays())
    np.testing.assert_array_equal(again.transform(IMAGES, threads), features.transform(IMAGES))
    assert again.names == features.get_feature_names_out().tolist()


def test_images_of_another_shape_are_refused(features: LesionFeatures) -> None:
    with pytest.raises(UsageError, match=r"shape \(9, 8, 3\), not \(8, 9, 3\)"):
        features.fitted_.transform(np.zeros((2, 9, 8, 3), np.uint8), 1)


def test_scikit_learn_is_not_loaded() -> None:
    program = "import sys, hmnist.features.fitted; print('sklearn' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"
