from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from hmnist.dataset import LesionDataset
from hmnist.recipe import Recipe
from hmnist.splits import split

CHANGES: dict[str, Any] = {
    "model": "cnn",
    "oversampling": "none",
    "rare": ("df",),
    "rare_to": 50,
    "decision": "balanced",
    "sensitivity": 0.95,
    "effort": "best",
    "features": "pixels",
    "weights": "imagenet",
    "seed": 1,
    "threads": 2,
    "parameters": {"penalty": 1.0},
}


def test_every_field_of_a_recipe_is_tried() -> None:
    assert set(CHANGES) == {field.name for field in fields(Recipe)}


@pytest.mark.parametrize("name", CHANGES)
def test_the_key_changes_with_every_field(name: str, sample: LesionDataset) -> None:
    parts, recipe = split(sample), Recipe("logistic")
    assert replace(recipe, **{name: CHANGES[name]}).key(parts) != recipe.key(parts)


def test_the_key_changes_with_data_and_split(sample: LesionDataset) -> None:
    recipe = Recipe("logistic")
    key = recipe.key(split(sample))
    assert recipe.key(split(sample)) == key
    assert recipe.key(split(sample, seed=1)) != key
    images = sample.images.copy()
    images[0, 0, 0, 0] ^= 1
    assert recipe.key(split(replace(sample, images=images))) != key


def test_make_takes_effort_and_parameters() -> None:
    model = Recipe("logistic", seed=5, parameters={"penalty": 0.25}).make()
    assert model.get_params()["penalty"] == 0.25
    assert model.get_params()["random_state"] == 5
    np.testing.assert_array_equal(model.get_params()["classes"], range(7))
