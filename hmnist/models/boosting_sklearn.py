"""scikit-learn's gradient-boosted trees."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hmnist.models.base import Labels, Shape, Weights
from hmnist.models.boosting import MAX_BIN, BoostedModel
from hmnist.models.tabular import Table

__all__ = ["HistGBDT"]

_ESTIMATOR = "estimator.skops"

_TRUSTED = ["sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"]
"""What our own models contain beyond the types that skops trusts by itself."""


class HistGBDT(BoostedModel):
    """scikit-learn's histogram-based boosted trees.

    Parameters
    ----------
    classes, image_shape, random_state, features, linear_start
        As in `BoostedModel`.
    max_iter : int
        Rounds of boosting; each grows one tree per class.
    learning_rate : float
        How much each tree counts.
    max_leaf_nodes : int
        How many leaves a tree may have.
    max_features : float
        The share of features that each question may choose from.
    l2_regularization : float
        The ridge penalty on what leaves say.
    n_iter_no_change : int
        With validation images, boosting ends when their log loss has not improved for so long.

    Attributes
    ----------
    estimator_ : sklearn.ensemble.HistGradientBoostingClassifier
        The fitted trees.
    """

    def __init__(
        self,
        classes: Sequence[int] | None = None,
        image_shape: Shape | None = None,
        random_state: int | None = None,
        *,
        features: str = "pixels",
        linear_start: bool = False,
        max_iter: int = 150,
        learning_rate: float = 0.06,
        max_leaf_nodes: int = 8,
        max_features: float = 0.1,
        l2_regularization: float = 3.0,
        n_iter_no_change: int = 20,
    ) -> None:
        super().__init__(
            classes, image_shape, random_state, features=features, linear_start=linear_start
        )
        self.max_iter = max_iter
        self.learning_rate = learning_rate
        self.max_leaf_nodes = max_leaf_nodes
        self.max_features = max_features
        self.l2_regularization = l2_regularization
        self.n_iter_no_change = n_iter_no_change

    def _fit_table(
        self,
        table: Table,
        labels: Labels,
        weights: Weights | None,
        validation: tuple[Table, Labels] | None,
    ) -> None:
        from sklearn.ensemble import HistGradientBoostingClassifier

        columns = _beside(*self._start(table, labels, weights))
        estimator = HistGradientBoostingClassifier(
            max_iter=self.max_iter,
            learning_rate=self.learning_rate,
            max_leaf_nodes=self.max_leaf_nodes,
            max_features=self.max_features,
            max_bins=MAX_BIN - 1,  # one more is for what is missing
            l2_regularization=self.l2_regularization,
            n_iter_no_change=self.n_iter_no_change,
            # Without validation images it would divide the training images, through lesions.
            early_stopping=validation is not None,
            random_state=self._seed(),
        )
        if validation is None:
            estimator.fit(columns, labels, weights)
        else:
            held_out, held_out_labels = _beside(*self._go_on(validation[0])), validation[1]
            # It cannot score a diagnosis that it has not met.
            met = np.isin(held_out_labels, np.unique(labels))
            estimator.fit(columns, labels, weights, X_val=held_out[met], y_val=held_out_labels[met])
            _keep_best(estimator)
        self.estimator_ = estimator

    def _predict_table(self, table: Table) -> npt.NDArray[Any]:
        # A class that was absent from training keeps its column, at zero. The slice is for a
        # single class, of which scikit-learn answers two columns.
        met = self.estimator_.classes_
        probabilities = np.zeros((len(table), len(self.classes_)))
        answers = self.estimator_.predict_proba(_beside(*self._go_on(table)))
        probabilities[:, met] = answers[:, : len(met)]
        return probabilities

    def _save_fitted(self, folder: Path) -> dict[str, Any]:
        import skops.io

        skops.io.dump(self.estimator_, folder / _ESTIMATOR)
        return super()._save_fitted(folder)

    def _load_fitted(self, folder: Path, facts: dict[str, Any]) -> None:
        import skops.io

        super()._load_fitted(folder, facts)
        self.estimator_ = skops.io.load(folder / _ESTIMATOR, trusted=_TRUSTED)

    @property
    def n_iter_(self) -> int:
        """The rounds that were kept."""
        return int(self.estimator_.n_iter_)

    @property
    def parameter_count(self) -> int:
        """The number of nodes of all trees."""
        rounds = self.estimator_._predictors  # noqa: SLF001 - there is no public way to count them
        return sum(len(tree.nodes) for trees in rounds for tree in trees)


def _beside(log_odds: Table | None, columns: Table) -> Table:
    """Return the log-odds as further columns, since scikit-learn's trees start from nothing."""
    return columns if log_odds is None else np.hstack([log_odds, columns])


def _keep_best(estimator: Any) -> None:
    """Drop the rounds after the one that validation liked best, as xgboost does."""
    best = max(1, int(np.argmax(estimator.validation_score_)))  # the first score is of no round
    del estimator._predictors[best:]  # noqa: SLF001 - there is no public way to shorten it
