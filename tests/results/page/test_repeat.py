"""The command on a page trains the same models again."""

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hmnist
from hmnist.cli.parameters import read_parameters
from hmnist.dataset import LesionDataset
from hmnist.experiments.grid import plan_benchmark
from hmnist.experiments.train import train
from hmnist.results.audit_table import Audit
from hmnist.results.benchmark_folder import open_benchmark
from hmnist.results.page.repeat import audit_facts, benchmark_facts, run_facts
from hmnist.runs.manifest import Manifest
from hmnist.runs.run import Run
from hmnist.splits.folds import split_folds
from tests.results.examples import as_ensemble, audit_row, data_facts, split_facts, table_settings


def options_of(command: str) -> dict[str, str]:
    words = shlex.split(command)
    first = next(number for number, word in enumerate(words) if word.startswith("--"))
    return dict(zip(words[first::2], words[first + 1 :: 2], strict=True))


def test_the_command_of_a_benchmark_plans_the_same_cells(
    folder: Path, named: LesionDataset
) -> None:
    opened = open_benchmark(folder)
    manifests = [run.manifest for runs in opened.runs for run in runs]
    facts = dict(benchmark_facts(opened.table.data, manifests))
    assert facts["Command"].startswith("hmnist benchmark sample --models logistic ")
    options = options_of(facts["Command"])
    assert options["--patients"] == "both"
    cells = plan_benchmark(
        named,
        options["--models"],
        folder,
        folds=int(options["--folds"]),
        seeds=int(options["--seeds"]),
        seed=int(options["--seed"]),
        threads=int(options["--threads"]),
        effort=options["--effort"],
        features=options["--features"],
        oversample=options["--oversample"],
        patients=options["--patients"],
        sensitivity=float(options["--sensitivity"]),
    )
    assert {cell.folder for cell in cells} == {run.folder for runs in opened.runs for run in runs}
    assert facts["SHA-256 of pixels, labels and lesions"] == named.digest
    assert facts["Seeds"] == "0, 1"
    assert f"hmnist {manifests[0].versions['hmnist']}" in facts["Versions"]


def test_the_command_of_a_run_names_its_settings(run: Run) -> None:
    command = dict(run_facts(run.manifest))["Command"]
    expected = (
        "hmnist train logistic sample --split lesion --effort quick --seed 0 --threads 1 "
        "--device cpu --features pixels --oversample random"
    )
    assert command == expected


def test_a_run_of_another_seed_than_its_split_is_repeated_by_its_benchmark(run: Run) -> None:
    manifest = replace(run.manifest, recipe=replace(run.manifest.recipe, seed=2))
    command = dict(run_facts(manifest))["Command"]
    assert command.startswith("hmnist benchmark sample --models logistic --split lesion ")
    options = options_of(command)
    assert (options["--seed"], options["--seeds"]) == ("0", "3")


def test_a_run_of_a_smaller_seed_than_its_split_is_repeated_in_python(
    run: Run, sample: LesionDataset, tmp_path: Path
) -> None:
    parts = split_folds(sample, 2, seed=5)[1]
    options: dict[str, Any] = {"features": "pixels", "effort": "quick", "threads": 1}
    parameters = {"max_iter": 3}
    trained = train(
        sample,
        "logistic",
        split=parts,
        seed=2,
        parameters=parameters,
        out=tmp_path / "run",
        **options,
    )
    facts = dict(run_facts(trained.manifest))
    assert "Command" not in facts
    names = {"hmnist": hmnist, "data": sample}
    folder = tmp_path / "again"
    again = eval(facts["Python"][:-1] + f", out={str(folder)!r})", names)
    assert again.manifest.key == trained.manifest.key


def test_a_benchmark_of_a_smaller_seed_than_its_split_is_repeated_in_python(
    sample: LesionDataset, tmp_path: Path
) -> None:
    folders, names = (tmp_path / "first", tmp_path / "again"), {"hmnist": hmnist, "data": sample}
    options: dict[str, Any] = {"features": "pixels", "effort": "quick", "threads": 1, "seeds": 2}
    hmnist.benchmark(
        sample,
        ["logistic"],
        split=hmnist.split(sample, seed=5),
        parameters={"logistic": {"max_iter": 3}},
        out=folders[0],
        **options,
    )
    opened = open_benchmark(folders[0])
    manifests = [run.manifest for runs in opened.runs for run in runs]
    facts = dict(benchmark_facts(opened.table.data, manifests))
    assert "Command" not in facts
    eval(facts["Python"][:-1] + f", out={str(folders[1])!r})", names)
    first, again = ({path.name for path in hmnist.find_runs(folder)} for folder in folders)
    assert first == again


def test_a_split_that_was_made_by_hand_is_called_so(sample: LesionDataset, tmp_path: Path) -> None:
    rows = np.arange(len(sample))
    parts = hmnist.Split(sample, "mine", rows[:300], rows[300:340], rows[340:])
    run = train(sample, "majority", split=parts, threads=1, out=tmp_path / "run")
    facts = dict(run_facts(run.manifest))
    assert "Command" not in facts
    assert facts["Split"] == "mine, made by hand"
    names = {"hmnist": hmnist, "data": sample, "split": parts}
    again = eval(facts["Python"][:-1] + f", out={str(tmp_path / 'again')!r})", names)
    assert again.manifest.key == run.manifest.key


