from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from imblearn import FunctionSampler

from hmnist.dataset import LesionDataset
from hmnist.diagnoses import CODES
from hmnist.errors import UsageError
from hmnist.models.registry import MODELS
from hmnist.runs.facts import as_json
from hmnist.runs.recipe import Recipe, Settings, check_one_pretrained_file
from hmnist.splits.split import split
from hmnist.systems import SYSTEMS

CHANGES: dict[str, Any] = {
    "model": "cnn",
    "oversample": "none",
    "rare": ("df",),
    "rare_to": 50,
    "decide": "balanced",
    "sensitivity": 0.95,
    "effort": "best",
    "features": "pixels",
    "precision": "bfloat16",
    "patients": True,
    "device": "gpu",
    "pretrained": "imagenet",
    "seed": 1,
    "threads": 97,
    "parameters": {"penalty": 1.0},
}


def test_every_field_of_a_recipe_is_tried() -> None:
    assert set(CHANGES) == {field.name for field in fields(Recipe)}


@pytest.mark.parametrize("methods", ["none,smote", ("none", "smote"), ["random"]])
def test_one_model_has_one_oversampling_method(methods: Any) -> None:
    with pytest.raises(UsageError, match="one oversampling method, not several"):
        Recipe(model="cnn", oversample=methods)


@pytest.mark.parametrize("name", CHANGES)
def test_the_key_changes_with_every_field(name: str, sample: LesionDataset) -> None:
    parts, recipe = split(sample), Recipe(model="vgg16" if name == "pretrained" else "logistic")
    assert replace(recipe, **{name: CHANGES[name]}).key(parts) != recipe.key(parts)


