"""Each command doing its work on the sample."""

import csv
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Self

import numpy as np
import pytest
from PIL import Image

from hmnist.dataset import LesionDataset
from hmnist.diagnoses import CODES
from hmnist.errors import WorkError
from hmnist.runs.folders import find_runs
from hmnist.runs.run import Run, open_run
from hmnist.sources import load
from tests.conftest import Command, eagerly

QUICK = ["--features", "pixels", "--effort", "quick", "--threads", "1"]

FAST = ["--models", "logistic", *QUICK]


@pytest.fixture
def pixel_file(command: Command, tmp_path: Path) -> Path:
    path = tmp_path / "data" / "pixels.csv"
    assert command("data", "sample", "--rows", "300", "--out", path).code == 0
    return path


def test_benchmark_prints_the_table_on_stdout(
    command: Command, pixel_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "70")
    called = command("benchmark", pixel_file, *FAST, "--out", "bench")
    assert called.code == 0, called.err
    assert re.search(r"^logistic( •)? +\.\d{3}", called.out, re.MULTILINE)
    assert "generated images, no photographs" in " ".join(called.out.split())
    assert max(map(len, called.out.splitlines())) <= 70
    assert called.err.count("[1/2]") == called.err.count("[2/2]") == 1
    assert "No lesion is in two" in " ".join(called.out.split())


def test_benchmark_again_says_the_same(command: Command, pixel_file: Path) -> None:
    words = ["benchmark", pixel_file, *FAST, "--out", "bench", "--format", "json"]
    first, again = command(*words), command(*words)
    assert first.out == again.out
    assert "2 of them finished before" in again.err
    rows = json.loads(first.out)["rows"]
    assert [row["model"] for row in rows] == ["logistic", "majority"]


def test_quiet_prints_the_result_alone(command: Command, pixel_file: Path) -> None:
    called = command("benchmark", pixel_file, *FAST, "--quiet", "--format", "csv")
    assert called.err == ""
    assert len(list(csv.DictReader(io.StringIO(called.out)))) == 2


def test_train_evaluate_and_verify(command: Command, pixel_file: Path) -> None:
    trained = command(
        "train", "logistic", pixel_file, *QUICK, "--out", "run", "--format", "json",
    )  # fmt: skip
    assert trained.code == 0, trained.err
    evaluated = command("evaluate", "run", "--format", "json")
    assert json.loads(evaluated.out) == json.loads(trained.out)
    text = command("evaluate", "run").out
    assert "true ↓ predicted diagnosis →" in text
    assert "AUC" in text
    assert not re.search(r"\b0\.\d{3}", text.split("Split:")[0])
    assert "right, %" in text
    assert "not a medical device" in text
    assert "as they were written" in command("runs", "verify", "run").out
    manifest = json.loads(command("runs", "show", "run", "--format", "json").out)
    scores = manifest.pop("scores")
    assert manifest == json.loads(Path("run", "manifest.json").read_text())
    summary = command("runs", "show", "run").out
    assert len(summary.splitlines()) <= 30
    balanced = f"{scores['balanced_accuracy']:.3f}".removeprefix("0")
    assert re.search(rf"^balanced accuracy +{re.escape(balanced)} +\[", summary, re.MULTILINE)
    for words in ("300 images of 28×28×3", "by lesion, seed 0", "effort quick", "1 thread"):
        assert words in summary
    assert "run" in command("runs", "list", ".").out


def test_report_writes_one_file(command: Command, pixel_file: Path) -> None:
    assert command("benchmark", pixel_file, *FAST, "--out", "bench").code == 0
    plain = command("report", "bench")
    assert plain.code == 0, plain.err
    assert "Report: bench/report.html" in plain.err
    assert "hmnist report bench DATA" in plain.err
    pictured = command("report", "bench", pixel_file, "--out", "new/page.html", "--quiet")
    assert (pictured.code, pictured.out, pictured.err) == (0, "", "")
    assert "data:image/png" in Path("new/page.html").read_text(encoding="utf-8")
    assert "data:image/png" not in Path("bench/report.html").read_text(encoding="utf-8")


