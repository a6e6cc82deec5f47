"""Damaged files of every kind are refused with a sentence, or read rightly."""

import gzip
import io
import os
import signal
import time
from pathlib import Path
from random import Random

import numpy as np
import pytest
from PIL import Image

from benchmarks.fuzzing.cases import FAILED, FINE, REFUSED, Outcome, draw_cases, make_case
from benchmarks.fuzzing.kinds import KINDS, Answers, Kind, require
from benchmarks.fuzzing.mutations import damage, damage_bytes
from benchmarks.fuzzing.readers import read_archive, read_pixels
from benchmarks.fuzzing.workers import make_sound_files, run_cases
from hmnist.errors import DataError

CASES = 250
TABLE = b"pixel0,pixel1,pixel2,label\n1,2,3,4\n5,6,7,6\n"


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> list[Outcome]:
    bases = tmp_path_factory.mktemp("sound")
    make_sound_files(bases, KINDS)
    return list(run_cases(draw_cases(KINDS, CASES), KINDS, bases, jobs=2))


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_files_are_refused_or_read_rightly(kind: str, outcomes: list[Outcome]) -> None:
    of_kind = [outcome for outcome in outcomes if outcome.kind == kind]
    assert of_kind
    failed = [f"{kind}:{case.seed}: {case.sentence}" for case in of_kind if case.result == FAILED]
    assert not failed


def test_some_damage_is_refused_and_some_is_harmless(outcomes: list[Outcome]) -> None:
    results = [outcome.result for outcome in outcomes]
    assert results.count(REFUSED) > CASES / 4
    assert results.count(FINE) > CASES / 20


def make_samples() -> dict[str, bytes]:
    """Return small sound files by name."""
    array, records, archive, picture = (io.BytesIO() for _ in range(4))
    np.save(array, np.arange(12.0).reshape(3, 4))
    np.save(records, np.zeros(5, [("left", "<u4"), ("value", "<f8"), ("is_leaf", "u1")]))
    np.savez(archive, a=np.arange(3), b=np.zeros((2, 2), np.float32))
    Image.new("RGB", (6, 5), (200, 150, 120)).save(picture, "PNG")
    return {
        "a.json": b'{"schema": "x", "scores": {"f1": 0.5}, "files": [], "rows": [1, 2]}',
        "a.csv": TABLE,
        "a.csv.gz": gzip.compress(TABLE),
        "a.npy": array.getvalue(),
        "records.npy": records.getvalue(),
        "a.npz": archive.getvalue(),
        "a.toml": b'effort = "quick"\nseed = 3\n',
        "a.png": picture.getvalue(),
        "a.tflite": bytes(range(256)),
    }


@pytest.mark.parametrize("name", make_samples())
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_damage_is_the_same_for_a_seed_and_differs_between_seeds(name: str) -> None:
    content = make_samples()[name]
    damaged = [damage(name, content, Random(seed)) for seed in range(120)]
    again = [damage(name, content, Random(seed)) for seed in range(120)]
    assert damaged == again
    assert sum(other != content for other in damaged) > 90
    assert len(set(damaged)) > 50


def test_empty_files_can_be_damaged() -> None:
    assert all(isinstance(damage_bytes(b"", Random(seed)), bytes) for seed in range(50))


@pytest.mark.parametrize(
    "text",
    [
        TABLE,
        TABLE.replace(b"\n", b"\r\n"),
        TABLE.replace(b"\n", b"\r"),
        TABLE.replace(b",", b', "').replace(b', "', b","),
        TABLE.replace(b"\n", b",\n"),
        b"\xef\xbb\xbfsep=,\n" + TABLE + b"\x1a",
        b",pixel0,pixel1,pixel2,label\n0,1,2,3,4\n1,5,6,7,6\n",
        b"pixel1,pixel0,pixel2,label\n2.0,1e0, 3,4\n6,5,7,6\n",
        gzip.compress(TABLE, mtime=0),
    ],
)
def test_the_slow_reader_knows_other_spellings(text: bytes, tmp_path: Path) -> None:
    path = tmp_path / "pixels.csv"
    path.write_bytes(text)
    assert read_pixels(path).tolist() == [[1, 2, 3, 4], [5, 6, 7, 6]]


