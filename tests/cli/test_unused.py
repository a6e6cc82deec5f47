"""Options that change nothing are named before the work begins."""

from typing import Any

import pytest

from hmnist.cli.unused import find_unused
from tests.conftest import Command


@pytest.mark.parametrize(
    ("settings", "models", "unused"),
    [
        ({"sensitivity": 0.8}, ["cnn"], {"sensitivity": "it is for --decide sensitive"}),
        ({"sensitivity": 0.8, "decide": "sensitive"}, ["cnn"], {}),
        (
            {"oversample": "none", "rare": ["df"], "rare_to": 500},
            ["cnn"],
            {
                "rare": "--oversample none raises no chosen diagnoses",
                "rare_to": "--oversample none raises no diagnosis",
            },
        ),
        (
            {"oversample": "balanced", "rare": ["df"], "rare_to": 500},
            ["cnn"],
            {"rare": "--oversample balanced raises no chosen diagnoses"},
        ),
        ({"oversample": "none,weights", "rare": ["df"], "rare_to": 500}, ["cnn"], {}),
        ({"rare": ["df"], "rare_to": 500}, ["cnn"], {}),
        ({"pretrained": "/nope"}, ["cnn"], {"pretrained": "cnn does not take it"}),
        (
            {"pretrained": "imagenet", "features": "pixels"},
            ["cnn", "mlp"],
            {"pretrained": "none of the models takes it"},
        ),
        ({"pretrained": "imagenet"}, ["cnn", "vgg16"], {}),
        ({"pretrained": "none", "precision": "bfloat16"}, ["cnn"], {}),
        (
            {"oversample": "smote", "rare_to": 500, "decide": "sensitive", "sensitivity": 0.8},
            ["majority"],
            dict.fromkeys(
                ("oversample", "rare_to", "decide", "sensitivity"), "majority does not take it"
            ),
        ),
        ({"oversample": "random", "decide": "natural", "patients": "no"}, ["majority"], {}),
        ({"patients": "yes"}, ["majority"], {"patients": "majority does not take it"}),
        ({"patients": "yes"}, ["lenet"], {}),  # which refuses them
        (
            {"jobs": 4, "dask": "tcp://host:8786"},
            ["cnn"],
            {"jobs": "a cluster trains as many models at once as it has workers"},
        ),
        ({"jobs": 4}, ["cnn"], {}),
    ],
    ids=str,
)
def test_what_changes_nothing_is_found(
    settings: dict[str, Any], models: list[str], unused: dict[str, str]
) -> None:
    assert dict(find_unused(settings, models)) == unused


COMMANDS = {
    "train cnn": "--sensitivity 0.8",
    "benchmark": "--sensitivity 0.8",
    "tune cnn --oversample none": "--rare bcc,df",
    "audit": "--pretrained imagenet",
}


@pytest.mark.parametrize("words", COMMANDS)
def test_commands_say_so_before_data_are_read(words: str, command: Command) -> None:
    name, *others = words.split()
    unused = COMMANDS[words]
    data = [*others[:1], "nowhere.csv", *others[1:], *unused.split()]
    called = command(name, *data)
    assert called.code == 3
    first, second, *_ = called.err.splitlines()
    assert first.startswith("Not used, since ")
    assert first.endswith(f": {unused}")
    assert "nowhere.csv" in second
    assert "Not used" not in command(name, *data, "--quiet").err


@pytest.mark.parametrize("words", [["train", "cnn"], ["benchmark"], ["tune", "cnn"], ["audit"]])
def test_unknown_pretrained_weights_are_refused(words: list[str], command: Command) -> None:
    if words == ["audit"]:
        words = ["audit", "sample", "--systems", "lenet"]
    else:
        words = [*words, "nowhere.csv"]
    called = command(*words, "--pretrained", "imagnet")
    assert called.code == 2
    assert "no pretrained weights called 'imagnet'.\nDid you mean imagenet?" in called.err
