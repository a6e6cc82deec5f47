"""The forms in which models take images."""

import numpy as np
import pytest

from hmnist.errors import UsageError
from hmnist.models.majority import Majority


def test_a_list_of_images_is_a_stack() -> None:
    images = np.arange(36, dtype=np.uint8).reshape(3, 2, 2, 3)
    model = Majority().fit(list(images), [0, 1, 1])
    assert model.image_shape_ == (2, 2, 3)
    assert model.predict_proba(list(images)).tolist() == model.predict_proba(images).tolist()
    assert Majority().fit([[1, 2], [3, 4]], [0, 1]).n_features_in_ == 2


def test_images_of_another_form_are_told_how_to_be_one() -> None:
    images = np.zeros((3, 2, 2, 3), np.uint8)
    model = Majority().fit(images, [0, 1, 1])
    with pytest.raises(UsageError, match=r"shape \(2, 2, 3\).* images\[None\]"):
        model.predict(images[0])
    with pytest.raises(UsageError, match=r"grey images as images\[\.\.\., None\]"):
        model.predict(images[..., 0])
    with pytest.raises(UsageError, match=r"\(2, 2, 3\), another \(4, 2, 3\)"):
        model.predict([images[0], np.zeros((4, 2, 3), np.uint8)])
