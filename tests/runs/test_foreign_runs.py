"""Run folders from elsewhere: what is wrong with them is said, and nothing else happens."""

import contextlib
import json
import os
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hmnist.dataset import LesionDataset
from hmnist.errors import HmnistError, SampleWarning, TrustError
from hmnist.files import hash_file
from hmnist.results.compared_runs import compare_runs
from hmnist.results.rows import make_row
from hmnist.runs.manifest import MANIFEST
from hmnist.runs.run import Run, open_run
from hmnist.runs.verification import verify_run

ODD: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    7,
    10**9,
    10**30,
    0.5,
    1e300,
    "",
    "x",
    "../x",
    "a\x1b[2J",
    "n" * 5000,
    [],
    [1, 2],
    ["df", ["df"]],
    {},
    {"members": [[1]]},
    {"a": {"b": {"c": {}}}},
)
"""What may stand where something else belongs."""


def read(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / MANIFEST).read_text(encoding="utf-8")))


def write(folder: Path, facts: Any) -> None:
    (folder / MANIFEST).write_text(json.dumps(facts), encoding="utf-8")


def describe_again(folder: Path, name: str) -> None:
    """Make size and digest of a changed file right again."""
    facts, path = read(folder), folder / name
    facts["files"][name] = {"bytes": path.stat().st_size, "sha256": hash_file(path)}
    write(folder, facts)


