"""The published systems: layers, counts of parameters, recipes, claims, discovery."""

import inspect
import json
import pickle
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hmnist.diagnoses import CODES
from hmnist.errors import UsageError
from hmnist.models.keras_setup import load_keras
from hmnist.models.registry import MODELS
from hmnist.results.audit import audit
from hmnist.systems import AUDITED, SYSTEMS, discover, find_system
from hmnist.systems.system import Plateau, System

VARIANTS = {"oversample-first": "lenet"}

FROM_PIXELS = [
    name for name, system in SYSTEMS.items() if system.backbone is None and not system.variant_of
]

every_system = pytest.mark.parametrize("system", SYSTEMS.values(), ids=SYSTEMS)


def build(name: str, *shape: int) -> Any:
    load_keras()
    height, width, channels = shape
    return SYSTEMS[name].build((height, width, channels), 7)


def shapes(network: Any) -> list[tuple[str, tuple[int, ...]]]:
    """Return kind and output of the layers that have weights, pool, resize or flatten."""
    telling = {"Conv2D", "MaxPooling2D", "BatchNormalization", "Flatten", "Dense", "Resizing"}
    return [
        (type(layer).__name__, layer.output.shape[1:])
        for layer in network.layers
        if type(layer).__name__ in telling
    ]


def count(network: Any) -> tuple[int, int]:
    """Return the numbers of trainable and of other weights."""
    trainable = sum(int(np.prod(weight.shape)) for weight in network.trainable_weights)
    return trainable, sum(weight.size for weight in network.get_weights()) - trainable


