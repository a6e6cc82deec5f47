from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hmnist.dataset import LesionDataset
from hmnist.errors import UsageError
from hmnist.runs.recipe import Recipe, check_one_file
from hmnist.splits.split import split
from hmnist.systems import SYSTEMS

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
    parts, recipe = split(sample), Recipe("vgg16" if name == "weights" else "logistic")
    assert replace(recipe, **{name: CHANGES[name]}).key(parts) != recipe.key(parts)


def test_weights_count_for_who_asks_for_them_and_by_what_is_in_the_file(
    sample: LesionDataset, tmp_path: Path
) -> None:
    parts = split(sample)
    assert Recipe("lenet", weights="imagenet").key(parts) == Recipe("lenet").key(parts)
    keys = []
    for name, content in (("here.h5", b"1"), ("there.h5", b"1"), ("other.h5", b"2")):
        path = tmp_path / name
        path.write_bytes(b"\x89HDF\r\n\x1a\n" + content)
        keys.append(Recipe("vgg16", weights=str(path)).key(parts))
    assert keys[0] == keys[1] != keys[2]


def test_the_key_changes_with_how_a_published_system_is_trained(
    sample: LesionDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts, recipe = split(sample), Recipe("lenet")
    key = recipe.key(parts)
    monkeypatch.setitem(SYSTEMS, "lenet", replace(SYSTEMS["lenet"], notes=()))
    assert recipe.key(parts) == key
    training = replace(SYSTEMS["lenet"].training, optimizer="SGD")
    monkeypatch.setitem(SYSTEMS, "lenet", replace(SYSTEMS["lenet"], training=training))
    assert recipe.key(parts) != key


def test_one_file_of_weights_is_one_networks() -> None:
    with pytest.raises(UsageError, match="vgg16 and mobilenet are several"):
        check_one_file(["lenet", "vgg16", "mobilenet"], "vgg.h5")
    check_one_file(["lenet", "vgg16", "vgg16", "committee"], "vgg.h5")
    check_one_file(["vgg16", "mobilenet"], "imagenet")


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