def places(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to every entry."""
    entries = value.items() if isinstance(value, dict) else enumerate(value)
    for key, entry in entries:
        yield (*above, key)
        if isinstance(entry, dict | list):
            yield from places(entry, (*above, key))


def use(folder: Path, images: np.ndarray) -> None:
    """Do with a run what commands do."""
    opened = open_run(folder)
    repr(opened)
    opened._repr_html_()
    verify_run(opened)
    make_row([opened])
    compare_runs([opened, opened])
    opened.find_seen(LesionDataset(images, np.zeros(len(images), np.int64)))
    synthetic = opened.manifest.data.synthetic
    with pytest.warns(SampleWarning) if synthetic else contextlib.nullcontext():
        probabilities = opened.predict_proba(images)
    assert np.isfinite(probabilities).all()


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_changed_manifest_is_refused_or_right(
    copy: Path, run: Run, sample: LesionDataset, data: st.DataObject
) -> None:
    facts = deepcopy(read(run.folder))
    for _ in range(data.draw(st.integers(1, 2))):
        *above, last = data.draw(st.sampled_from(list(places(facts))))
        parent = facts
        for key in above:
            parent = parent[key]
        if data.draw(st.booleans()):
            parent[last] = deepcopy(data.draw(st.sampled_from(ODD)))
        else:
            del parent[last]
        if not facts:
            break
    write(copy, facts)
    said = ""
    try:
        use(copy, sample.images[:3])
    except HmnistError as error:
        said = str(error)
    assert len(said) < 1000
    assert "\x1b" not in said


@pytest.mark.parametrize("content", ["[" * 5000 + "]" * 5000, "1e999", "[[[[" * 8 + "]]]]" * 8])
def test_a_deep_manifest_is_refused(copy: Path, content: str) -> None:
    facts = json.dumps({**read(copy), "system": "HERE"}).replace('"HERE"', content)
    (copy / MANIFEST).write_text(facts, encoding="utf-8")
    with pytest.raises(TrustError, match="damaged"):
        open_run(copy)


def test_parameters_too_large_for_any_memory_are_refused(copy: Path) -> None:
    facts = read(copy)
    facts["parameters"]["max_iter"] = 10**9
    write(copy, facts)
    with pytest.raises(TrustError, match="max_iter"):
        open_run(copy)


@pytest.mark.parametrize(
    ("name", "value"), [("max_iter", "many"), ("penalty", [1, 2]), ("depth", 3)]
)
def test_parameters_of_another_kind_are_refused(copy: Path, name: str, value: Any) -> None:
    facts = read(copy)
    facts["parameters"][name] = value
    write(copy, facts)
    with pytest.raises(TrustError, match="logistic does not have"):
        _ = open_run(copy).model


@pytest.mark.parametrize("name", ["predictions.csv", "report.json", "seen.npz", "model/model.json"])
def test_a_run_lists_the_files_that_it_needs(copy: Path, name: str) -> None:
    facts = read(copy)
    del facts["files"][name]
    write(copy, facts)
    with pytest.raises(TrustError, match=f"does not list {name}"):
        open_run(copy)


@pytest.mark.parametrize("size", [0, 10**11])
def test_the_size_of_a_file_is_the_one_that_is_listed(copy: Path, size: int) -> None:
    facts = read(copy)
    facts["files"]["model/model.json"]["bytes"] = size
    write(copy, facts)
    with pytest.raises(TrustError, match=r"model/model\.json is not what was written"):
        open_run(copy)


def test_files_that_are_not_listed_are_not_read(copy: Path) -> None:
    (copy / "figures").mkdir()
    for name in ("figures/roc.png", ".DS_Store", "notes.txt"):
        (copy / name).touch()
    (copy / "history.csv").write_text("epoch,loss\n1,0.5\n")
    assert open_run(copy).history is None
    (copy / "model" / "networks.tflite").touch()
    with pytest.raises(TrustError, match=r"'model/networks\.tflite'"):
        open_run(copy)


@pytest.mark.parametrize(
    "name", ["../other.txt", "/etc/hostname", "model/../report.csv", "a\\b", ""]
)
def test_a_name_that_leads_out_of_the_folder_is_missing(copy: Path, name: str) -> None:
    (copy.parent / "other.txt").touch()
    facts = read(copy)
    facts["files"][name] = facts["files"]["report.csv"]
    write(copy, facts)
    with pytest.raises(TrustError, match="is missing"):
        open_run(copy)


@pytest.mark.parametrize(
    "name", ["predictions.csv", "model", "manifest.json", "figures", "report.json", "extra"]
)
def test_a_link_is_not_followed(copy: Path, name: str) -> None:
    path, outside = copy / name, copy.parent / f"outside-{name}"
    if path.exists():
        path.rename(outside)
    else:
        outside.mkdir()
    path.symlink_to(outside)
    with pytest.raises(TrustError):
        open_run(copy)


@pytest.mark.parametrize("name", ["predictions.csv", "manifest.json", "seen.npz"])
def test_a_pipe_is_not_waited_for(copy: Path, name: str) -> None:
    (copy / name).unlink()
    os.mkfifo(copy / name)
    with pytest.raises(TrustError):
        open_run(copy)


def test_predictions_are_decided_as_the_manifest_says(copy: Path) -> None:
    table = pd.read_csv(copy / "predictions.csv")
    table.loc[table["part"] == "test", "predicted"] = "nv"
    table.to_csv(copy / "predictions.csv", index=False)
    describe_again(copy, "predictions.csv")
    with pytest.raises(TrustError, match="not decided as the manifest says"):
        _ = open_run(copy).scores


@pytest.mark.parametrize(
    "damage", ["twice", "negative", "beyond", "in both parts", "fewer", "no lesions"]
)
def test_predictions_are_those_of_the_split(copy: Path, damage: str) -> None:
    table = pd.read_csv(copy / "predictions.csv")
    rows = {
        "twice": table["row"].iloc[-2],
        "negative": -1,
        "beyond": read(copy)["data"]["rows"],
        "in both parts": table["row"].iloc[0],
    }
    if damage in rows:
        table.loc[len(table) - 1, "row"] = rows[damage]
    elif damage == "fewer":
        table = table.iloc[:-1]
    else:
        table = table.drop(columns="lesion_id")
    table.to_csv(copy / "predictions.csv", index=False)
    describe_again(copy, "predictions.csv")
    with pytest.raises(TrustError, match="damaged"):
        _ = open_run(copy).predictions


def test_scores_are_those_of_the_predictions(copy: Path, run: Run) -> None:
    report = json.loads((copy / "report.json").read_text())
    report["scores"]["accuracy"]["mean"] = 0.99
    (copy / "report.json").write_text(json.dumps(report))
    describe_again(copy, "report.json")
    opened = open_run(copy)
    assert opened.scores == run.scores
    with pytest.raises(TrustError, match="not the report of the predictions"):
        verify_run(opened)


def test_an_array_that_is_no_fingerprint_is_refused(copy: Path, sample: LesionDataset) -> None:
    np.savez(copy / "seen.npz", fingerprints=np.array([{"an": "object"}], dtype=object))
    describe_again(copy, "seen.npz")
    with pytest.raises(TrustError, match="seen"):
        open_run(copy).find_seen(sample)


@pytest.mark.parametrize("text", ["epoch\n1\n", "epoch,loss\n1,high\n", "epoch,loss\n", "\x00", ""])
def test_a_damaged_history_is_refused(copy: Path, text: str) -> None:
    (copy / "history.csv").write_text(text)
    describe_again(copy, "history.csv")
    with pytest.raises(TrustError, match="history"):
        _ = open_run(copy).history
