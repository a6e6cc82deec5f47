"""``hmnist runs``, and what ``hmnist evaluate`` writes into run folders."""

import json
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hmnist.dataset import LesionDataset
from hmnist.runs.run import Run
from hmnist.sources.sample import load_sample
from tests.conftest import Command


@pytest.fixture
def copy(run: Run, tmp_path: Path) -> Path:
    return Path(shutil.copytree(run.folder, tmp_path / "runs" / "copy"))


def test_damaged_runs_are_named_and_the_others_listed(
    command: Command, copy: Path, run: Run
) -> None:
    shutil.copytree(run.folder, "runs/good")
    (copy / "manifest.json").write_text("{}")
    called = command("runs", "list", "runs")
    assert called.code == 4
    assert "runs/good" in called.out
    assert "copy" not in called.out
    assert "Skipped: runs/copy/manifest.json is damaged" in called.err


def test_a_run_without_its_report_is_named_and_the_others_listed(
    command: Command, copy: Path, run: Run
) -> None:
    shutil.copytree(run.folder, "runs/good")
    (copy / "report.json").unlink()
    called = command("runs", "list", "runs")
    assert called.code == 4
    assert "runs/good" in called.out
    assert "Skipped: runs/copy is damaged: report.json is missing." in called.err


def test_the_scores_that_are_listed_are_those_that_were_written(
    command: Command, copy: Path
) -> None:
    listed = json.loads(command("runs", "list", "runs", "--format", "json").out)
    shown = json.loads(command("runs", "show", copy, "--format", "json").out)
    assert listed["runs/copy"]["scores"] == pytest.approx(shown["scores"])
    report = json.loads((copy / "report.json").read_text())
    report["scores"]["accuracy"]["mean"] = 0.999
    (copy / "report.json").write_text(json.dumps(report))
    called = command("runs", "list", "runs")
    assert called.code == 4
    assert ".999" not in called.out


def test_listing_does_not_follow_links(command: Command, copy: Path, tmp_path: Path) -> None:
    (tmp_path / "many").mkdir()
    (tmp_path / "many" / "link").symlink_to(copy)
    (tmp_path / "many" / "loop").symlink_to(tmp_path / "many")
    called = command("runs", "list", "many")
    assert called.code == 0
    assert "There are no runs in many. Train one: hmnist train cnn DATA" in called.err


def test_a_file_is_no_folder_of_runs(command: Command, copy: Path) -> None:
    called = command("runs", "list", copy / "manifest.json")
    assert called.code == 2
    assert "manifest.json is a file; expected a folder with runs." in called.err


@pytest.mark.parametrize("out", [[], ["--out", "reports"]])
def test_figures_do_not_go_through_a_link(
    command: Command, copy: Path, tmp_path: Path, out: list[str]
) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "reports").mkdir()
    (tmp_path / ("reports" if out else copy) / "figures").symlink_to(tmp_path / "outside")
    called = command("evaluate", copy, *out)
    assert called.code == 4
    assert "is a link" in called.err
    assert not list((tmp_path / "outside").iterdir())


def test_the_report_of_a_run_is_not_replaced(command: Command, copy: Path) -> None:
    called = command("evaluate", copy, "--out", copy)
    assert called.code == 2
    assert "has its own report" in called.err
    assert command("runs", "verify", copy).code == 0


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_name_that_is_no_text_is_printed(command: Command, copy: Path) -> None:
    copy.rename(os.fsdecode(b"runs/\xff"))
    called = command("runs", "list", "runs")
    assert (called.code, called.out.count("\\udcff")) == (0, 1)
    assert list(json.loads(command("runs", "list", "runs", "--format", "json").out)) == [
        "runs/\udcff"
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="other systems have no such names")
def test_a_strange_link_is_named_in_letters(command: Command, copy: Path) -> None:
    (copy / "a\x1b[2J").symlink_to("manifest.json")
    called = command("runs", "verify", copy)
    assert called.code == 4
    assert r"'a\x1b[2J' is a link" in called.err


def test_what_trained_is_left_out_and_said(
    command: Command, run: Run, sample: LesionDataset, tmp_path: Path
) -> None:
    trained = np.setdiff1d(np.arange(len(sample)), run.predictions["test"].rows)
    same, turned = sample.take(trained[:7]), sample.take(trained[20:25])
    other = load_sample(rows=60, seed=9)
    metadata = [part.metadata for part in (same, turned, other)]
    table = pd.concat([each for each in metadata if each is not None], ignore_index=True)
    table["image_id"] = [f"image{row}" for row in range(72)]
    lesions = table["lesion_id"].tolist()
    renamed = [f"unknown{row}" for row in range(5)]  # the copies
    table["lesion_id"] = [*lesions[:7], *renamed, *lesions[:1] * 3, *lesions[15:]]
    table.to_csv(tmp_path / "metadata.csv", index=False)
    pixels = np.concatenate([same.images, np.rot90(turned.images, axes=(1, 2)), other.images])
    columns = [f"pixel{number:04d}" for number in range(2352)]
    rows = pd.DataFrame(pixels.reshape(72, -1), columns=columns)
    rows["label"] = np.concatenate([same.labels, turned.labels, other.labels])
    rows.to_csv(tmp_path / "pixels.csv", index=False)
    words = ["evaluate", run.folder, "pixels.csv", "--metadata", "metadata.csv"]
    called = command(*words, "--format", "json")
    assert called.code == 0, called.err
    said = (
        "Left out because of what trained or validated the model: 7 same images, 5 near copies, "
        "3 other images of the same lesions."
    )
    assert said in called.err.splitlines()
    evaluation = json.loads(called.out)
    assert said in evaluation["origin"]
    assert evaluation["left_out"] == {"same": 7, "near": 5, "lesion": 3}
    assert sum(map(sum, evaluation["report"]["confusion"])) == 57
    quiet = command(*words, "--quiet")
    assert said in " ".join(quiet.out.split())
    assert "Left out" not in quiet.err
