"""`HistGBDT`: scikit-learn's gradient-boosted trees."""

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from hmnist.arrays import Float32, Float64, Labels
from hmnist.models.boosting import MAX_BIN, BoostedModel
from hmnist.models.search_space import Interval, SearchSpace
from hmnist.models.tabular import Rows

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingClassifier

_ESTIMATOR = "estimator.skops"

_TRUSTED = ["sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"]
"""The type that our models contain beside those that skops trusts by itself."""

POLL_SECONDS = 0.5
"""How often the rounds are counted while scikit-learn fits, which reports none."""


@dataclass(eq=False, repr=False, kw_only=True)
class HistGBDT(BoostedModel):
    """scikit-learn's histogram-based boosted trees.

    Parameters
    ----------
    classes, image_shape, random_state, features, linear_start
        As in `BoostedModel`.
    max_iter : int
        Rounds of boosting; each adds one tree per class.
    learning_rate : float
        The weight of each tree.
    max_leaf_nodes : int
        The largest number of leaves of a tree.
    max_features : float
        The share of features that are tried at each node.
    l2_regularization : float
        The ridge penalty on the values of leaves.
    n_iter_no_change : int
        With validation images, boosting ends after so many rounds without a better log loss.

    Attributes
    ----------
    estimator_ : sklearn.ensemble.HistGradientBoostingClassifier
        The fitted trees.
    """

    search_space: ClassVar[SearchSpace] = {
        "learning_rate": Interval(0.01, 0.2, log=True),
        "max_leaf_nodes": Interval(4, 32, log=True),
        "max_features": Interval(0.03, 0.5, log=True),
        "l2_regularization": Interval(0.1, 30.0, log=True),
    }

    max_iter: int = 150
    learning_rate: float = 0.06
    max_leaf_nodes: int = 8
    max_features: float = 0.1
    l2_regularization: float = 3.0
    n_iter_no_change: int = 20

    @property
    def rounds(self) -> int:
        """The largest number of rounds."""
        return self.max_iter

    def _fit_features(
        self, features: Float32, labels: Labels, weights: Float64 | None, validation: Rows | None
    ) -> None:
        from sklearn.ensemble import HistGradientBoostingClassifier

        columns = self._join(self._fit_start(features, labels, weights), features)
        estimator = HistGradientBoostingClassifier(
            max_iter=self.max_iter,
            learning_rate=self.learning_rate,
            max_leaf_nodes=self.max_leaf_nodes,
            max_features=self.max_features,
            max_bins=MAX_BIN - 1,  # scikit-learn adds one for missing values
            l2_regularization=self.l2_regularization,
            n_iter_no_change=self.n_iter_no_change,
            # Without validation images it would hold out training images and separate lesions.
            early_stopping=validation is not None,
            random_state=self._seed(),
        )
        if validation is None:
            with _polled(estimator, self):
                estimator.fit(columns, labels, weights)
        else:
            held_out, held_out_labels = self._join_start(validation[0]), validation[1]
            # It cannot score a diagnosis that is absent from training.
            known = np.isin(held_out_labels, np.unique(labels))
            with _polled(estimator, self):
                estimator.fit(
                    columns, labels, weights, X_val=held_out[known], y_val=held_out_labels[known]
                )
            # Later rounds are dropped, as xgboost does. The first score is before any round.
            best = max(1, int(np.argmax(estimator.validation_score_)))
            del estimator._predictors[best:]  # noqa: SLF001 - no public method shortens it
        self.estimator_ = estimator

    def _predict_features(self, features: Float32) -> npt.NDArray[Any]:
        # A class that was absent from training has a column of zeros. The slice is for a single
        # class, for which scikit-learn returns two columns.
        known = self.estimator_.classes_
        probabilities = np.zeros((len(features), len(self.classes_)))
        columns = self.estimator_.predict_proba(self._join_start(features))
        probabilities[:, known] = columns[:, : len(known)]
        return probabilities

    def _join_start(self, features: Float32) -> Float32:
        return self._join(self._start(features), features)

    def _join(self, log_odds: Float32 | None, features: Float32) -> Float32:
        """Return the log-odds as further columns, since scikit-learn's trees take no start."""
        columns = features[:, self.kept_]
        return columns if log_odds is None else np.hstack([log_odds, columns])

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
        rounds = self.estimator_._predictors  # noqa: SLF001 - no public attribute has them
        return sum(len(tree.nodes) for trees in rounds for tree in trees)


@contextlib.contextmanager
def _polled(estimator: "HistGradientBoostingClassifier", model: HistGBDT) -> Iterator[None]:
    """Report the rounds of an estimator while the block fits it."""
    if model.on_step is None:
        yield
        return
    fitted = threading.Event()

    def poll() -> None:
        while not fitted.wait(POLL_SECONDS):
            rounds = getattr(estimator, "n_iter_", 0)  # unknown before the first
            model.report_step(rounds, model.rounds, "rounds")

    thread = threading.Thread(target=poll, daemon=True)
    thread.start()
    try:
        yield
    finally:
        fitted.set()
        thread.join()