def test_precision_and_device_are_those_of_the_models_that_know_them(
    sample: LesionDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hmnist.models.precision.choose_precision", lambda *_: ("bfloat16", 2.0))
    monkeypatch.setattr("hmnist.runs.recipe.choose_device", lambda wanted: ("gpu", wanted))
    parts = split(sample)
    resolved = {
        model: Recipe(model=model, precision="auto").resolved_for(parts)
        for model in ("cnn", "mlp", "xgboost", "hist-gbdt", "ensemble", "lenet")
    }
    assert {model for model, recipe in resolved.items() if recipe.precision == "bfloat16"} == {
        "cnn", "ensemble", "lenet",
    }  # fmt: skip
    assert {model for model, recipe in resolved.items() if recipe.device == "cpu"} == {"hist-gbdt"}
    assert Recipe(model="cnn").resolved_for(parts).precision == "float32"


def test_pretrained_weights_count_where_they_are_taken_and_by_content(
    sample: LesionDataset, tmp_path: Path
) -> None:
    parts = split(sample)
    assert Recipe(model="lenet", pretrained="imagenet").key(parts) == Recipe(model="lenet").key(
        parts
    )
    keys = []
    for name, content in (("here.h5", b"1"), ("there.h5", b"1"), ("other.h5", b"2")):
        path = tmp_path / name
        path.write_bytes(b"\x89HDF\r\n\x1a\n" + content)
        keys.append(Recipe(model="vgg16", pretrained=str(path)).key(parts))
    assert keys[0] == keys[1] != keys[2]


def test_the_key_changes_with_how_a_published_system_is_trained(
    sample: LesionDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts, recipe = split(sample), Recipe(model="lenet")
    key = recipe.key(parts)
    lenet = SYSTEMS["lenet"]
    training = replace(lenet.training, optimizer="SGD")
    for system, is_equal in (
        (replace(lenet, notes=()), True),
        (replace(lenet, training=training), False),
    ):
        entry = replace(MODELS["lenet"], system=system)
        monkeypatch.setitem(MODELS, "lenet", entry)
        assert (recipe.key(parts) == key) == is_equal


def test_one_pretrained_file_is_for_one_network() -> None:
    def check(models: list[str], pretrained: str) -> None:
        check_one_pretrained_file([Recipe(model=name, pretrained=pretrained) for name in models])

    with pytest.raises(UsageError, match="vgg16 and mobilenet are several"):
        check(["lenet", "vgg16", "mobilenet"], "vgg.h5")
    check(["lenet", "vgg16", "vgg16", "ensemble"], "vgg.h5")
    check(["vgg16", "mobilenet"], "imagenet")


def test_settings_name_the_fields_of_a_recipe() -> None:
    names = {field.name for field in fields(Recipe)} - {"model", "parameters"}
    assert set(Settings.__annotations__) == names


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": "resnet"}, "no model called 'resnet'"),
        ({"effort": "maximal"}, "no effort called 'maximal'"),
        ({"oversample": "adasyn"}, "no oversampling method called 'adasyn'"),
        ({"oversample": 3}, "is not an oversampling method, and no sampler"),
        ({"oversample": ["random", "smote"]}, "one oversampling method, not several"),
        ({"decide": "lucky"}, "no decision called 'lucky'"),
        ({"features": "wavelets"}, "no set of features called 'wavelets'"),
        ({"rare": ("df", "wart")}, "no diagnosis called 'wart'"),
        ({"sensitivity": 90}, "90 is not between 0 and 1"),
        ({"patients": "perhaps"}, "no choice of patient data called 'perhaps'"),
        ({"patients": ["yes"]}, "no choice of patient data"),
        ({"patients": "both"}, "a benchmark compares both"),
        ({"threads": 0}, "threads cannot be 0: expected a whole number from 1 to 4,096"),
        ({"threads": -1}, "threads cannot be -1"),
        ({"threads": 10**6}, "threads cannot be 1000000"),
        ({"threads": "2"}, "threads cannot be '2': expected a whole number"),
        ({"threads": 2.0}, "threads cannot be 2.0"),
        ({"rare_to": 0}, "rare_to cannot be 0: expected a whole number from 1 to 1,000,000"),
        ({"rare_to": 10**6 + 1}, "rare_to cannot be 1000001: expected"),
        ({"rare_to": 10**30}, "rare_to cannot be 1000000"),
        ({"seed": -1}, "seed cannot be -1: expected a whole number from 0 to 4,294,967,295"),
        ({"seed": 2**32}, "seed cannot be 4294967296"),
        ({"seed": 1.5}, "seed cannot be 1.5: expected a whole number"),
        ({"seed": "0"}, "seed cannot be '0'"),
        ({"seed": None}, "seed cannot be None"),
        ({"parameters": {"max_iter": 10**9}}, "max_iter is 1000000000"),
        ({"parameters": {"penalty": float("nan")}}, "penalty is nan"),
        ({"parameters": {"random_state": 3}}, "random_state is no parameter .* the setting seed"),
        ({"parameters": {"effort": "best"}}, "effort is no parameter to set"),
        ({"model": 3}, "Expected a str, not an int"),
    ],
)
def test_unknown_names_and_numbers_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Recipe(**{"model": "logistic", **change})


def test_integers_of_numpy_are_those_of_python(sample: LesionDataset) -> None:
    given: dict[str, Any] = {"seed": 3, "threads": 2, "rare_to": 50}
    ours = Recipe(model="logistic", **given)
    of_numpy: dict[str, Any] = {name: np.int64(value) for name, value in given.items()}
    numpys = Recipe(model="logistic", **of_numpy)
    assert numpys == ours
    assert {type(getattr(numpys, name)) for name in given} == {int}
    assert numpys.key(split(sample)) == ours.key(split(sample))


@pytest.mark.parametrize(
    ("model", "given", "of_numpy"),
    [
        ("logistic", {"penalty": 0.1}, {"penalty": np.float64(0.1)}),
        ("logistic", {"penalty": 0.25}, {"penalty": np.float32(0.25)}),
        ("mlp", {"widths": (8, 4)}, {"widths": np.array([8, 4])}),
        ("mlp", {"widths": (8, 4)}, {"widths": (np.int64(8), np.int32(4))}),
        (
            "ensemble",
            {"members": ["logistic"], "set": {"logistic": {"penalty": 0.5}}},
            {"members": [np.str_("logistic")], "set": {"logistic": {"penalty": np.float64(0.5)}}},
        ),
    ],
)
def test_parameters_of_numpy_are_those_of_python(
    model: str, given: dict[str, Any], of_numpy: dict[str, Any], sample: LesionDataset
) -> None:
    ours = Recipe(model=model, parameters=given, sensitivity=0.5)
    numpys = Recipe(model=model, parameters=of_numpy, sensitivity=np.float64(0.5))
    assert as_json(numpys) == as_json(ours)
    assert numpys.key(split(sample)) == ours.key(split(sample))


