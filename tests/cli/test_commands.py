"""The command line as a whole: help, names, errors, exit codes."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from hmnist import __version__
from hmnist.runs.run import Run
from tests.conftest import Command

COMMANDS = [
    ["benchmark"],
    ["train"],
    ["tune"],
    ["evaluate"],
    ["compare"],
    ["audit"],
    ["predict"],
    ["export"],
    ["explain"],
    ["models"],
    ["report"],
    ["runs"],
    ["runs", "list"],
    ["runs", "show"],
    ["runs", "verify"],
    ["data"],
    ["data", "check"],
    ["data", "download"],
    ["data", "from-images"],
    ["data", "info"],
    ["data", "plot"],
    ["data", "sample"],
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_has_help(words: list[str], command: Command) -> None:
    called = command(*words, "--help")
    assert called.code == 0
    assert "Usage: hmnist" in called.out
    options = [line for line in called.out.splitlines() if line.strip().startswith("--")]
    assert all(len(line) <= 100 for line in options)


@pytest.mark.parametrize("group", ["data", "runs"])
def test_no_summary_of_a_command_is_cut_off(group: str, command: Command) -> None:
    _, summaries = command(group, "--help").out.split("Commands:")
    assert "..." not in summaries


def test_commands_offer_what_they_take(command: Command) -> None:
    names = ("train", "tune", "benchmark", "audit")
    helps = {name: " ".join(command(name, "--help").out.split()) for name in names}
    assert "--patients no|yes|both" in helps["benchmark"]
    assert "--oversample METHOD,…" in helps["benchmark"]
    for name in ("train", "tune"):
        assert "--patients no|yes " in helps[name]
        assert "--oversample METHOD " in helps[name]
    folders = {"train": "-MODEL", "tune": "-tune-MODEL", "benchmark": "", "audit": "-audit"}
    for name, suffix in folders.items():
        assert f"hmnist-runs/<time>{suffix}]" in helps[name].replace("- ", "-")
    assert {name for name, text in helps.items() if "embedded synthetic" in text} == {
        "train",
        "tune",
        "benchmark",
    }


def test_every_command_is_tried_here() -> None:
    from hmnist.cli.commands import app

    names = {command.name for command in app.registered_commands}
    groups = {
        (group.name, command.name)
        for group in app.registered_groups
        if group.typer_instance is not None
        for command in group.typer_instance.registered_commands
    }
    tried = {tuple(words) for words in COMMANDS}
    assert {(name,) for name in names} <= tried
    assert groups <= tried


def test_version(command: Command) -> None:
    assert command("--version").out == f"hmnist {__version__}\n"


def test_help_says_that_it_is_no_medical_device(command: Command) -> None:
    assert "not a medical device" in command("--help").out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["benchmrk"], 2, "benchmark"),
        (["benchmark", "sample", "--epochs", "3"], 2, "--epochs"),
        (["benchmark", "sample", "--models", "resnet"], 2, "no model called 'resnet'"),
        (["benchmark", "sample", "--seeds", "0"], 2, "seeds"),
        (["benchmark", "sample", "--seeds", "many"], 2, "seeds"),
        (["benchmark", "sample", "--format", "xml"], 2, "no format called 'xml'"),
        (["benchmark", "sample", "--split", "fair"], 2, "no split called 'fair'"),
        (["benchmark", "sample", "--split", "own"], 2, "no split of its own"),
        (["benchmark", "sample", "--metadata", "none", "--split", "lesion"], 2, "metadata"),
        (["benchmark", "sample", "--split", "lesion", "--split-file", "s.csv"], 2, "exclude"),
        (["benchmark", "sample", "--split-file", "s.csv"], 3, "s.csv"),
        (["benchmark", "sample", "--sort", "beauty"], 2, "no column called 'beauty'"),
        (["benchmark", "sample", "--folds", "1"], 2, "folds"),
        (["benchmark", "sample", "--modles", "cnn"], 2, "--models"),
        (["benchmark", "sample", "--models", ""], 2, "No model is named"),
        (["benchmark", "sample", "--models", ","], 2, "No model is named"),
        (["benchmark", "nowhere.csv", "--set", "epochs=3"], 2, "--set cnn.epochs=3"),
        (["train", "cnn", "nowhere.csv", "--set", "epoch=3"], 2, "Did you mean epochs?"),
        (["train", "cnn", "nowhere.csv", "--oversample", "none,smote"], 2, "not several"),
        (["benchmark", ""], 2, "empty name"),
        (["predict", "nowhere", "a.png", ""], 2, "empty name"),
        (["benchmark", "nowhere.csv"], 3, "nowhere.csv"),
        (["benchmark", "."], 3, "folder"),
        (["train", "resnet", "sample"], 2, "no model called 'resnet'"),
        (["train", "cnn,mlp", "x.csv"], 2, "cnn,mlp are 2 models; expected one."),
        (["tune", "cnn, mlp", "x.csv"], 2, "benchmark --models cnn,mlp"),
        (["benchmark", "x.csv", "--models", "cnn XGBoost"], 2, "commas: cnn,xgboost\n"),
        (["benchmark", "x.csv", "--models", "cnn resnet"], 2, "Choose cnn, mlp"),
        (["train"], 2, "MODEL"),
        (["train", "ensemble", "sample"], 2, "composed"),
        (["benchmark", "sample", "--models", "cnn,ensemble"], 2, "two models"),
        (["evaluate", "nowhere"], 3, "nowhere"),
        (["evaluate", "."], 2, "not a run folder"),
        (["evaluate", "."], 2, "Train one: hmnist train cnn DATA --out runs/cnn"),
        (["compare", "nowhere", "nothing"], 3, "nowhere"),
        (["predict", "nowhere", "x.png"], 3, "nowhere"),
        (["export"], 2, "RUN"),
        (["export", "nowhere"], 3, "nowhere"),
        (["export", "."], 2, "not a run folder"),
        (["export", ".", "--format", "tflite"], 2, "no format called 'tflite'"),
        (["runs", "verify", "."], 2, "not a run folder"),
        (
            ["benchmark", "sample", "--split", "published:alexnet"],
            2,
            "called 'published:alexnet'",
        ),
        (
            ["train", "lenet", "sample", "--split", "published:lenet", "--decide", "balanced"],
            2,
            "published:lenet resamples and decides",
        ),
        (
            [
                "train",
                "inception-resnet",
                "sample",
                "--split",
                "published:inception-resnet",
                "--metadata",
                "none",
            ],
            3,
            "HAM10000_metadata.csv",
        ),
        (["audit"], 3, "hmnist_28_28_RGB.csv"),
        (["audit", "sample", "--systems", "alexnet"], 2, "no published system called 'alexnet'"),
        (["audit", "sample", "--epochs", "few"], 2, "'few' are neither a number"),
        (["audit", "sample", "--epochs", "=3"], 2, "'=3' are neither a number"),
        (["audit", "sample", "--epochs", "cnn=3"], 2, "'cnn', which is not audited"),
        (["audit", "sample", "--format", "latex"], 2, "no format called 'latex'"),
        (["audit", "sample", "--metadata", "none"], 2, "lesions are unknown"),
        (["data", "info", "nowhere.csv"], 3, "nowhere.csv"),
        (["data", "sample"], 2, "--out"),
        (["data", "check"], 3, "hmnist_28_28_RGB.csv"),
        (["data", "check", "nowhere.csv"], 3, "nowhere.csv"),
        (["data", "check", "sample", "--split-file", "s.csv"], 3, "s.csv"),
        (["data", "check", "sample", "--format", "xml"], 2, "no format called 'xml'"),
        (["data", "from-images", "."], 2, "METADATA"),
        (["data", "from-images", ".", "m.csv"], 3, "m.csv does not exist"),
        (["data", "from-images", ".", "m.csv", "--size", "28"], 2, "'28' is not a size"),
        (["data", "from-images", ".", "m.csv", "--size", "0x9"], 2, "0×9"),
        (["data", "from-images", ".", "m.csv", "--mode", "HSV"], 2, "RGB, L"),
        (["data", "info"], 3, "hmnist_28_28_RGB.csv"),
        (["runs", "list", "nowhere"], 3, "nowhere"),
        (["benchmark", "sample", "--folds", "5", "--split", "image"], 2, "by lesion"),
        (["evaluate", ".", "--metadata", "none"], 2, "Name the data"),
        (["models", "cnn,mlp"], 2, "cnn,mlp are 2 names; expected one model."),
        (["models", "--format", "table,json"], 2, "expected one format.\nChoose one of table"),
        (["benchmark", "x.csv", "--format", "csv,json"], 2, "expected one format"),
        (["audit", "x.csv", "--format", "json,table"], 2, "expected one format"),
        (["benchmark", "x.csv", "--effort", "quick,best"], 2, "expected one effort"),
        (["data", "download", "kaggle,dermamnist"], 2, "expected one data set"),
        (["predict", "a", "b.png", "--out", "."], 2, ". is a folder; expected a file."),
        (["explain", "a", "b.png", "--out", "."], 2, ". is a folder; expected a file."),
        (["report", "a", "--out", "."], 2, ". is a folder; expected a file."),
        (["benchmark", "x.csv", "--models", "cnn,lenet", "--set", "lenet.side=40"], 2, "'side'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_mistake_gets_a_sentence_and_its_exit_code(
    words: list[str], code: int, said: str, command: Command, tmp_path: Path
) -> None:
    called = command(*words)
    assert called.code == code
    assert said in called.err
    assert "Traceback" not in called.err
    assert called.out == ""
    assert not any(tmp_path.iterdir())


def test_data_named_in_the_environment_must_exist(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HMNIST_DATA", "/no/such/file.csv")
    called = command("benchmark")
    assert called.code == 3
    assert "HMNIST_DATA" in called.err


def test_a_flag_beats_the_environment_beats_the_file(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert command("data", "sample", "--rows", "200", "--out", tmp_path / "pixels.csv").code == 0
    train = ["train", "logistic", tmp_path / "pixels.csv", "--features", "pixels"]

    def method(*words: str) -> str:
        out = tmp_path / f"run{len(list(tmp_path.iterdir()))}"
        called = command(*train, "--out", out, *words)
        assert called.code == 0, called.err
        manifest = json.loads((out / "manifest.json").read_text())
        return str(manifest["recipe"]["oversample"])

    assert method() == "random"
    (tmp_path / "hmnist.toml").write_text('oversample = "smote"\nthreads = 1\n')
    assert method() == "smote"
    monkeypatch.setenv("HMNIST_OVERSAMPLE", "augment")
    assert method() == "augment"
    assert method("--oversample", "none") == "none"


def test_a_wrong_setting_is_refused(command: Command, tmp_path: Path) -> None:
    (tmp_path / "hmnist.toml").write_text("epochs = 3\n")
    called = command("models")
    assert called.code == 2
    assert "epochs" in called.err
    (tmp_path / "hmnist.toml").write_text("seeds = = 3\n")
    assert command("models").code == 2


def test_models_are_listed_with_their_cost(command: Command) -> None:
    from hmnist.models.registry import MODELS

    listed = json.loads(command("models", "--format", "json").out)
    assert [entry["name"] for entry in listed] == list(MODELS)
    text = command("models").out
    assert all(name in text for name in MODELS)


def test_a_published_system_is_told_with_its_recipe_and_its_notes(command: Command) -> None:
    from hmnist.systems import SYSTEMS

    told = json.loads(command("models", "lenet", "--format", "json").out)
    assert told["source"]["claimed_accuracy"] == 0.7445
    assert told["source"]["claim_is_best_epoch"]
    lenet = SYSTEMS["lenet"]
    assert told["source"]["notes"] == [*lenet.notes, *lenet.protocol.notes]
    listed = told["source"]["hyperparameters"]
    assert {"name": "learning rate", "value": "0.001", "origin": "ours"} in listed
    text = command("models", "inception-resnet").out
    assert all(
        words in text for words in ("299×299 pixels", "mel 3", "SGD", "Different from the source: ")
    )
    assert re.search(r"^ ?steps of an epoch +908 +stated", text, re.MULTILINE)
    assert re.search(
        r"^ ?channels +blue, green, red +in its code", command("models", "lenet").out, re.MULTILINE
    )


def test_a_model_of_our_own_has_no_source(command: Command) -> None:
    assert json.loads(command("models", "cnn", "--format", "json").out)["source"] is None
    assert "epochs 32" in command("models", "cnn").out
    assert command("models", "resnet").code == 2


@pytest.mark.parametrize("model", ["cnn", "mlp", "xgboost", "logistic", "transfer", "vgg16"])
def test_the_parameters_that_may_be_set_are_listed_with_their_values(
    model: str, command: Command
) -> None:
    from hmnist.cli.parameters import read_parameters
    from hmnist.errors import UsageError
    from hmnist.models.registry import make_model

    [line] = [line for line in command("models", model).out.splitlines() if "parameters" in line]
    assignments = re.findall(r"(\w+=.+?)(?:, (?=\w+=)| *$)", line)
    values = read_parameters(assignments, [model], quiet=True)[model]
    standard = make_model(model).get_params()
    assert values == {name: standard[name] for name in values}
    with pytest.raises(UsageError) as caught:
        read_parameters(["nothing=1"], [model], quiet=True)
    assert set(values) == set(re.findall(r"\w+", caught.value.hint.split("parameters:")[1]))


def test_what_is_the_same_at_every_effort_is_said_once(command: Command) -> None:
    said = command("models", "ensemble").out
    assert "soft vote (weighted geometric mean)" in said
    assert said.count("0 s") == 1
    assert "parameters" not in said


@pytest.mark.parametrize(
    "words",
    [
        ["--effort", "QUICK", "--models", "Majority"],
        ["--models", "MAJORITY", "--split", "Lesion", "--rare", "DF"],
    ],
    ids=" ".join,
)
def test_names_are_taken_whatever_their_case(command: Command, words: list[str]) -> None:
    assert command("benchmark", "sample", *words, "--threads", "1", "--quiet").code == 0


def test_a_name_that_is_nearly_right_is_offered_before_data_are_read(command: Command) -> None:
    for words in (["--models", "cn"], ["--effort", "quik"], ["--decide", "balance"]):
        called = command("benchmark", "nowhere.csv", *words)
        assert called.code == 2
        assert "Did you mean" in called.err
        assert "nowhere.csv" not in called.err


def test_options_have_the_names_of_the_settings() -> None:
    from hmnist.cli.benchmark import OPTIONS
    from hmnist.cli.options import AUDIT_OPTIONS, RECIPE_OPTIONS
    from hmnist.runs.recipe import AuditSettings, Settings

    assert set(RECIPE_OPTIONS) == set(Settings.__annotations__)
    assert set(OPTIONS) == set(RECIPE_OPTIONS)
    assert set(AUDIT_OPTIONS) == set(AuditSettings.__annotations__)


def test_help_names_every_choice(command: Command) -> None:
    from hmnist.decisions.decision import KINDS
    from hmnist.models.registry import EFFORTS, FEATURES
    from hmnist.oversampling.methods import METHODS
    from hmnist.results.table import FORMATS

    help_text = command("benchmark", "--help").out
    for names in (KINDS, EFFORTS, FEATURES, METHODS, FORMATS):
        assert all(name in help_text for name in names)


def test_a_bare_number_of_epochs_is_for_all_audited_systems(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, object] = {}

    def audit(*_: object, **options: object) -> None:
        given.update(options)
        raise KeyboardInterrupt

    monkeypatch.setattr("hmnist.results.audit.audit", audit)
    words = ["audit", "sample", "--systems", "small-cnn,lenet", "--epochs", "2,small-cnn=1"]
    assert command(*words).code == 130
    assert given["epochs"] == {"small-cnn": 1, "lenet": 2}


@pytest.mark.skipif(sys.platform != "linux", reason="there is no /dev/full")
def test_a_stdout_that_is_full_is_a_failure_not_a_traceback(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        called = subprocess.run(
            [sys.executable, "-c", "from hmnist.cli import main; main()", "models"],
            cwd=tmp_path,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert called.returncode == 1
    assert "No space left on device" in called.stderr
    assert "Traceback" not in called.stderr


def test_a_closed_stdout_is_no_failure(
    command: Command, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout", None)
    assert command("predict", run.folder, "sample").code == 0


def test_a_misspelt_variable_is_named(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HMNIST_SEDES", "3")
    called = command("models")
    assert called.code == 0
    assert "HMNIST_SEDES is not an option. Did you mean HMNIST_SEEDS" in called.err


def test_epochs_that_are_given_twice_are_refused(command: Command) -> None:
    for epochs in ("3,4", "lenet=3,LeNet=5"):
        called = command("audit", "sample", "--systems", "lenet", "--epochs", epochs)
        assert called.code == 2
        assert "are given twice" in called.err


def test_parameters_of_a_backbone_are_offered_where_there_is_one(command: Command) -> None:
    for system, offered in (("lenet", False), ("mobilenet", True)):
        assert ("side=null" in command("models", system).out) == offered