def test_report_refuses_what_does_not_fit(command: Command, pixel_file: Path) -> None:
    assert command("benchmark", pixel_file, *FAST, "--out", "bench").code == 0
    for words, code, said in (
        (["bench", "sample"], 2, "other images"),
        (["bench", "--metadata", "none"], 2, "--metadata"),
        (["nowhere"], 3, "no folder"),
        ([pixel_file.parent], 2, "not a benchmark, audit or run"),
    ):
        called = command("report", *words)
        assert (called.code, called.out) == (code, "")
        assert said in called.err
    assert not Path("bench/report.html").exists()


def test_compare_says_it_in_words(command: Command, pixel_file: Path) -> None:
    for model in ("logistic", "majority"):
        words = ["train", model, pixel_file, *QUICK]
        assert command(*words, "--out", model).code == 0
    called = command("compare", "logistic", "majority")
    assert called.code == 0, called.err
    assert "logistic − majority" in called.out
    assert "logistic beats majority on" in " ".join(called.out.split())
    read = json.loads(command("compare", "logistic", "majority", "--format", "json").out)
    assert len(read["pairs"]) == 1


def test_predict_agrees_with_the_library(command: Command, run: Run, pixel_file: Path) -> None:
    called = command("predict", run.folder, pixel_file)
    assert called.code == 0, called.err
    assert "synthetic sample" in called.err
    rows = list(csv.DictReader(io.StringIO(called.out)))
    data = load(pixel_file)
    with pytest.warns(UserWarning, match="synthetic"):
        expected = run.predict_proba(data.images)
    found = np.array([[float(row[code]) for code in CODES] for row in rows])
    np.testing.assert_array_equal(found, expected)
    predicted = [CODES[label] for label in run.decision.decide(expected)]
    assert [row["predicted"] for row in rows] == predicted


def test_predict_says_the_same_in_parts(
    command: Command, run: Run, pixel_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = "predict", run.folder, pixel_file
    whole, table = command(*words), command(*words, "--format", "table")
    monkeypatch.setattr("hmnist.cli.predict.AT_ONCE", 16)
    in_parts = command(*words)
    assert in_parts.err == whole.err  # the sample is named once
    rows, expected = (list(csv.DictReader(io.StringIO(called.out))) for called in (in_parts, whole))
    for row, other in zip(rows, expected, strict=True):
        for name in CODES:
            assert float(row.pop(name)) == pytest.approx(float(other.pop(name)), abs=1e-6)
        assert row == other
    # Other parts may have other last bits, and so another fourth digit.
    tables = command(*words, "--format", "table").out, table.out
    assert len({re.sub(r"\.\d{4}", "", each) for each in tables}) == 1


def test_predict_takes_photographs(command: Command, run: Run, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (45, 60, 3), dtype=np.uint8)).save(tmp_path / "a.png")
    called = command("predict", run.folder, "a.png", "--out", "answers.csv")
    assert called.code == 0, called.err
    rows = list(csv.DictReader(io.StringIO((tmp_path / "answers.csv").read_text())))
    assert [row["image_id"] for row in rows] == ["a"]
    assert sum(float(rows[0][code]) for code in CODES) == pytest.approx(1)


BYTES = os.fsdecode(b"ph\xff")
"""A name of a file that is not a text, as Linux allows."""


def test_data_and_splits_may_have_names_that_are_no_text(
    command: Command, pixel_file: Path
) -> None:
    pixel_file.rename(f"{BYTES}.csv")
    rows = [f"{row},{'train' if row % 3 else 'test'}\n" for row in range(300)]
    Path(f"{BYTES}-split.csv").write_text("row,part\n" + "".join(rows))
    words = [f"{BYTES}.csv", "--split-file", f"{BYTES}-split.csv", "--metadata", "none"]
    called = command("train", "majority", *words, "--threads", "1", "--out", "run")
    assert called.code == 0, called.err
    assert called.err.endswith("Run: run\n")
    facts = open_run("run").manifest
    assert facts.data.name == "ph\\udcff.csv"
    assert facts.split.kind == "ph\\udcff-split.csv"
    assert command("report", "run", "--quiet").code == 0
    assert command("data", "plot", f"{BYTES}.csv", "--metadata", "none").code == 0
    assert command("benchmark", *words, "--models", "majority", "--out", "bench").code == 0