def test_a_protocol_resamples_and_decides_by_itself(sample: LesionDataset) -> None:
    parts = split(sample, "published:skin-pamper")
    recipe = Recipe(model="cnn").resolved_for(parts)
    assert (recipe.oversample, recipe.decide) == ("augment", "natural")
    with pytest.raises(UsageError, match="decide cannot be 'balanced'"):
        Recipe(model="cnn", decide="balanced").resolved_for(parts)
    with pytest.raises(UsageError, match="oversample cannot be 'smote'"):
        Recipe(model="cnn", oversample="smote").resolved_for(parts)


def test_the_baseline_is_never_oversampled_nor_corrected(sample: LesionDataset) -> None:
    recipe = Recipe(model="majority", oversample="smote", decide="balanced")
    resolved = recipe.resolved_for(split(sample))
    assert (resolved.oversample, resolved.decide) == ("none", "natural")


def test_the_key_changes_with_data_and_split(sample: LesionDataset) -> None:
    recipe = Recipe(model="logistic")
    key = recipe.key(split(sample))
    assert recipe.key(split(sample)) == key
    assert recipe.key(split(sample, seed=1)) != key
    images = sample.images.copy()
    images[0, 0, 0, 0] ^= 1
    assert recipe.key(split(replace(sample, images=images))) != key


def test_make_takes_effort_and_parameters() -> None:
    model = Recipe(model="logistic", seed=5, parameters={"penalty": 0.25}).make()
    assert model.get_params()["penalty"] == 0.25
    assert model.get_params()["random_state"] == 5
    np.testing.assert_array_equal(model.get_params()["classes"], range(7))


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_recipe_is_resolved_once(name: str, sample: LesionDataset) -> None:
    parts = split(sample, f"published:{name}")
    resolved = Recipe(model="lenet").resolved_for(parts)
    assert resolved.resolved_for(parts) == resolved
    honest = Recipe(model="lenet", oversample="smote", decide="balanced", device="cpu")
    assert honest.resolved_for(split(sample)) == honest


def test_rare_diagnoses_are_raised_to_the_commonest_at_most(sample: LesionDataset) -> None:
    parts = split(sample, "published:inception-resnet")
    recipe = Recipe(model="inception-resnet").resolved_for(parts)
    assert recipe.rare_to == np.bincount(parts.train.labels).max()
    assert set(recipe.rare) == set(CODES) - {"nv"}


def test_patient_data_are_yes_or_no(sample: LesionDataset) -> None:
    assert Recipe(model="mlp", patients="yes").patients is True  # type: ignore[arg-type] # words, too
    assert Recipe(model="mlp", patients="no").patients is False  # type: ignore[arg-type] # words, too
    with_them = Recipe(model="mlp", patients=True)
    assert with_them.resolved_for(split(sample)).patients
    assert not Recipe(model="majority", patients=True).resolved_for(split(sample)).patients
    with pytest.raises(UsageError, match="lenet takes no patient data"):
        Recipe(model="lenet", patients=True).resolved_for(split(sample))
    unknown = replace(sample, metadata=None)
    with pytest.raises(UsageError, match=r"HAM10000_metadata\.csv .* --metadata"):
        with_them.resolved_for(split(unknown))


def test_the_key_changes_with_the_patients_if_they_are_used(sample: LesionDataset) -> None:
    assert sample.metadata is not None
    older = replace(sample, metadata=sample.metadata.assign(age=sample.metadata["age"] + 5))
    for patients in (False, True):
        recipe = Recipe(model="logistic", patients=patients)
        assert (recipe.key(split(sample)) != recipe.key(split(older))) == patients


def test_a_sampler_whose_text_is_a_place_in_memory_names_no_run() -> None:
    sampler: Any = FunctionSampler(func=lambda X, y: (X, y))
    with pytest.raises(UsageError, match="names a place in memory"):
        Recipe(model="logistic", oversample=sampler)
