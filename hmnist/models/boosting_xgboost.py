"""`XGBoost`: xgboost's gradient-boosted trees."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from hmnist.arrays import Array, Float32, Indices, softmax
from hmnist.hardware import chosen_device
from hmnist.large_arrays import chunks_of, release
from hmnist.models.boosting import MAX_BIN, BoostedModel
from hmnist.models.labelled_images import LabelledImages
from hmnist.models.parameters import Amount, Count, Rate, SomeShare
from hmnist.models.search_space import Interval, SearchSpace
from hmnist.models.tabular import Rows
from hmnist.models.trees import Trees

if TYPE_CHECKING:
    import xgboost

START_SHARE = 0.7
"""The share of the linear model's log-odds that xgboost starts from."""


@dataclass(eq=False, repr=False, kw_only=True)
class XGBoost(BoostedModel):
    """xgboost's boosted trees (Chen & Guestrin 2016), a softmax over all classes.

    It uses xgboost's native interface which, unlike the wrapper for scikit-learn, allows a class to
    be absent from training.

    Parameters
    ----------
    classes, image_shape, random_state, features, linear_start
        As in `BoostedModel`.
    n_estimators : int
        Rounds of boosting; each adds one tree per class.
    learning_rate : float
        The weight of each tree.
    max_depth : int
        The largest depth of a tree.
    subsample, colsample_bynode : float
        The shares of images for each tree and of features for each node.
    reg_lambda : float
        The ridge penalty on the values of leaves.
    early_stopping_rounds : int
        With validation images, boosting ends after so many rounds without a better log loss.

    Attributes
    ----------
    trees_ : Trees
        The fitted trees.
    """

    search_space: ClassVar[SearchSpace] = {
        "learning_rate": Interval(0.01, 0.2, log=True),
        "max_depth": Interval(2, 6),
        "subsample": Interval(0.4, 1.0),
        "colsample_bynode": Interval(0.03, 0.5, log=True),
        "reg_lambda": Interval(0.1, 30.0, log=True),
    }

    n_estimators: Count = 200
    learning_rate: Rate = 0.06
    max_depth: Count = 3
    subsample: SomeShare = 0.7
    colsample_bynode: SomeShare = 0.1
    reg_lambda: Amount = 3.0
    early_stopping_rounds: Count = 25

    @property
    def rounds(self) -> int:
        """The largest number of rounds."""
        return self.n_estimators

    def _fit_features(
        self, features: Float32, training: LabelledImages, validation: Rows | None
    ) -> None:
        import xgboost

        margin = _margin(self._fit_start(features, training))
        batches = _make_batches(
            features, self.kept_, label=training.labels, weight=training.weights, base_margin=margin
        )
        trained = xgboost.QuantileDMatrix(batches, max_bin=MAX_BIN)
        watched = []
        if validation is not None:
            margin = _margin(self._start(validation[0]))
            batches = _make_batches(
                validation[0], self.kept_, label=validation[1], base_margin=margin
            )
            held_out = xgboost.QuantileDMatrix(batches, max_bin=MAX_BIN, ref=trained)
            watched = [(held_out, "validation")]
        booster = xgboost.train(
            {
                "objective": "multi:softprob",
                "num_class": len(self.classes_),
                "eval_metric": "mlogloss",
                "tree_method": "hist",
                "device": "cuda" if chosen_device() == "gpu" else "cpu",
                "max_bin": MAX_BIN,
                "eta": self.learning_rate,
                "max_depth": self.max_depth,
                "subsample": self.subsample,
                "colsample_bynode": self.colsample_bynode,
                "reg_lambda": self.reg_lambda,
                "base_score": 0,
                "seed": self._seed(),
            },
            trained,
            num_boost_round=self.n_estimators,
            evals=watched,
            early_stopping_rounds=self.early_stopping_rounds if watched else None,
            callbacks=[_reporter(self)],
            verbose_eval=False,
        )
        if watched:
            booster = booster[: booster.best_iteration + 1]
        self.trees_ = _take_trees(booster, len(self.classes_))

    def _predict_features(self, features: Float32) -> npt.NDArray[Any]:
        probabilities = np.empty((len(features), len(self.classes_)))
        for part in chunks_of(features):
            margin = _margin(self._start(features[part]))
            logits = self.trees_.add_leaves(
                features[part][:, self.kept_], np.float32(0) if margin is None else margin
            )
            probabilities[part] = softmax(logits)
            release(features)
        return probabilities

    def _load_fitted(self, folder: Path, facts: dict[str, Any]) -> None:
        super()._load_fitted(folder, facts)
        self._load_trees(
            folder,
            len(self.kept_),
            outputs=len(self.classes_),
            inclusive=False,
            precision=np.float32,
        )


def _margin(log_odds: Float32 | None) -> Float32 | None:
    """Return the start of xgboost: a part of the log-odds, since the trees add to them."""
    return None if log_odds is None else np.float32(START_SHARE) * log_odds


def _take_trees(booster: "xgboost.Booster", classes: int) -> Trees:
    """Return the trees of a fitted booster."""
    model = json.loads(booster.save_raw("json"))["learner"]["gradient_booster"]["model"]
    return Trees.from_nodes(
        (
            (
                np.array(tree["left_children"]),
                np.array(tree["right_children"]),
                np.array(tree["split_indices"]),
                np.array(tree["split_conditions"]),
            )
            for tree in model["trees"]
        ),
        outputs=classes,
        inclusive=False,
        precision=np.float32,
    )


def _make_batches(features: Float32, kept: Indices, **rows: Array | None) -> Any:
    """Return batches of the columns kept, and of numbers for each row, as xgboost takes them.

    Only one batch is in memory at once: xgboost keeps a byte for each value.
    """
    import xgboost

    class Batches(xgboost.DataIter):
        def reset(self) -> None:
            self.parts = chunks_of(features)

        def next(self, input_data: Callable[..., None]) -> bool:
            part = next(self.parts, None)
            if part is not None:
                given = {name: row[part] for name, row in rows.items() if row is not None}
                input_data(data=features[part][:, kept], **given)
                release(features)
            return part is not None

    batches = Batches()
    batches.reset()
    return batches


def _reporter(model: XGBoost) -> Any:
    import xgboost

    class Reporter(xgboost.callback.TrainingCallback):
        def after_iteration(self, _model: Any, epoch: int, evals_log: Any) -> bool:
            model.report_step(epoch + 1, model.rounds, "rounds")
            if "validation" in evals_log:
                loss = evals_log["validation"]["mlogloss"][-1]
                model.report_loss((epoch + 1) / model.rounds, loss)
            return False

    return Reporter()
