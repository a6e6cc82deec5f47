"""`HistGBDT`: scikit-learn's gradient-boosted trees."""

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt
from msgspec import convert

from hmnist.arrays import Float32, Float64, Indices, softmax
from hmnist.large_arrays import chunks_of, release
from hmnist.models.boosting import MAX_BIN, BoostedModel
from hmnist.models.labelled_images import LabelledImages
from hmnist.models.parameters import Amount, Count, Leaves, Rate, SomeShare
from hmnist.models.search_space import Interval, SearchSpace
from hmnist.models.tabular import Rows
from hmnist.models.trees import LEAF, Trees

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingClassifier

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
    trees_ : Trees
        The fitted trees.
    start_ : numpy.ndarray of float64, shape (outputs,)
        What they start from: scikit-learn's first guess.
    known_ : numpy.ndarray of int64
        The positions of the classes that occurred in training.
    """

    search_space: ClassVar[SearchSpace] = {
        "learning_rate": Interval(0.01, 0.2, log=True),
        "max_leaf_nodes": Interval(4, 32, log=True),
        "max_features": Interval(0.03, 0.5, log=True),
        "l2_regularization": Interval(0.1, 30.0, log=True),
    }

    max_iter: Count = 150
    learning_rate: Rate = 0.06
    max_leaf_nodes: Leaves = 8
    max_features: SomeShare = 0.1
    l2_regularization: Amount = 3.0
    n_iter_no_change: Count = 20

    @property
    def rounds(self) -> int:
        """The largest number of rounds."""
        return self.max_iter

    def _fit_features(
        self, features: Float32, training: LabelledImages, validation: Rows | None
    ) -> None:
        from sklearn.ensemble import HistGradientBoostingClassifier

        labels, weights = training.labels, training.weights
        columns = self._join(self._fit_start(features, training), features)
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
        self.known_ = np.asarray(estimator.classes_, dtype=np.int64)
        self.start_, self.trees_ = _take_trees(estimator)

    def _predict_features(self, features: Float32) -> npt.NDArray[Any]:
        # A class that was absent from training has a column of zeros.
        probabilities = np.zeros((len(features), len(self.classes_)))
        for part in chunks_of(features):
            logits = self.trees_.add_leaves(self._join_start(features[part]), self.start_)
            if (
                _count_outputs(self.known_) == 1
            ):  # the log-odds of the second class, if there is one
                logits = np.hstack([np.zeros_like(logits), logits])[:, : len(self.known_)]
            probabilities[part, self.known_] = softmax(logits)
            release(features)
        return probabilities

    def _join_start(self, features: Float32) -> Float32:
        return self._join(self._start(features), features)

    def _join(self, log_odds: Float32 | None, features: Float32) -> Float32:
        """Return the log-odds as further columns, since scikit-learn's trees take no start."""
        columns = features[:, self.kept_]
        return columns if log_odds is None else np.hstack([log_odds, columns])

    def _save_fitted(self, folder: Path) -> dict[str, Any]:
        facts = super()._save_fitted(folder)
        return {**facts, "start": self.start_.tolist(), "known": self.known_.tolist()}

    def _load_fitted(self, folder: Path, facts: dict[str, Any]) -> None:
        super()._load_fitted(folder, facts)
        self.start_ = np.array(convert(facts["start"], list[float]))
        self.known_ = np.array(convert(facts["known"], list[int]), dtype=np.int64)
        classes, outputs = np.arange(len(self.classes_)), _count_outputs(self.known_)
        if not len(self.known_) or (self.known_ != np.intersect1d(classes, self.known_)).any():
            raise ValueError(f"its known classes are {self.known_[:8].tolist()}")
        if len(self.start_) != outputs:
            raise ValueError(f"it starts from {len(self.start_)} numbers; expected {outputs}")
        width = len(self.kept_) + (0 if self.linear_ is None else len(classes))
        self._load_trees(folder, width, outputs=outputs, inclusive=True, precision=np.float64)


def _count_outputs(known: Indices) -> int:
    """Return the trees of each round: one for two classes, since their log-odds are opposite."""
    return len(known) if len(known) > 2 else 1


def _take_trees(estimator: "HistGradientBoostingClassifier") -> tuple[Float64, Trees]:
    """Return the first guess and the trees of a fitted estimator."""
    # No public attribute has them.
    rounds, start = estimator._predictors, estimator._baseline_prediction  # noqa: SLF001
    nodes = [tree.nodes for trees in rounds for tree in trees]
    trees = Trees.from_nodes(
        (
            (
                np.where(node["is_leaf"], LEAF, node["left"].astype(np.int64)),
                node["right"],
                node["feature_idx"],
                np.where(node["is_leaf"], node["value"], node["num_threshold"]),
            )
            for node in nodes
        ),
        outputs=len(rounds[0]),
        inclusive=True,
        precision=np.float64,
    )
    return np.asarray(start, dtype=np.float64).ravel(), trees


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
