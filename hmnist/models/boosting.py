"""`BoostedModel`: the base class of the boosted trees, and the linear model they start from."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import convert

from hmnist.arrays import Float32, Indices
from hmnist.models.cross_fitting import cross_fit
from hmnist.models.labelled_images import LabelledImages
from hmnist.models.linear import Linear
from hmnist.models.tabular import TabularModel
from hmnist.models.trees import Trees

_FILE = "trees.npz"

MAX_BIN = 64
"""Features of a tiny image need no finer thresholds, and coarse ones are quicker."""


@dataclass(eq=False, repr=False, kw_only=True)
class BoostedModel(TabularModel):
    """The base class of the boosted trees.

    Parameters
    ----------
    classes, image_shape, random_state, features
        As in `TabularModel`.
    linear_start : bool
        Whether the trees start from a cross-fitted logistic regression (`hmnist.models.linear`).
        It reads all columns. The trees then leave out the columns of patches, of which each alone
        says little.

    The trees `trees_` start from the linear model `linear_`, unless that is None, and read the
    columns `kept_` (int64). The library that fitted them is not needed any more.
    """

    linear_start: bool = False

    @property
    def rounds(self) -> int:
        """The largest number of rounds of boosting."""
        raise NotImplementedError

    def stages(self) -> dict[str, float]:
        """Return the stages of a training: features take as long as 80 rounds, the start 250."""
        return {
            "features": 80 if self.features == "lesion" else 0,
            "start": 250 if self.linear_start else 0,
            "rounds": self.rounds,
        }

    def _fit_start(self, features: Float32, training: LabelledImages) -> Float32 | None:
        """Fit the linear model and choose columns; return the log-odds of the images, if any."""
        starts = (
            self.linear_start and len(np.unique(training.labels)) > 1
        )  # regression needs two classes
        self.kept_ = self._choose_columns(starts=starts)
        self.linear_, log_odds = None, None
        if starts:
            self.linear_, log_odds = cross_fit(
                features,
                training.labels,
                training.weights,
                training.group(),
                classes=len(self.classes_),
                seed=self._seed(),
                on_step=self.reporter("start"),
            )
        return log_odds

    def _choose_columns(self, *, starts: bool) -> Indices:
        """Return the columns that the trees read."""
        names = self.feature_names()
        kept = [index for index, name in enumerate(names) if not (starts and " patch " in name)]
        return np.array(kept, dtype=np.int64)

    def _start(self, features: Float32) -> Float32 | None:
        """Return the log-odds of other images, if any."""
        return None if self.linear_ is None else self.linear_.log_odds(features)

    @property
    def n_iter_(self) -> int:
        """The rounds that were kept."""
        return self.trees_.rounds

    @property
    def parameter_count(self) -> int:
        """The number of nodes of all trees."""
        return len(self.trees_.columns)

    def _save_fitted(self, folder: Path) -> dict[str, Any]:
        self.trees_.save(folder / _FILE)
        if self.linear_ is not None:
            self.linear_.save(folder)
        facts = super()._save_fitted(folder)
        return {**facts, "started": self.linear_ is not None}

    def _load_fitted(self, folder: Path, facts: dict[str, Any]) -> None:
        super()._load_fitted(folder, facts)
        width = len(self.feature_names())
        self.linear_ = None
        if convert(facts["started"], bool):
            self.linear_ = Linear.load(folder, width, len(self.classes_))
        self.kept_ = self._choose_columns(starts=self.linear_ is not None)

    def _load_trees(self, folder: Path, width: int, **kind: Any) -> None:
        """Read trees for so many columns; their kind is that of `Trees.load`."""
        self.trees_ = Trees.load(folder / _FILE, width, rounds=self.rounds, **kind)
