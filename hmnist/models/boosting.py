"""`BoostedModel`: what boosted trees have in common, and the linear model that they start from."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hmnist.models.base import Labels, Shape, Weights
from hmnist.models.linear import Linear, cross_fit
from hmnist.models.tabular import Table, TabularModel

__all__ = ["MAX_BIN", "BoostedModel"]

MAX_BIN = 64
"""Features of a tiny image need no finer questions, and coarse ones are quicker."""

_LINEAR = "linear.npz"


class BoostedModel(TabularModel):
    """The base of the boosted trees.

    Parameters
    ----------
    classes, image_shape, random_state, features
        As in `TabularModel`.
    linear_start : bool
        Whether the trees start from a cross-fitted logistic regression (`hmnist.models.linear`).
        It reads all columns; the trees then leave those of patches to it, of which single ones
        say little.

    Attributes
    ----------
    linear_ : Linear or None
        What the trees start from.
    kept_ : numpy.ndarray of int64
        The columns that the trees read.
    """

    def __init__(
        self,
        classes: Sequence[int] | None = None,
        image_shape: Shape | None = None,
        random_state: int | None = None,
        *,
        features: str = "pixels",
        linear_start: bool = False,
    ) -> None:
        super().__init__(classes, image_shape, random_state, features=features)
        self.linear_start = linear_start

    def _start(
        self, table: Table, labels: Labels, weights: Weights | None
    ) -> tuple[Table | None, Table]:
        """Return the log-odds of the training images, if any, and the columns for trees."""
        names = self.reader_.names(self.n_features_in_)
        # A single class leaves nothing to regress.
        started = self.linear_start and len(np.unique(labels)) > 1
        self.kept_ = np.array(
            [place for place, name in enumerate(names) if not (started and " patch " in name)]
        )
        self.linear_, log_odds = None, None
        if started:
            self.linear_, log_odds = cross_fit(
                table,
                labels,
                weights,
                classes=len(self.classes_),
                seed=self._seed(),
            )
        return log_odds, table[:, self.kept_]

    def _go_on(self, table: Table) -> tuple[Table | None, Table]:
        """Return the log-odds of other images, if any, and the columns for trees."""
        log_odds = None if self.linear_ is None else self.linear_.log_odds(table)
        return log_odds, table[:, self.kept_]

    def _save_fitted(self, folder: Path) -> dict[str, Any]:
        if self.linear_ is not None:
            self.linear_.save(folder / _LINEAR)
        facts = super()._save_fitted(folder)
        return {**facts, "started": self.linear_ is not None, "kept": self.kept_.tolist()}

    def _load_fitted(self, folder: Path, facts: dict[str, Any]) -> None:
        super()._load_fitted(folder, facts)
        self.linear_ = Linear.load(folder / _LINEAR) if facts["started"] else None
        self.kept_ = np.array(facts["kept"])