@pytest.mark.parametrize("cell", [b"256", b"-1", b"1.5", b"", b"x", b"1,2", b"NaN"])
def test_the_slow_reader_refuses_what_has_no_meaning(cell: bytes, tmp_path: Path) -> None:
    path = tmp_path / "pixels.csv"
    path.write_bytes(TABLE.replace(b"5", cell))
    with pytest.raises((ValueError, ArithmeticError)):
        read_pixels(path)


def test_the_slow_reader_of_arrays_agrees_with_numpy(tmp_path: Path) -> None:
    arrays = {"a": np.arange(6).reshape(2, 3), "b": np.asfortranarray(np.ones((2, 3)))}
    np.savez(tmp_path / "a.npz", **arrays)  # type: ignore[arg-type]  # numpy's stubs mistake names
    for name, array in read_archive(tmp_path / "a.npz").items():
        np.testing.assert_array_equal(array, arrays[name])


def read_text(folder: Path) -> str:
    return (folder / "file.txt").read_text(encoding="latin-1")


def use_rightly(folder: Path) -> Answers:
    return {"a": np.zeros(1)}


def refuse(folder: Path) -> Answers:
    if read_text(folder) != "sound":
        raise DataError("It is damaged.")
    return {}


def fail(folder: Path) -> Answers:
    if read_text(folder) != "sound":
        raise KeyError("schema")
    return {}


def answer_wrongly(folder: Path) -> Answers:
    require(read_text(folder) == "sound", "other pixels")
    return {}


def answer_otherwise(folder: Path) -> Answers:
    return {"scores": np.array([float(read_text(folder) == "sound")])}


def crash(folder: Path) -> Answers:
    if read_text(folder) != "sound":
        os.kill(os.getpid(), signal.SIGSEGV)
    return {}


def spin(folder: Path) -> Answers:
    while read_text(folder) != "sound":
        pass
    return {}


def wait(folder: Path) -> Answers:
    if read_text(folder) != "sound":
        time.sleep(600)
    return {}


def take_memory(folder: Path) -> Answers:
    if read_text(folder) != "sound":
        np.zeros(2**31, np.uint8)
    return {}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bases")
    (folder / "base").mkdir()
    (folder / "base" / "file.txt").write_text("sound")
    return folder


SEED = 4  # of a damage that leaves a file


@pytest.mark.parametrize(
    ("use", "result", "sentence"),
    [
        (use_rightly, FINE, ""),
        (refuse, REFUSED, "It is damaged."),
        (fail, FAILED, "KeyError at test_fuzzing.py:"),
        (answer_wrongly, FAILED, "wrong answer: other pixels"),
        (answer_otherwise, FAILED, "wrong answer: other scores than the sound file's"),
        (crash, FAILED, "crash: SIGSEGV"),
        (spin, FAILED, "hang: more than 1 s of the processor"),
        (wait, FAILED, "hang: it waits, and does nothing for 2 s"),
        (take_memory, FAILED, "MemoryError at test_fuzzing.py:"),
    ],
)
def test_everything_that_may_come_of_a_case_is_seen(
    use: "type[object]", result: str, sentence: str, base: Path
) -> None:
    kinds = {"file": Kind("base", "*.txt", use, signed=False)}  # type: ignore[arg-type]  # a function
    # The second begins in a new process after a crash; a hang takes its time only once.
    cases = [("file", SEED)] * (1 if use in {spin, wait} else 2)
    outcomes = list(run_cases(cases, kinds, base, jobs=1, seconds=1))
    assert [outcome.result for outcome in outcomes] == [result] * len(cases)
    for outcome in outcomes:
        assert outcome.sentence.startswith(sentence)


def test_a_case_is_the_same_again(base: Path, tmp_path: Path) -> None:
    kind = Kind("base", "*.txt", use_rightly)
    for number in range(2):
        make_case(("file", SEED), kind, base, tmp_path / str(number))
    damaged = [read_text(tmp_path / str(number)) for number in range(2)]
    assert damaged[0] == damaged[1] != "sound"


def test_every_kind_has_a_case() -> None:
    cases = draw_cases(KINDS, 1, seed=7)
    assert cases == [(kind, 7) for kind in KINDS]
