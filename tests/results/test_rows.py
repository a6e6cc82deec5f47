from dataclasses import replace
from pathlib import Path

import pytest

from hmnist.dataset import LesionDataset
from hmnist.experiments.training import train_cell
from hmnist.results.rows import make_row, summarise_settings
from hmnist.runs.manifest import Member
from hmnist.runs.recipe import Recipe
from hmnist.runs.run import Run
from hmnist.splits.folds import split_folds


def test_one_run_has_no_spread(run: Run) -> None:
    row = make_row([run])
    assert all(summary.std is None for summary in row.scores.values())
    assert row.scores["accuracy"].mean == pytest.approx(run.scores["accuracy"])
    assert row.model_bytes == sum(path.stat().st_size for path in (run.folder / "model").iterdir())
    assert row.parameters == run.model.parameter_count
    assert not row.baseline


def test_folds_of_one_seed_give_the_spread(sample: LesionDataset, tmp_path: Path) -> None:
    runs = [
        train_cell(part, Recipe(model="majority", threads=1), tmp_path / f"fold{part.fold}")
        for part in split_folds(sample, 2)
    ]
    row = make_row(runs)
    values = [run.scores["accuracy"] for run in runs]
    assert row.scores["accuracy"].std == pytest.approx(abs(values[0] - values[1]) / 2**0.5)
    assert row.seeds == 1
    assert row.baseline


def test_the_settings_are_those_of_the_runs(run: Run) -> None:
    settings = summarise_settings([run, run])
    assert (settings.threads, settings.side_by_side) == (1, False)
    assert settings.devices == (run.manifest.device,)
    assert settings.devices[0].startswith("CPU (")
    assert settings.versions == run.manifest.versions


def test_models_that_were_trained_in_bfloat16_are_named(run: Run) -> None:
    def trained(model: str, precision: str) -> Run:
        recipe = replace(run.manifest.recipe, model=model, precision=precision)
        members = (Member(run="cnn-1", digest="0" * 64, weight=1.0),) if model == "ensemble" else ()
        manifest = replace(run.manifest, model=model, recipe=recipe, members=members)
        return replace(run, manifest=manifest)

    full, half = trained("cnn", "float32"), trained("cnn", "bfloat16")
    assert str(summarise_settings([full])).endswith(", 1 thread")
    # An ensemble has the precision of its members.
    settings = summarise_settings([full, half, half, trained("ensemble", "bfloat16")])
    assert settings.in_bfloat16 == ("cnn",)
    assert str(settings).endswith(", 1 thread; trained in bfloat16: cnn")