def convolved(width: int, height: int, *, side: int, filters: int) -> list[Any]:
    """Return what a convolution without padding and a pooling make of a size."""
    inner = (height - side + 1, width - side + 1)
    return [
        ("Conv2D", (*inner, filters)),
        ("MaxPooling2D", (inner[0] // 2, inner[1] // 2, filters)),
    ]


# Layers.


def test_lenet_has_its_layers() -> None:
    network = build("lenet", 28, 28, 3)
    assert shapes(network) == [
        *convolved(28, 28, side=3, filters=32),
        *convolved(13, 13, side=3, filters=64),
        *convolved(5, 5, side=3, filters=128),
        ("Flatten", (128,)),
        ("Dense", (512,)),
        ("Dense", (7,)),
    ]
    assert count(network) == (162_887, 0)
    assert network.layers[-2].activation.__name__ == "sigmoid"


def test_deep_cnn_has_its_layers() -> None:
    network = build("deep-cnn", 75, 100, 3)
    assert shapes(network) == [
        *convolved(100, 75, side=3, filters=256),
        *convolved(49, 36, side=3, filters=128),
        *convolved(23, 17, side=3, filters=64),
        ("Flatten", (4480,)),
        *[("Dense", (units,)) for units in (64, 128, 7)],
    ]
    assert count(network) == (672_007, 0)


def test_deep_cnn_bn_is_normalised_behind_poolings_and_hidden_dense_layers() -> None:
    network = build("deep-cnn-bn", 75, 100, 3)
    kinds = [kind for kind, _ in shapes(network)]
    for kind, follower in pairwise(kinds[:-1]):
        normalised = kind in {"MaxPooling2D", "Dense"}
        assert (follower == "BatchNormalization") == normalised
    assert kinds[-1] == "Dense"
    features = 256 + 128 + 64 + 64 + 128
    assert count(network) == (672_007 + 2 * features, 2 * features)


def test_small_cnn_has_its_layers() -> None:
    network = build("small-cnn", 32, 32, 3)
    assert shapes(network) == [
        *convolved(32, 32, side=3, filters=256),
        *convolved(15, 15, side=3, filters=128),
        *convolved(6, 6, side=3, filters=64),
        ("Flatten", (256,)),
        ("Dense", (32,)),
        ("Dense", (7,)),
    ]
    convolutions = (27 * 256 + 256) + (9 * 256 * 128 + 128) + (9 * 128 * 64 + 64)
    assert count(network) == (convolutions + (256 * 32 + 32) + (32 * 7 + 7), 0)
    assert network.layers[-2].activation.__name__ == "linear"


def test_pixel_mlp_reads_each_pixel_alike() -> None:
    network = build("pixel-mlp", 32, 32, 3)
    assert shapes(network) == [
        *[("Dense", (32, 32, units)) for units in (256, 128, 64)],
        ("Flatten", (65_536,)),
        ("Dense", (32,)),
        ("Dense", (7,)),
    ]
    assert network.layers[-2].activation.__name__ == "relu"
    pixelwise = (3 * 256 + 256) + (256 * 128 + 128) + (128 * 64 + 64)
    assert count(network) == (pixelwise + (65_536 * 32 + 32) + (32 * 7 + 7), 0)


def test_skin_pamper_has_its_layers() -> None:
    network = build("skin-pamper", 28, 28, 3)
    normalised = "BatchNormalization"
    assert shapes(network) == [
        *convolved(28, 28, side=2, filters=64),
        (normalised, (13, 13, 64)),
        *convolved(13, 13, side=2, filters=512),
        (normalised, (6, 6, 512)),
        *convolved(6, 6, side=2, filters=1024),
        (normalised, (2, 2, 1024)),
        ("Flatten", (4096,)),
        *[("Dense", (units,)) for units in (256, 256, 512, 512, 1024)],
        (normalised, (1024,)),
        ("Dense", (64,)),
        ("Dense", (7,)),
    ]
    assert count(network) == (4_336_071, 5_248)
    assert network.count_params() == 4_341_319


@pytest.mark.parametrize(
    ("name", "shape", "kinds", "inputs"),
    [
        ("vgg16", (4, 4, 512), ["Flatten", "Dense"], 4 * 4 * 512),
        ("mobilenet", (4, 4, 1024), ["GlobalAveragePooling2D", "Dropout", "Dense"], 1024),
        ("inception-resnet", (8, 8, 192), ["Dropout", "Flatten", "Dense"], 8 * 8 * 192),
    ],
)
def test_transfer_systems_have_a_head(
    name: str, shape: tuple[int, int, int], kinds: list[str], inputs: int
) -> None:
    network = build(name, *shape)
    assert [type(layer).__name__ for layer in network.layers[1:]] == kinds
    assert count(network) == (inputs * 7 + 7, 0)
    assert all(layer.rate == 0.25 for layer in network.layers if hasattr(layer, "rate"))


@pytest.mark.parametrize("name", FROM_PIXELS)
def test_the_last_layer_gives_logits(name: str) -> None:
    assert build(name, 28, 28, 3).layers[-1].activation.__name__ == "linear"


@pytest.mark.parametrize("name", FROM_PIXELS)
@pytest.mark.parametrize("channels", [1, 3])
def test_images_of_other_sizes_are_resized_inside(name: str, channels: int) -> None:
    system = SYSTEMS[name]
    resized = [kind for kind, _ in shapes(build(name, *system.size, channels))]
    assert "Resizing" not in resized
    first, *_ = shapes(build(name, 28, 30, channels))
    assert (first == ("Resizing", (*system.size, channels))) == system.resizes


def test_resizing_is_bilinear() -> None:
    network = build("small-cnn", 28, 28, 3)
    image = np.random.default_rng(2).integers(0, 256, (1, 28, 28, 3)).astype(np.float32)
    resized = np.asarray(network.layers[1](image))[0]
    # Centres of pixels: the fourteenth of 32 lies at (13 + .5) · 28/32 − .5 = 11.3125 of 28.
    part = 0.3125
    rows = image[0, 11] * (1 - part) + image[0, 12] * part
    expected = rows[11] * (1 - part) + rows[12] * part
    np.testing.assert_allclose(resized[13, 13], expected, rtol=1e-4)


@pytest.mark.parametrize(("name", "least"), [("lenet", 22), ("skin-pamper", 15)])
def test_images_that_are_too_small_are_refused(name: str, least: int) -> None:
    assert build(name, least, least, 1).output.shape == (None, 7)
    system = SYSTEMS[name]
    system.check_size(least, 30)
    with pytest.raises(UsageError, match=f"{least - 1}×30 pixels are too small") as caught:
        system.check_size(least - 1, 30)
    assert f"{least}×{least} at least" in caught.value.message
    assert "small-cnn" in caught.value.hint
    SYSTEMS["vgg16"].check_size(8, 8)  # it resizes them


# Recipes, notes and claims.


@every_system
def test_every_choice_says_whose_it_is(system: System) -> None:
    assert any(note.startswith("Ours: ") for note in system.notes)
    for note in (*system.notes, *system.protocol.notes):
        assert re.match(r"(Ours|Different from the source): .*\.$", note)
    assert set(system.training.class_weights) <= set(CODES)
    assert system.training.epochs > 0


def test_recipes_are_those_of_the_sources() -> None:
    recipes = {
        name: (system.training.optimizer, system.training.batch_size, system.training.epochs)
        for name, system in SYSTEMS.items()
    }
    assert recipes["lenet"] == ("RMSprop", 128, 20)
    assert recipes["small-cnn"] == recipes["pixel-mlp"] == ("Adam", 32, 50)
    assert recipes["inception-resnet"] == ("SGD", 10, 25)
    assert SYSTEMS["small-cnn"].training.learning_rate == 1e-3
    training = SYSTEMS["inception-resnet"].training
    assert training.class_weights == {"mel": 3.0}
    assert training.plateau is not None
    assert training.plateau == Plateau(factor=0.5, patience=2, floor=1e-5)
    assert (training.steps_per_epoch, training.images_per_epoch(50_000)) == (908, 9080)
    training = SYSTEMS["skin-pamper"].training
    assert (training.epochs, training.steps_per_epoch) == (25, 110)
    assert SYSTEMS["lenet"].training.images_per_epoch(50_000) == 50_000


@every_system
def test_a_recipe_is_of_json_types(system: System) -> None:
    recipe = system.recipe()
    assert json.loads(json.dumps(recipe)) == recipe
    assert recipe["optimizer"] == system.training.optimizer
    # What changes no training is not in it: it would change the keys of runs.
    assert replace(system, name="other", summary="", notes=()).recipe() == recipe
    assert replace(system, training=replace(system.training, epochs=99)).recipe() != recipe


@every_system
def test_a_system_travels_to_other_processes(system: System) -> None:
    assert pickle.loads(pickle.dumps(system)) == system


def test_transfer_systems_are_scaled_as_their_sources_say() -> None:
    assert {name: system.scaling for name, system in SYSTEMS.items() if system.backbone} == {
        "vgg16": "1/255",
        "mobilenet": "keras.applications.mobilenet",
        "inception-resnet": "keras.applications.inception_resnet_v2",
    }
    assert all(system.scaling == "1/255" for system in SYSTEMS.values() if not system.backbone)


def test_lenet_reads_blue_first() -> None:
    network = build("lenet", 28, 28, 3)
    image = np.random.default_rng(3).integers(0, 256, (1, 28, 28, 3)).astype(np.float32)
    first = next(layer for layer in network.layers if type(layer).__name__ == "Conv2D")
    read = load_keras().Model(network.input, first.input)(image)
    np.testing.assert_allclose(np.asarray(read), image[..., [2, 1, 0]] / 255, rtol=1e-6)
    assert build("lenet", 28, 28, 1).output.shape == (None, 7)


@every_system
def test_every_hyperparameter_has_a_value_and_an_origin(system: System) -> None:
    listed = system.hyperparameters()
    assert all(each.value for each in listed)
    assert {each.origin for each in listed} <= {"stated", "in its code", "ours"}
    names = [each.name for each in listed]
    assert len(set(names)) == len(names)
    assert set(system.origins) <= set(names)
    assert "ours" not in system.origins.values()
    for name in system.recipe():
        assert name in {"resizes", "plateau", "steps_per_epoch"} or name.replace("_", " ") in names
    always = {"resizing", "learning rate falls", "steps of an epoch", "loss", "epoch that is kept"}
    assert always | {"protocol"} <= set(names)


def test_origins_are_those_of_the_sources() -> None:
    origins = {
        name: {each.name: each.origin for each in system.hyperparameters()}
        for name, system in SYSTEMS.items()
    }
    assert origins["lenet"]["protocol"] == origins["lenet"]["channels"] == "in its code"
    assert origins["lenet"]["learning rate"] == "ours"
    for name in ("small-cnn", "pixel-mlp", "vgg16"):
        assert origins[name]["scaling"] == origins[name]["epochs"] == "stated"
    assert origins["vgg16"]["optimizer"] == "ours"
    assert origins["inception-resnet"]["learning rate falls"] == "stated"
    assert origins["skin-pamper"]["steps of an epoch"] == "stated"
    assert origins["skin-pamper"]["protocol"] == "ours"
    assert origins["skin-pamper"]["batch normalisation"] == "stated"
    assert origins["skin-pamper"]["dropout rate"] == "ours"
    assert {name for name in origins if "momentum" in origins[name]} == {
        *("lenet", "oversample-first", "inception-resnet"),
    }
    # A protocol of no publication is ours, whatever network it trains.
    assert origins["oversample-first"]["protocol"] == "ours"


@every_system
def test_every_system_has_a_claim(system: System) -> None:
    assert MODELS[system.model].system is not None
    assert system.claim.published or system.claim.note
    assert system.claim.better_than in {"", *SYSTEMS}


def test_claims_are_accuracies_as_they_were_published() -> None:
    published = {
        name: system.claim.published for name, system in SYSTEMS.items() if system.claim.published
    }
    assert published == {
        "lenet": ".7445",
        "small-cnn": ".7520",
        "pixel-mlp": ".7057",
        "vgg16": ".7229",
        "inception-resnet": ".89",
    }
    assert [name for name, system in SYSTEMS.items() if system.claim.best_epoch] == ["lenet"]
    assert SYSTEMS["small-cnn"].claim.accuracy == 0.752
    assert SYSTEMS["skin-pamper"].claim.accuracy is None


def test_what_was_trained_as_its_source_did_is_audited_by_default() -> None:
    assert set(AUDITED) == {"lenet", "small-cnn", "pixel-mlp", "skin-pamper", "oversample-first"}
    assert inspect.signature(audit).parameters["systems"].default == AUDITED


# Discovery.


def test_systems_come_by_their_cost_and_variants_last() -> None:
    own = [system for system in SYSTEMS.values() if not system.variant_of]
    assert [system.seconds for system in own] == sorted(system.seconds for system in own)
    assert list(SYSTEMS)[len(own) :] == list(VARIANTS)
    assert {name: SYSTEMS[name].variant_of for name in VARIANTS} == VARIANTS
    assert all(SYSTEMS[name].name == name for name in SYSTEMS)
    assert {SYSTEMS[name].model for name in VARIANTS} == {"lenet"}


def test_an_unknown_system_is_refused() -> None:
    assert find_system("lenet") is SYSTEMS["lenet"]
    with pytest.raises(UsageError, match="no published system called 'lennet'") as caught:
        find_system("lennet")
    assert "Did you mean lenet" in caught.value.hint


LENET = "from dataclasses import replace\nfrom hmnist.systems.lenet import SYSTEM as lenet\n"


def write_package(folder: Path, **modules: str) -> str:
    """Write a package of these modules, and return its name."""
    package = folder / f"systems_of_{folder.name}"
    package.mkdir()
    (package / "__init__.py").touch()
    for name, text in modules.items():
        (package / f"{name}.py").write_text(text, encoding="utf-8")
    return package.name


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_a_system_is_a_module_that_defines_it(folder: Path) -> None:
    package = write_package(
        folder,
        slow=f"{LENET}SYSTEM = replace(lenet, name='slow', seconds_per_epoch=99)",
        quick=f"{LENET}SYSTEM = replace(lenet, name='quick')",
        layers="SHARED = 1",
        a_variant=f"{LENET}SYSTEM = replace(lenet, name='variant', variant_of='slow')",
    )
    assert list(discover(package)) == ["quick", "slow", "variant"]


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ("name='first'", "same name"),
        ("name='variant', variant_of='third'", "variant of third, which does not exist"),
    ],
)
def test_mistakes_of_systems_are_refused(folder: Path, second: str, message: str) -> None:
    package = write_package(
        folder,
        first=f"{LENET}SYSTEM = replace(lenet, name='first')",
        second=f"{LENET}SYSTEM = replace(lenet, {second})",
    )
    with pytest.raises(ValueError, match=message):
        discover(package)
