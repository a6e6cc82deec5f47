"""`Trees`: boosted trees as two arrays, whatever library has fitted them.

The nodes of all trees stand level by level: first the roots, then their children, and so on. The
children of a node stand side by side, and follow those of the nodes before it. So the arrays need
not say where they are, and a file of them cannot contain a circle or a child that does not exist.
Neither the files of the libraries nor pickles are read: the readers of both trust what they read.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from hmnist.arrays import Array, Booleans, Float32, Indices
from hmnist.guarded import read_arrays, write_arrays

LEAF = -1
"""Stands in place of the column of a node that is a leaf."""

DEEPEST = 1000
"""Levels of a tree, many times those of a useful one."""

_BATCH = 2**18  # rows × trees that are followed at once: about what a core's cache can hold


@dataclass(frozen=True, eq=False)
class Trees:
    """Fitted trees.

    Attributes
    ----------
    columns : numpy.ndarray of int32, shape (nodes,)
        The column that a node compares, `LEAF` for leaves.
    numbers : numpy.ndarray of float32 or float64, shape (nodes,)
        The threshold of a node, or what a leaf adds. Sums have this precision.
    rounds : int
        Rounds of boosting.
    outputs : int
        Trees of each round, one for each number that is predicted.
    inclusive : bool
        Whether rows whose value equals the threshold go left, as scikit-learn has it; right, as in
        xgboost, otherwise.
    """

    columns: npt.NDArray[np.int32]
    numbers: npt.NDArray[np.floating]
    rounds: int
    outputs: int
    inclusive: bool

    @classmethod
    def from_nodes(
        cls,
        trees: Iterable[tuple[Array, Array, Array, Array]],
        *,
        outputs: int,
        inclusive: bool,
        precision: npt.DTypeLike,
    ) -> Self:
        """Return trees of which each is four arrays with an item per node.

        They are the left and the right child, `LEAF` for leaves; the column; and the number. The
        root is the first node. Trees stand round by round.
        """
        parts = [[np.asarray(array) for array in tree] for tree in trees]
        starts = np.cumsum([0, *(len(tree[0]) for tree in parts)])[:-1]
        is_leaf = np.concatenate([tree[0] == LEAF for tree in parts])
        offsets = np.repeat(starts, [len(tree[0]) for tree in parts])
        left, right = (
            np.concatenate([tree[side] for tree in parts]).astype(np.int64) + offsets
            for side in (0, 1)
        )
        level, levels = starts, []
        while len(level):
            levels.append(level)
            inner = level[~is_leaf[level]]
            level = np.stack([left[inner], right[inner]], axis=1).ravel()
        order = np.concatenate(levels)
        columns = np.concatenate([tree[2] for tree in parts])[order]
        numbers = np.concatenate([tree[3] for tree in parts])[order]
        return cls(
            np.where(is_leaf[order], LEAF, columns).astype(np.int32),
            numbers.astype(precision),
            len(parts) // outputs,
            outputs,
            inclusive,
        )

    @classmethod
    def load(
        cls,
        path: Path,
        width: int,
        *,
        rounds: int,
        outputs: int,
        inclusive: bool,
        precision: npt.DTypeLike,
    ) -> Self:
        """Read the file of `save`, of trees for `width` columns and at most so many rounds.

        Raises
        ------
        TrustError
            If the file is damaged.
        ValueError
            If its arrays are not such trees.
        """
        arrays = read_arrays(
            path,
            {
                "columns": (np.int32, (None,)),
                "numbers": (precision, (None,)),
                "rounds": ("<i8", ()),
            },
        )
        found = int(arrays["rounds"])
        if not 1 <= found <= rounds:
            raise ValueError(f"it has {found:,} rounds of trees; expected 1 to {rounds:,}")
        trees = cls(arrays["columns"], arrays["numbers"], found, outputs, inclusive)
        if len(trees.numbers) != len(trees.columns):
            raise ValueError(f"{len(trees.numbers)} numbers for {len(trees.columns)} nodes")
        if trees.columns.min() < LEAF or trees.columns.max() >= width:
            raise ValueError(f"its trees read columns that are none of the {width:,}")
        _ = trees.depth  # it checks that all nodes belong to trees
        return trees

    def save(self, path: Path) -> None:
        """Write the arrays into an ``.npz`` file."""
        write_arrays(
            path,
            {"columns": self.columns, "numbers": self.numbers, "rounds": np.int64(self.rounds)},
        )

    @cached_property
    def depth(self) -> int:
        """The number of comparisons from a root to the deepest leaf.

        Raises
        ------
        ValueError
            If nodes are missing or left over, or trees are deeper than `DEEPEST`.
        """
        start, size, depth = 0, self.rounds * self.outputs, -1
        while size and start + size <= len(self.columns) and depth < DEEPEST:
            inner = int(np.count_nonzero(self.columns[start : start + size] != LEAF))
            start, size, depth = start + size, 2 * inner, depth + 1
        if size or start != len(self.columns):
            raise ValueError(f"{len(self.columns):,} nodes are no {self.rounds} rounds of trees")
        return depth

    def add_leaves(self, rows: Float32, start: npt.ArrayLike) -> npt.NDArray[np.floating]:
        """Return the start of each row with what its leaves add, shape (n, outputs).

        The rows are float32, shape (n, columns); the start has the shape (n, outputs) or (outputs,)
        and is added first. Sums are made round by round.
        """
        totals = np.empty((len(rows), self.outputs), self.numbers.dtype)
        totals[:] = start
        size = max(1, _BATCH // (self.rounds * self.outputs))
        for first in range(0, len(rows), size):
            part = slice(first, first + size)
            leaves = self.numbers[self._find_leaves(rows[part])]
            for number in range(self.rounds):
                totals[part] += leaves[:, number * self.outputs : (number + 1) * self.outputs]
        return totals

    def _find_leaves(self, rows: Float32) -> Indices:
        """Return the leaf of each row in each tree: int64, shape (n, trees)."""
        columns, thresholds, children = self._followed
        values = np.ascontiguousarray(rows).ravel()
        offsets = np.arange(len(rows))[:, None] * rows.shape[1]
        nodes = np.broadcast_to(
            np.arange(self.rounds * self.outputs), (len(rows), self.rounds * self.outputs)
        )
        for _ in range(self.depth):
            compared, limits = values.take(columns.take(nodes) + offsets), thresholds.take(nodes)
            goes_right: Booleans = compared > limits if self.inclusive else compared >= limits
            nodes = children.take(nodes) + goes_right
        return np.asarray(nodes)

    @cached_property
    def _followed(self) -> tuple[Indices, npt.NDArray[np.floating], Indices]:
        """Column, threshold and left child of each node; a leaf is its own."""
        is_leaf = self.columns == LEAF
        children = np.arange(len(self.columns))
        inner = np.arange(np.count_nonzero(~is_leaf))
        children[~is_leaf] = self.rounds * self.outputs + 2 * inner
        thresholds = np.where(is_leaf, np.inf, self.numbers).astype(self.numbers.dtype)
        return np.where(is_leaf, 0, self.columns).astype(np.int64), thresholds, children

    def __getstate__(self) -> dict[str, Any]:
        # What is computed from the fields is computed again.
        return {name: getattr(self, name) for name in self.__dataclass_fields__}