def test_predict_takes_photographs_whose_names_are_no_text(
    command: Command, run: Run, sample: LesionDataset
) -> None:
    Image.fromarray(sample.images[0]).save(f"{BYTES}.png", "PNG")
    called = command("predict", run.folder, f"{BYTES}.png", "--out", "answers.csv")
    assert called.code == 0, called.err
    with Path("answers.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["source"], row["image_id"]) == ("ph\\udcff.png", "ph\\udcff")
    assert (
        Path("answers.csv").read_bytes()
        == command("predict", run.folder, f"{BYTES}.png").out.encode()
    )
    assert command("explain", run.folder, f"{BYTES}.png").code == 0


def test_predict_names_a_bad_input_before_it_predicts(
    command: Command, run: Run, tmp_path: Path
) -> None:
    (tmp_path / "bad.png").write_bytes(b"no picture")
    called = command("predict", run.folder, "bad.png")
    assert called.code == 3
    assert "bad.png" in called.err
    assert called.out == ""


def test_predict_leaves_out_damaged_photographs_and_names_them(
    command: Command, run: Run, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    (tmp_path / "folder").mkdir()
    for name in ("a.png", "folder/b.webp"):
        Image.fromarray(rng.integers(0, 256, (45, 60, 3), dtype=np.uint8)).save(tmp_path / name)
    for name in ("bad.png", "folder/worse.jpg"):
        (tmp_path / name).write_bytes(b"no picture")
    called = command("predict", run.folder, "bad.png", "a.png", "folder")
    assert called.code == 1
    rows = list(csv.DictReader(io.StringIO(called.out)))
    assert [row["image_id"] for row in rows] == ["a", "b"]
    assert re.search(r"^Left out: bad\.png cannot be read", called.err, re.MULTILINE)
    assert re.search(r"^Left out: folder/worse\.jpg cannot be read", called.err, re.MULTILINE)
    # A name that does not exist is a mistake of the command.
    assert command("predict", run.folder, "a.png", "missing.png").code == 3


def test_predict_prints_a_table_to_read(command: Command, run: Run, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (28, 28, 3), dtype=np.uint8)).save(tmp_path / "a.png")
    [row] = csv.DictReader(io.StringIO(command("predict", run.folder, "a.png").out))
    called = command("predict", run.folder, "a.png", "--format", "table")
    assert called.code == 0, called.err
    malignant = sum(float(row[code]) for code in ("akiec", "bcc", "mel"))
    predicted, line = row["predicted"], called.out.rstrip().splitlines()[-1]
    assert re.match(rf"a\.png +{predicted}, ", line)
    assert line.split()[-3:-1] == [f"{float(row[predicted]):.4f}", f"{malignant:.4f}"]
    called = command("predict", run.folder, "a.png", "--format", "table", "--out", "x.csv")
    assert called.code == 2


def test_predict_says_that_metadata_were_in_another_order(
    command: Command, patient_run: Run, pixel_file: Path, tmp_path: Path
) -> None:
    header, *lines = pixel_file.with_name("HAM10000_metadata.csv").read_text().splitlines()
    (tmp_path / "turned.csv").write_text("\n".join([header, *lines[::-1]]) + "\n")
    called = command("predict", patient_run.folder, pixel_file, "--metadata", "turned.csv")
    assert called.code == 0, called.err
    assert "were put in the order of" in called.err
    assert called.out == command("predict", patient_run.folder, pixel_file).out


def test_a_damaged_run_is_refused(command: Command, run: Run, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(run.folder, tmp_path / "copy"))
    (copy / "model" / "model.json").write_text("{}")
    called = command("evaluate", "copy")
    assert called.code == 4
    assert "damaged" in called.err


def test_verify_looks_at_every_run_and_every_member(
    command: Command, run: Run, pixel_file: Path, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(run.folder, tmp_path / "copy"))
    (copy / "predictions.csv").write_text("damaged")
    called = command("runs", "verify", "copy", run.folder)
    assert called.code == 4
    assert "damaged" in called.err
    assert "as they were written" in called.out
    models = ["--models", "logistic,xgboost,ensemble"]
    assert command("benchmark", pixel_file, *models, *QUICK, "--out", "bench").code == 0
    [ensemble] = [path for path in find_runs("bench") if path.name.startswith("ensemble")]
    assert command("runs", "verify", ensemble).code == 0
    [member] = [path for path in find_runs("bench") if path.name.startswith("xgboost")]
    whole = command("runs", "verify", "bench")
    files = sum(len(open_run(path).manifest.files) for path in find_runs("bench"))
    assert whole.out == f"bench: {files} files are as they were written.\n"
    shutil.rmtree(member)
    assert command("runs", "verify", ensemble).code == 4


def test_verify_goes_on_after_what_is_no_run(command: Command, run: Run, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(run.folder, tmp_path / "copy"))
    assert command("runs", "verify", "nowhere", run.folder).code == 3
    (copy / "predictions.csv").write_text("damaged")
    called = command("runs", "verify", "copy", "nowhere", run.folder)
    assert called.code == 4
    assert "as they were written" in called.out
    assert "There is no run folder nowhere." in called.err


def test_settings_reach_the_commands_of_groups(command: Command, pixel_file: Path) -> None:
    Path("hmnist.toml").write_text('metadata = "none"\nout = "elsewhere"\n')
    facts = json.loads(command("data", "info", pixel_file, "--format", "json").out)
    assert facts["lesions"] is None


def test_the_folder_for_runs_is_no_file_for_answers(command: Command, run: Run) -> None:
    Path("hmnist.toml").write_text('out = "elsewhere"\n')
    assert command("predict", run.folder, "sample").out.startswith("source,row,image_id,")
    copy = Path(shutil.copytree(run.folder, "copy"))
    command("report", copy)
    assert (copy / "report.html").is_file()
    command("explain", run.folder, "sample", "--rows", "0", "--quiet")
    assert Path("explanation.png").is_file()
    assert not Path("elsewhere").exists()


def test_metadata_of_the_file_are_not_for_commands_without_data(command: Command, run: Run) -> None:
    Path("hmnist.toml").write_text('metadata = "nowhere.csv"\n')
    copy = shutil.copytree(run.folder, "copy")
    for name in ("evaluate", "report"):
        assert command(name, copy).code == 0
        called = command(name, copy, "--metadata", "nowhere.csv")
        assert called.code == 2
        assert "--metadata belongs to data." in called.err


def test_data_info_counts(command: Command, pixel_file: Path) -> None:
    facts = json.loads(command("data", "info", pixel_file, "--format", "json").out)
    assert facts["images"] == sum(facts["images_by_diagnosis"].values()) == 300
    assert facts["lesions"] == sum(facts["lesions_by_diagnosis"].values())
    text = command("data", "info", pixel_file).out
    assert "melanocytic naevus" in text


def test_unknown_lesions_are_named_with_their_cure(command: Command, pixel_file: Path) -> None:
    called = command("benchmark", pixel_file, *FAST, "--metadata", "none")
    text = " ".join(called.out.split())
    assert "lesions unknown" in text
    assert "by image" in text
    assert "HAM10000_metadata.csv" in text


def test_no_data_means_the_sample_and_says_so(command: Command) -> None:
    called = command("benchmark", "--models", "majority", "--threads", "1")
    assert called.code == 0, called.err
    assert "synthetic sample" in called.err.splitlines()[0]
    assert "Data: synthetic sample (generated images, no photographs), 2,500 images" in called.out
    assert "Effort: quick" in called.out


def test_the_scheduler_may_be_named_in_the_environment(
    command: Command, pixel_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HMNIST_DASK", "nonsense://x")
    called = command("benchmark", pixel_file, *FAST, "--out", "bench")
    assert called.code == 2
    assert "not an address of a Dask scheduler" in called.err
    assert not Path("bench").exists()
    # A single model is trained over a cluster only where it is asked for.
    assert command("train", "majority", pixel_file, "--threads", "1", "--out", "run").code == 0
    called = command("train", "xgboost", pixel_file, *QUICK, "--dask", "nonsense://x")
    assert called.code == 2
    assert "not an address of a Dask scheduler" in called.err


@eagerly
def test_audit_prints_claims_and_leaks_and_goes_on_where_it_was(
    command: Command, pixel_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hmnist.models.network_model.LARGEST", 0)  # no network is written twice
    words = ["audit", pixel_file, "--systems", "lenet", "--epochs", "1"]
    words += ["--jobs", "1", "--threads", "1"]
    called = command(*words, "--out", "audit")
    assert called.code == 0, called.err
    # After one epoch, models may predict the same.
    score, interval = r"\.\d{3}", r"(?:equal|[+−]\.\d{3} \[[+−]\.\d{3}, [+−]\.\d{3}\])"
    for line in (
        rf"^ ?lenet +\.7445 best +{score} +{score} +{score}",
        rf"^ ?lenet +clean +{score} +{score}",
        rf"\+ shared lesions +{interval} +{interval}",
        rf"all leaks +{interval} +{interval}",
    ):
        assert re.search(line, called.out, re.MULTILINE), line
    text = " ".join(called.out.split())
    assert "All 30 test images validate as well (HM103)" in text
    assert "Epochs were cut: lenet 1 of 20." in text
    assert "4 models: about" in called.err
    for name in ("lenet, reproduced", "lenet, clean", "lenet, test validates"):
        assert re.search(rf"^\[\d/4\] {name}, seed 0: balanced", called.err, re.MULTILINE)
    again = command(*words, "--out", "audit", "--format", "json")
    assert "4 of them finished before" in again.err
    facts = json.loads(again.out)
    assert facts["schema"] == "hmnist-audit/6"
    assert [row["system"] for row in facts["rows"]] == ["lenet"]
    assert command(*words, "--out", "audit", "--quiet", "--format", "markdown").err == ""


def test_metadata_that_lack_what_a_protocol_needs_are_named(
    command: Command, pixel_file: Path
) -> None:
    Path("bad.csv").write_text("image_id,dx\nI_1,nv\n")
    words = ["--systems", "inception-resnet", "--metadata", "bad.csv", "--out", "audit"]
    called = command("audit", pixel_file, *words)
    assert called.code == 3
    assert "bad.csv" in called.err
    assert "lesion_id" in called.err
    assert not Path("audit").exists()


def test_an_interrupted_audit_says_how_to_go_on(
    command: Command, pixel_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("hmnist.results.audit.run_cells", interrupt)
    called = command("audit", pixel_file, "--systems", "lenet", "--out", "my audit")
    assert called.code == 130
    assert "--out 'my audit'" in called.err
    assert called.out == ""


def test_a_benchmark_that_fails_says_where_its_runs_are(
    command: Command, pixel_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise WorkError("It broke.")

    monkeypatch.setattr("hmnist.results.benchmark.fill_table", fail)
    Path("old runs").mkdir()
    words = ["benchmark", pixel_file, "--models", "majority", "--out", "old runs"]
    called = command(*words)
    assert called.code == 1
    assert "--out" not in called.err  # nothing is there to go on from
    Path("old runs/majority").mkdir()
    assert "kept; to go on, run the same command with --out 'old runs'" in command(*words).err


def test_an_unfinished_benchmark_is_named_as_what_it_is(
    command: Command, run: Run, tmp_path: Path
) -> None:
    shutil.copytree(run.folder, tmp_path / "my runs" / "one")
    called = command("evaluate", "my runs")
    assert called.code == 2
    assert "It holds runs; name one of them: hmnist runs list 'my runs'." in called.err


def test_a_full_or_forbidden_place_is_a_failure_not_a_traceback(
    command: Command, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    called = command("train", "majority", "sample", "--threads", "1", "--out", "file/run")
    assert called.code == 1
    assert "could not be written" in called.err
    assert "Traceback" not in called.err


def test_an_interrupted_benchmark_goes_on(tmp_path: Path) -> None:
    words = [
        "benchmark", "sample", "--models", "logistic,xgboost,hist-gbdt", "--effort", "standard",
        "--seeds", "3", "--threads", "1", "--features", "pixels", "--out", "bench",
    ]  # fmt: skip
    # A process that was started in the background ignores Ctrl-C, and so would its children.
    script = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from hmnist.cli import main; main()"
    )
    environment = {**os.environ, "HMNIST_CACHE": str(tmp_path / "cache")}
    process = subprocess.Popen(
        [sys.executable, "-c", script, *words],
        cwd=tmp_path,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("[1/"):
            process.send_signal(signal.SIGINT)
            break
    rest = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == 130
    assert "--out bench" in rest
    assert "Traceback" not in rest
    finished = find_runs(tmp_path / "bench")
    assert finished
    for path in finished:
        open_run(path)


class StoppedClock(datetime):
    """A clock that is always at the same second."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        return cls(2026, 1, 2, 3, 4, 5, tzinfo=tz)


def test_trainings_of_the_same_second_do_not_replace_each_other(
    command: Command, pixel_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hmnist.files.datetime", StoppedClock)
    for seed in ("0", "1"):
        words = ["train", "majority", pixel_file, "--seed", seed, "--threads", "1"]
        assert command(*words).code == 0
    found = find_runs("hmnist-runs")
    assert [path.name for path in found] == [f"20260102-030405-majority{end}" for end in ("", "-2")]
    assert [open_run(path).manifest.recipe.seed for path in found] == [0, 1]


@pytest.mark.parametrize(
    "words", [["benchmark"], ["train", "logistic"], ["tune", "logistic"]], ids=" ".join
)
def test_a_command_that_fails_before_its_work_leaves_no_folder(
    words: list[str], command: Command, pixel_file: Path
) -> None:
    called = command(*words, pixel_file, *QUICK, "--split-file", "nowhere.csv")
    assert called.code == 3, called.err
    assert not Path("hmnist-runs").exists()


@pytest.mark.parametrize(
    "words", [["benchmark"], ["train", "logistic"], ["tune", "logistic"]], ids=" ".join
)
def test_a_file_is_no_place_for_runs(words: list[str], command: Command, pixel_file: Path) -> None:
    Path("mine.txt").write_text("mine")
    called = command(*words, pixel_file, *QUICK, "--out", "mine.txt")
    assert called.code == 2
    assert "mine.txt is a file" in called.err
    assert "--out" in called.err
    assert Path("mine.txt").read_text() == "mine"


@pytest.mark.parametrize(
    "words", [["explain", "a", ""], ["report", "a", ""], ["evaluate", "a", ""]], ids=" ".join
)
def test_an_empty_name_is_no_file(words: list[str], command: Command) -> None:
    called = command(*words)
    assert called.code == 2
    assert "An empty name is not a file" in called.err


@eagerly
def test_train_cuts_the_epochs_of_a_network(command: Command, pixel_file: Path) -> None:
    words = ["train", "lenet", pixel_file, "--set", "epochs=1", "--out", "run", "--threads", "1"]
    called = command(*words)
    assert called.code == 0, called.err
    trained = open_run(Path("run"))
    assert trained.manifest.parameters["epochs"] == 1
    assert trained.history is not None
    assert len(trained.history) == 1


def test_a_benchmark_sets_parameters_by_model(command: Command, pixel_file: Path) -> None:
    Path("hmnist.toml").write_text("[set.xgboost]\nn_estimators = 3\n[set.cnn]\nepochs = 1\n")
    words = ["--models", "logistic,xgboost,ensemble", *QUICK, "--out", "bench"]
    called = command("benchmark", pixel_file, *words, "--set", "logistic.max_iter=7")
    assert called.code == 0, called.err
    assert "Parameters that were set: logistic max_iter 7." in " ".join(called.out.split())
    runs = {run.manifest.model: run.manifest for run in map(open_run, find_runs("bench"))}
    # What stands on the command line takes the place of the file.
    assert runs["logistic"].parameters["max_iter"] == 7
    assert runs["xgboost"].parameters["n_estimators"] == 40
    called = command("benchmark", pixel_file, *words)
    assert "Not set, since cnn is not trained here: cnn.epochs=1" in called.err
    again = [run.manifest for run in map(open_run, find_runs("bench"))]
    assert {run.parameters["n_estimators"] for run in again if run.model == "xgboost"} == {3, 40}
    assert len({run.key for run in again if run.model == "ensemble"}) == 2


# Patient data


def test_benchmark_compares_models_with_patient_data(command: Command, pixel_file: Path) -> None:
    called = command("benchmark", pixel_file, *FAST, "--patients", "both", "--out", "bench")
    assert called.code == 0, called.err
    assert re.search(r"^logistic \+ patients( •)? +\.\d{3}", called.out, re.MULTILINE)
    assert re.search(r"^logistic( •)? +\.\d{3}", called.out, re.MULTILINE)


def test_patient_data_are_an_option_in_the_file(
    command: Command, pixel_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "hmnist.toml").write_text('patients = "yes"\n')
    called = command("train", "logistic", pixel_file, *QUICK, "--out", "run")
    assert called.code == 0, called.err
    assert open_run(tmp_path / "run").uses_patients
    evaluated = command("evaluate", "run", "sample", "--metadata", "none")
    assert "have none" in " ".join(evaluated.out.split())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["train", "logistic", "--patients", "both"], "a benchmark compares both"),
        (["train", "lenet", "--patients", "yes"], "lenet takes no patient data"),
        (["benchmark", "--patients", "true"], "no choice of patient data called 'true'"),
        (["benchmark", "--patients", "both", "--metadata", "none"], "HAM10000_metadata.csv"),
        (["train", "mlp", "--patients", "yes", "--metadata", "none"], "--metadata"),
    ],
)
def test_patient_data_that_cannot_be_are_refused(
    words: list[str], said: str, command: Command, pixel_file: Path
) -> None:
    at = 1 if words[0] == "benchmark" else 2
    called = command(*words[:at], pixel_file, *words[at:], *QUICK)
    assert called.code == 2
    assert said in called.err
    assert called.out == ""


def test_predict_finds_the_patients_of_photographs(
    command: Command, patient_run: Run, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (28, 28, 3), dtype=np.uint8)
    for name in ("a.png", "b.png"):
        Image.fromarray(pixels).save(tmp_path / name)
    (tmp_path / "patients.csv").write_text("image_id,age,sex,localization\na,70,male,face\n")
    untold = command("predict", patient_run.folder, "a.png", "b.png")
    assert "2 of 2 images have none" in untold.err
    assert "--metadata FILE" in untold.err
    told = command("predict", patient_run.folder, "a.png", "b.png", "--metadata", "patients.csv")
    assert "1 of 2 images have none" in told.err
    (first, second), (_, other) = (
        [row.split(",")[3:] for row in called.out.splitlines()[1:]] for called in (told, untold)
    )
    assert first != second
    assert second == other
    quiet = command("predict", patient_run.folder, "a.png", "--metadata", "patients.csv", "-q")
    assert "have none" not in quiet.err


def test_predict_has_the_patients_beside_a_pixel_file(
    command: Command, patient_run: Run, pixel_file: Path
) -> None:
    data = load(pixel_file)
    called = command("predict", patient_run.folder, pixel_file)
    assert "of 300 images have none" not in called.err
    rows = list(csv.DictReader(io.StringIO(called.out)))
    found = np.array([[float(row[code]) for code in CODES] for row in rows])
    with pytest.warns(UserWarning, match="synthetic"):
        expected = patient_run.predict_proba(data.images, data.patients)
    np.testing.assert_array_equal(found, expected)
    by_row = command(
        "predict", patient_run.folder, pixel_file,
        "--metadata", pixel_file.with_name("HAM10000_metadata.csv"),
    )  # fmt: skip
    assert by_row.out == called.out


def test_predict_refuses_patients_of_other_images(
    command: Command, run: Run, patient_run: Run, pixel_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "patients.csv").write_text("age\n50\n")
    called = command("predict", patient_run.folder, pixel_file, "--metadata", "patients.csv")
    assert called.code == 3
    assert "1 rows" in called.err
    called = command("predict", run.folder, pixel_file, "--metadata", "patients.csv")
    assert called.code == 2
    assert "without patient data" in called.err


def test_what_no_terminal_shows_takes_no_second_line(
    command: Command, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    shutil.copytree(run.folder, "copy")  # which gets figures
    notes = [line for line in command("evaluate", "copy").out.splitlines() if "Split:" in line]
    assert len(notes) == 1
    assert notes[0].endswith("train / validate / test.")


@pytest.mark.parametrize("width", ["40", "80", "400"])
def test_folders_of_listed_runs_are_whole(
    width: str, command: Command, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", width)
    lines = command("runs", "list", run.folder.parent).out.splitlines()
    assert any(line.split()[:1] == [str(run.folder)] for line in lines)
    assert any("AUC" in line for line in lines)


@pytest.mark.parametrize("words", [["benchmark"], ["train", "majority"]], ids=" ".join)
def test_unknown_lesions_are_named_before_any_training(
    words: list[str], command: Command, pixel_file: Path
) -> None:
    models = ["--models", "majority"] if words == ["benchmark"] else []
    called = command(*words, pixel_file, *models, "--metadata", "none", "--out", "out", *QUICK)
    assert called.code == 0, called.err
    lines = called.err.splitlines()
    first = next(line for line in lines if not line.startswith(("Reading", "Not used")))
    (warning,) = (line for line in lines if line.startswith("WARNING: The lesions are unknown"))
    assert "HAM10000_metadata.csv" in warning
    assert lines.index(warning) <= lines.index(first) + 1
    assert "over images" in called.out
    assert "over lesions" not in called.out
    known = command(*words, pixel_file, *models, "--out", "known", *QUICK)
    assert "WARNING" not in known.err


def test_rows_of_a_benchmark_are_compared(command: Command, pixel_file: Path) -> None:
    models = ["--models", "logistic,xgboost"]
    called = command("benchmark", pixel_file, *models, *QUICK, "--sort", "log_loss", "--out", "out")
    assert called.code == 0, called.err
    assert "Best on log loss" in called.out
    table = command("compare", "out").out
    assert len(re.findall(r" − .*\[", table)) == 3
    assert "all 48 tests" in table
    pairs = json.loads(command("compare", "out", "--format", "json").out)["pairs"]
    assert len(pairs) == 3


def test_results_below_the_home_replace_no_run_and_no_photograph(
    command: Command, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    shutil.copytree(run.folder, "run")
    Image.fromarray(np.zeros((28, 28, 3), np.uint8)).save("a.png")
    before = Path("a.png").read_bytes()
    called = command("evaluate", "~/run", "--out=~/run")
    assert called.code == 2
    assert "is a run folder, which has its own report" in called.err
    called = command("explain", "~/run", "~/a.png", "--out=~/a.png")
    assert called.code == 2
    assert "would be replaced" in called.err
    assert Path("a.png").read_bytes() == before
    called = command("predict", "~/run", "~/a.png", "--out=~/new/a.csv")
    assert called.code == 0, called.err
    assert len(Path("new/a.csv").read_text().splitlines()) == 2
    assert not Path("~").exists()


def test_the_working_folder_does_not_become_a_run(command: Command, tmp_path: Path) -> None:
    for out in (".", "", "..", tmp_path):
        called = command("train", "majority", "sample", "--threads", "1", "--out", out)
        assert called.code == 2
        assert "cannot become a run folder" in called.err
    assert list(tmp_path.iterdir()) == []