def test_a_benchmark_of_one_fold_is_called_so(sample: LesionDataset, tmp_path: Path) -> None:
    parts, folder = split_folds(sample, 3)[2], tmp_path / "bench"
    table = hmnist.benchmark(sample, ["majority"], split=parts, threads=1, out=folder)
    notes = " ".join(table.notes())
    assert "by lesion, fold 3 of 3, seed 0" in notes
    assert "folds" not in notes
    manifests = [run.manifest for runs in open_benchmark(folder).runs for run in runs]
    facts = dict(benchmark_facts(table.data, manifests))
    assert (facts["Fold"], facts["SHA-256 of the split"]) == ("3 of 3", parts.digest)
    assert "split=hmnist.split_folds(data, 3, seed=0)[2]" in facts["Python"]


def with_parameters(run: Run, model: str, **parameters: Any) -> Manifest:
    recipe = replace(run.manifest.recipe, model=model, parameters=parameters)
    return replace(run.manifest, model=model, recipe=recipe)


def ensemble_with(run: Run, **parameters: Any) -> Manifest:
    manifest = as_ensemble(run, {"mlp-run": 1.0}).manifest
    return replace(manifest, recipe=replace(manifest.recipe, parameters=parameters))


def parameters_in(command: str, models: list[str]) -> dict[str, dict[str, Any]]:
    """Return the parameters that a command sets, as the command line reads them."""
    words = shlex.split(command)
    given = [words[number + 1] for number, word in enumerate(words) if word == "--set"]
    return read_parameters(given, models, quiet=True)


def test_the_command_of_a_run_sets_its_parameters(run: Run) -> None:
    manifest = with_parameters(run, "mlp", widths=[32, 64], dropout=0.25)
    command = dict(run_facts(manifest))["Command"]
    assert command.startswith("hmnist train mlp sample ")
    assert parameters_in(command, ["mlp"]) == {"mlp": {"widths": (32, 64), "dropout": 0.25}}


def test_the_command_of_a_benchmark_sets_parameters_once_and_names_no_members(run: Run) -> None:
    own: dict[str, dict[str, Any]] = {"mlp": {"epochs": 2}, "logistic": {"penalty": 0.5}}
    manifests = [
        with_parameters(run, "mlp", **own["mlp"]),
        with_parameters(run, "logistic", **own["logistic"]),
        ensemble_with(run, members=["mlp", "logistic"], set=own),
        with_parameters(run, "majority"),
    ]
    command = dict(benchmark_facts(data_facts(), manifests))["Command"]
    assert options_of(command)["--models"] == "mlp,logistic,ensemble"
    assert parameters_in(command, ["mlp", "logistic", "ensemble"]) == own
    assert command.count("--set ") == 2
    assert "members" not in command


def test_the_command_of_an_ensemble_sets_the_parameters_of_its_members(run: Run) -> None:
    own = {"mlp": {"epochs": 2}}
    manifest = ensemble_with(run, members=["mlp", "logistic"], set=own)
    command = dict(run_facts(manifest))["Command"]
    assert command.startswith("hmnist benchmark ")
    assert parameters_in(command, ["mlp", "logistic", "ensemble"]) == own


@pytest.mark.parametrize(
    ("kind", "published", "words"),
    [
        ("image", False, "--split image"),
        ("my split.csv", False, "--split-file 'my split.csv'"),
        ("./lesion", False, "--split-file ./lesion"),
        ("published:lenet", True, "--split published:lenet"),
    ],
)
def test_the_split_is_named_as_it_is_asked_for(
    kind: str, published: bool, words: str, run: Run
) -> None:
    split = replace(run.manifest.split, kind=kind, published=published)
    command = dict(run_facts(replace(run.manifest, split=split)))["Command"]
    assert f" {words} " in command
    assert ("--oversample" in command) != published  # a protocol resamples by itself


def test_a_fold_is_repeated_by_its_benchmark(folder: Path) -> None:
    fold = open_benchmark(folder).runs[1][1].manifest
    facts = dict(run_facts(fold))
    assert facts["Command"].startswith("hmnist benchmark sample --models logistic --folds 2")
    assert facts["Fold"] == f"{(fold.split.fold or 0) + 1} of 2"


def test_a_run_of_an_audit_is_repeated_by_the_audit_of_its_system(run: Run) -> None:
    split = replace(run.manifest.split, kind="audit:lenet, shared lesions", published=True, seed=4)
    recipe = replace(run.manifest.recipe, seed=6, parameters={"epochs": 3, "restore_best": True})
    parameters = {"features": "pixels", "epochs": 3}
    manifest = replace(run.manifest, split=split, recipe=recipe, parameters=parameters)
    command = dict(run_facts(manifest))["Command"]
    assert command.startswith("hmnist audit sample --systems lenet --effort quick --seed 4 ")
    assert "--set" not in command  # an audit has no such option
    assert command.endswith(" --seeds 3 --epochs 3")


def test_the_command_of_an_audit_names_epochs_and_settings() -> None:
    audit = Audit(
        data=data_facts(),
        settings=table_settings(),
        rows=(
            audit_row("lenet", epochs=3, seeds=2, split=split_facts(seed=7)),
            audit_row("vgg16", epochs=1, seeds=2, pretrained="imagenet (SHA-256 0123456789ab)"),
        ),
    )
    facts = dict(audit_facts(audit))
    assert facts["SHA-256 of the split of vgg16"] == audit.rows[1].split.digest
    assert facts["Command"] == (
        "hmnist audit file_28.csv --systems lenet,vgg16 --epochs lenet=3,vgg16=1 "
        "--pretrained imagenet --seed 7 --threads 2 --device cpu --seeds 2"
    )
    settings = replace(audit.settings, in_bfloat16=("lenet",), devices=("GPU (H100)",))
    command = dict(audit_facts(replace(audit, settings=settings)))["Command"]
    assert options_of(command)["--precision"] == "bfloat16"
    assert options_of(command)["--device"] == "gpu"
