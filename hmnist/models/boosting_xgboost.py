"""`XGBoost`: xgboost's gradient-boosted trees."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hmnist.arrays import Float32, Float64, Labels
from hmnist.models.boosting import MAX_BIN, BoostedModel
from hmnist.models.tabular import Rows

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
    booster_ : xgboost.Booster
        The fitted trees.
    """

    n_estimators: int = 200
    learning_rate: float = 0.06
    max_depth: int = 3
    subsample: float = 0.7
    colsample_bynode: float = 0.1
    reg_lambda: float = 3.0
    early_stopping_rounds: int = 25

    def _fit_features(
        self, features: Float32, labels: Labels, weights: Float64 | None, validation: Rows | None
    ) -> None:
        import xgboost

        make_matrix = partial(xgboost.QuantileDMatrix, max_bin=MAX_BIN)
        log_odds, columns = self._fit_start(features, labels, weights)
        training = make_matrix(columns, labels, weight=weights, base_margin=_margin(log_odds))
        watched = []
        if validation is not None:
            log_odds, columns = self._start(validation[0])
            held_out = make_matrix(
                columns, validation[1], ref=training, base_margin=_margin(log_odds)
            )
            watched = [(held_out, "validation")]
        booster = xgboost.train(
            {
                "objective": "multi:softprob",
                "num_class": len(self.classes_),
                "eval_metric": "mlogloss",
                "tree_method": "hist",
                "max_bin": MAX_BIN,
                "eta": self.learning_rate,
                "max_depth": self.max_depth,
                "subsample": self.subsample,
                "colsample_bynode": self.colsample_bynode,
                "reg_lambda": self.reg_lambda,
                "base_score": 0,
                "seed": self._seed(),
            },
            training,
            num_boost_round=self.n_estimators,
            evals=watched,
            early_stopping_rounds=self.early_stopping_rounds if watched else None,
            callbacks=[_reporter(self)],
            verbose_eval=False,
        )
        if watched:
            booster = booster[: booster.best_iteration + 1]
        self.booster_ = booster

    def _predict_features(self, features: Float32) -> npt.NDArray[Any]:
        log_odds, columns = self._start(features)
        probabilities = self.booster_.inplace_predict(columns, base_margin=_margin(log_odds))
        # In float32 the sums of rows differ from 1 so much that scikit-learn's scores warn.
        probabilities = probabilities.reshape(len(features), -1).astype(np.float64)
        return np.asarray(probabilities / probabilities.sum(axis=1, keepdims=True))

    @property
    def parameter_count(self) -> int:
        """The number of nodes of all trees."""
        return len(self.booster_.trees_to_dataframe())

    def _save_fitted(self, folder: Path) -> dict[str, Any]:
        self.booster_.save_model(folder / "booster.ubj")
        return super()._save_fitted(folder)

    def _load_fitted(self, folder: Path, facts: dict[str, Any]) -> None:
        import xgboost

        super()._load_fitted(folder, facts)
        self.booster_ = xgboost.Booster(model_file=folder / "booster.ubj")


def _margin(log_odds: Float32 | None) -> Float32 | None:
    """Return the start of xgboost: a part of the log-odds, since the trees add to them."""
    return None if log_odds is None else np.float32(START_SHARE) * log_odds


def _reporter(model: XGBoost) -> Any:
    import xgboost

    class Reporter(xgboost.callback.TrainingCallback):
        def after_iteration(self, _model: Any, epoch: int, _evals_log: Any) -> bool:
            model.report_step(epoch + 1, model.n_estimators)
            return False

    return Reporter()
