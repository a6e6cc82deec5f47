"""The same training gives the same probabilities as when ``tests/reference.json`` was written."""

from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchmarks import drift
from benchmarks.drift import (
    REFERENCES,
    compute,
    find_differences,
    from_json,
    has_bfloat16,
    read_reference,
    to_json,
)
from hmnist.decisions.soft_voting import soft_vote

if TYPE_CHECKING:
    from hmnist.arrays import Array


@pytest.mark.parametrize("name", REFERENCES)
def test_probabilities_are_those_of_the_reference(name: str) -> None:
    if "bfloat16" in name and not has_bfloat16():
        pytest.skip("this processor has no AVX512-BF16, with which the reference was computed")
    reference = REFERENCES[name]
    found = compute(reference)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=0, atol=1e-6)
    np.testing.assert_allclose(found, read_reference()[name], rtol=0, atol=reference.tolerance)


def test_the_ensemble_is_that_of_the_reference() -> None:
    stored = read_reference()
    members = [stored[name] for name in ("logistic", "xgboost", "mlp", "cnn")]
    found = soft_vote(members, [0.25] * len(members))
    np.testing.assert_allclose(found, stored["ensemble"], rtol=0, atol=1e-6)


def test_every_model_has_a_reference() -> None:
    assert set(read_reference()) == {*REFERENCES, "ensemble"}


def test_differences_are_of_the_models_that_both_have() -> None:
    rows = np.full((2, 7), 1 / 7)
    moved = rows + np.array([[0.0], [0.25]])
    differences = find_differences({"a": rows, "b": rows}, {"a": moved, "c": rows})
    assert differences == {"a": pytest.approx(0.25)}


def test_the_file_holds_what_was_written() -> None:
    rows = np.random.default_rng(0).random((3, 7))
    text = to_json({"a": rows, "b": rows[:1]})
    assert len(text.splitlines()) == 2 + 2 * 2 + 4
    np.testing.assert_allclose(from_json(text)["a"], rows, atol=1e-8)


def test_each_commit_is_compared_with_the_one_before(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shares: dict[str, dict[str, Array]] = {
        "first": {"cnn": np.array([[0.5]])},
        "second": {"cnn": np.array([[0.5]])},
        "broken": {},
        "third": {"cnn": np.array([[0.75]])},
    }
    answers = {"rev-list": "second\nbroken\nthird\n", "rev-parse": "first\n"}
    monkeypatch.setattr(drift, "git", lambda *words: answers.get(words[0], words[-1]))
    monkeypatch.setattr(drift, "compute_commit", shares.__getitem__)
    drift.print_commits("first")
    header, _, *rows = capsys.readouterr().out.splitlines()
    column = [name.strip() for name in header.split("|")].index("cnn")
    cells = [[cell.strip() for cell in row.split("|")] for row in rows]
    assert [row[1] for row in cells] == ["second", "broken", "third"]
    assert [row[column] for row in cells] == ["0.0e+00", "–", "2.5e-01"]
