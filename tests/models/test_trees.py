"""Trees as arrays: they predict as the library that fitted them, and damaged ones are refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost
from sklearn.ensemble import HistGradientBoostingClassifier

from hmnist.arrays import softmax
from hmnist.errors import TrustError
from hmnist.guarded import write_arrays
from hmnist.models import boosting_sklearn, boosting_xgboost
from hmnist.models.trees import DEEPEST, LEAF, Trees

RANDOM = np.random.default_rng(2)
ROWS = RANDOM.integers(-5, 6, (1000, 12)).astype(np.float32)
LABELS = np.clip(ROWS[:, 0] // 4 + (ROWS[:, 1] > 2) + RANDOM.integers(0, 2, 1000), 0, 2).astype(int)


def one_tree() -> Trees:
    """Return x0 < 1 ? 10 : (x1 < 2 ? 20 : 30), and a tree that adds 1."""
    left, right = np.array([1, LEAF, 3, LEAF, LEAF]), np.array([2, LEAF, 4, LEAF, LEAF])
    leaf = (np.array([LEAF]), np.array([LEAF]), np.array([7]), np.array([1.0]))
    return Trees.from_nodes(
        [(left, right, np.array([0, 0, 1, 0, 0]), np.array([1.0, 10, 2, 20, 30])), leaf],
        outputs=1,
        inclusive=False,
        precision=np.float32,
    )


def test_rows_follow_the_nodes() -> None:
    trees = one_tree()
    rows = np.array([[0, 9], [1, 1], [1, 2], [0.5, 0]], np.float32)
    assert trees.add_leaves(rows, np.float32(100)).ravel().tolist() == [111, 121, 131, 111]
    assert trees.depth == 2
    assert trees.rounds == 2


@pytest.mark.parametrize("classes", [2, 3])
def test_they_predict_as_scikit_learn(classes: int) -> None:
    labels = LABELS % classes
    estimator = HistGradientBoostingClassifier(max_iter=20, max_leaf_nodes=9, random_state=0)
    estimator.fit(ROWS, labels)
    start, trees = boosting_sklearn._take_trees(estimator)
    expected = estimator._raw_predict(ROWS.astype(np.float64))
    np.testing.assert_array_equal(trees.add_leaves(ROWS, start), expected)
    if classes == 3:
        found = softmax(trees.add_leaves(ROWS, start))
        np.testing.assert_array_equal(found, estimator.predict_proba(ROWS))


def test_they_predict_as_xgboost(monkeypatch: pytest.MonkeyPatch) -> None:
    # Values that occur in training are thresholds, too: it matters to which side they go.
    matrix = xgboost.DMatrix(ROWS, LABELS)
    booster = xgboost.train(
        {"objective": "multi:softprob", "num_class": 3, "base_score": 0, "max_depth": 4, "seed": 1},
        matrix,
        25,
    )
    trees = boosting_xgboost._take_trees(booster, 3)
    expected = booster.predict(matrix, output_margin=True)
    found = trees.add_leaves(ROWS, np.float32(0))
    np.testing.assert_array_equal(found, expected)
    start = RANDOM.normal(size=(1000, 3)).astype(np.float32)
    expected = booster.inplace_predict(ROWS, base_margin=start, predict_type="margin")
    np.testing.assert_array_equal(trees.add_leaves(ROWS, start), expected)
    np.testing.assert_allclose(softmax(found), booster.predict(matrix), atol=3e-7)
    monkeypatch.setattr("hmnist.models.trees._BATCH", 200)  # two rows at once
    np.testing.assert_array_equal(trees.add_leaves(ROWS, np.float32(0)), found)


def load(path: Path, **changes: Any) -> Trees:
    kind: dict[str, Any] = {"rounds": 3, "outputs": 1, "inclusive": False, "precision": np.float32}
    return Trees.load(path, **({"width": 2} | kind | changes))


def test_they_come_back(tmp_path: Path) -> None:
    one_tree().save(tmp_path / "trees.npz")
    again = load(tmp_path / "trees.npz")
    assert vars(again).keys() >= {"columns", "numbers", "depth"}
    rows = RANDOM.normal(size=(50, 2)).astype(np.float32)
    np.testing.assert_array_equal(again.add_leaves(rows, 0), one_tree().add_leaves(rows, 0))


def chain(levels: int) -> list[int]:
    """Return the columns of a tree of which every left child has children."""
    return [0, *([0, LEAF] * (levels - 1)), LEAF, LEAF]


@pytest.mark.parametrize(
    ("columns", "rounds"),
    [
        ([0, LEAF], 1),  # a child is missing
        ([LEAF, LEAF], 1),  # a node that nobody reaches
        ([0, LEAF, LEAF, LEAF, LEAF], 1),
        ([0, 0, 0, 0], 1),
        ([0, LEAF, LEAF], 2),
        ([LEAF], 0),
        ([LEAF], -1),
        ([LEAF] * 4, 4),  # more rounds than the parameters allow
        ([], 1),
        ([2, LEAF, LEAF], 1),  # a column that there is not
        ([-2, LEAF, LEAF], 1),
        (chain(DEEPEST + 1), 1),
    ],
)
def test_what_is_no_tree_is_refused(columns: list[int], rounds: int, tmp_path: Path) -> None:
    path = tmp_path / "trees.npz"
    arrays = {"columns": np.array(columns, np.int32), "numbers": np.zeros(len(columns), np.float32)}
    write_arrays(path, {**arrays, "rounds": np.int64(rounds)})
    with pytest.raises(ValueError, match=r"trees|nodes|rounds|zero-size"):
        load(path)


def test_deep_trees_are_followed(tmp_path: Path) -> None:
    path, columns = tmp_path / "trees.npz", np.array(chain(DEEPEST), np.int32)
    numbers = np.arange(len(columns), dtype=np.float32)
    write_arrays(path, {"columns": columns, "numbers": numbers, "rounds": np.int64(1)})
    assert load(path).depth == DEEPEST
    lowest, highest = np.full((1, 2), -1, np.float32), np.full((1, 2), 1e9, np.float32)
    assert load(path).add_leaves(lowest, 0)[0, 0] == len(columns) - 2
    assert load(path).add_leaves(highest, 0)[0, 0] == 2


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf, 1e13])
def test_numbers_are_finite(number: float, tmp_path: Path) -> None:
    trees = one_tree()
    trees.numbers[3] = number
    trees.save(tmp_path / "trees.npz")
    with pytest.raises(TrustError, match="numbers has numbers that are infinite"):
        load(tmp_path / "trees.npz")
