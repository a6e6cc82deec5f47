"""Numbers among the options: what is taken, and what the error says of others."""

from pathlib import Path

import pytest

from tests.conftest import Command


@pytest.mark.parametrize("value", ["two", "2.5", "0", "-1", "", "9" * 5000])
def test_an_option_that_is_no_count_is_named_with_its_value(command: Command, value: str) -> None:
    called = command("benchmark", "nowhere.csv", "--seeds", value)
    assert called.code == 2
    assert called.err == (
        f"Error: --seeds is {value[:40]!r} (from the command line); expected a whole number from "
        "1.\n"
    )


def test_the_error_says_where_a_number_is_from(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("hmnist.toml").write_text("seeds = 'two'\n")
    assert "--seeds is 'two' (from hmnist.toml); expected" in command("benchmark", "x.csv").err
    monkeypatch.setenv("HMNIST_SEEDS", "three")
    assert "--seeds is 'three' (from HMNIST_SEEDS); expected" in command("benchmark", "x.csv").err
    four = command("benchmark", "x.csv", "--seeds", "four")
    assert "--seeds is 'four' (from the command line); expected" in four.err


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["benchmark", "x.csv", "--folds", "1"], "a whole number from 2."),
        (["benchmark", "x.csv", "--jobs", "0"], "a whole number from 1."),
        (["train", "cnn", "x.csv", "--seed", "-1"], "a whole number from 0 to 4,294,967,295."),
        (["train", "cnn", "x.csv", "--seed", "4294967296"], "from 0 to 4,294,967,295."),
        (["train", "cnn", "x.csv", "--threads", "0"], "a whole number from 1."),
        (["train", "cnn", "x.csv", "--rare-to", "0"], "a whole number from 1."),
        (["tune", "cnn", "x.csv", "--trials", "0"], "a whole number from 1."),
        (["data", "sample", "--out", "y.csv", "--rows", "0"], "a whole number from 42."),
        (["data", "from-images", "x", "y.csv", "--jobs", "0"], "a whole number from 1."),
        (["train", "cnn", "x.csv", "--sensitivity", "90"], "between 0 and 1.\nWrite 0.9\n"),
        (["benchmark", "x.csv", "--sensitivity", "100"], "between 0 and 1.\n"),
        (["benchmark", "x.csv", "--sensitivity", "nan"], "between 0 and 1.\n"),
        (["benchmark", "x.csv", "--sensitivity", "0"], "between 0 and 1.\n"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_numbers_out_of_range_are_refused_before_data_are_read(
    command: Command, words: list[str], expected: str
) -> None:
    called = command(*words)
    assert called.code == 2
    assert expected in called.err
    assert "x.csv" not in called.err


def test_numbers_in_range_are_taken(command: Command) -> None:
    assert command("data", "sample", "--out", "y.csv", "--rows", "60", "--seed", "0").code == 0
    assert len(Path("y.csv").read_text().splitlines()) == 61
