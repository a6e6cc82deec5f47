"""``hmnist runs show``: the summary of a run on one screen."""

import re
from dataclasses import replace

import pytest

from hmnist.cli import show
from hmnist.runs.manifest import Member
from hmnist.runs.run import Run
from tests.conftest import Command


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_summary_fits_any_width(
    width: int, run: Run, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    lines = command("runs", "show", run.folder).out.splitlines()
    assert lines[0] == str(run.folder)  # to be copied whole
    assert max(map(len, lines[1:])) <= width
    words = " ".join(" ".join(lines).split())
    assert run.manifest.split.proof in words
    assert re.search(r"log loss +\d\.\d+|log loss +\.\d+", words)


def test_members_and_parameters_of_an_ensemble_are_named(run: Run) -> None:
    parameters = {"members": ("a", "b"), "set": {"a": {}}}
    recipe = replace(run.manifest.recipe, model="ensemble", parameters=parameters)
    weights = {"a-run": 0.75, "b-run": 0.25}
    members = tuple(Member(run=name, digest="0" * 64, weight=weights[name]) for name in weights)
    split = replace(run.manifest.split, fold=1, folds=5)
    manifest = replace(
        run.manifest, model="ensemble", parameters={}, recipe=recipe, members=members, split=split
    )
    facts = dict(show._facts(manifest))
    assert ("members", ".750 a-run") in list(show._facts(manifest))
    assert facts["parameters"] == "set {'a': {}}"
    assert "fold 2 of 5" in facts["split"]
