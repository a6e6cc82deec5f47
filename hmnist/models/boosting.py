"""Gradient-boosted trees: xgboost's and scikit-learn's."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hmnist.models.base import Labels, Shape, Weights
from hmnist.models.tabular import EstimatorModel, Table, TabularModel

__all__ = ["HistGBDT", "XGBoost"]


class XGBoost(TabularModel):
    """xgboost's boosted trees (Chen & Guestrin 2016), a softmax over all classes.

    Its native interface is used because, unlike its scikit-learn wrapper, it allows a class to be
    absent from training.

    Parameters
    ----------
    classes, image_shape, random_state, features
        As in `TabularModel`.
    n_estimators : int
        Rounds of boosting; each grows one tree per class.
    learning_rate : float
        How much each tree counts.
    max_depth : int
        How many questions deep a tree may be.
    subsample, colsample_bynode : float
        The shares of images per tree and of features per question.
    early_stopping_rounds : int
        With validation images, boosting ends when their log loss has not improved for so long.

    Attributes
    ----------
    booster_ : xgboost.Booster
        The fitted trees.
    """

    def __init__(
        self,
        classes: Sequence[int] | None = None,
        image_shape: Shape | None = None,
        random_state: int | None = None,
        *,
        features: str = "pixels",
        n_estimators: int = 200,
        learning_rate: float = 0.1,
        max_depth: int = 5,
        subsample: float = 0.8,
        colsample_bynode: float = 0.1,
        early_stopping_rounds: int = 20,
    ) -> None:
        super().__init__(classes, image_shape, random_state, features=features)
        self.n_estimators = n_estimators
        self.learning_rate = learning_rate
        self.max_depth = max_depth
        self.subsample = subsample
        self.colsample_bynode = colsample_bynode
        self.early_stopping_rounds = early_stopping_rounds

    def _fit_table(
        self,
        table: Table,
        labels: Labels,
        weights: Weights | None,
        validation: tuple[Table, Labels] | None,
    ) -> None:
        import xgboost

        training = xgboost.QuantileDMatrix(table, labels, weight=weights, max_bin=64)
        watched = []
        if validation is not None:
            watched = [
                (xgboost.QuantileDMatrix(*validation, ref=training, max_bin=64), "validation")
            ]
        booster = xgboost.train(
            {
                "objective": "multi:softprob",
                "num_class": len(self.classes_),
                "eval_metric": "mlogloss",
                "tree_method": "hist",
                "max_bin": 64,
                "eta": self.learning_rate,
                "max_depth": self.max_depth,
                "subsample": self.subsample,
                "colsample_bynode": self.colsample_bynode,
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

    def _predict_table(self, table: Table) -> npt.NDArray[Any]:
        probabilities = self.booster_.inplace_predict(table).reshape(len(table), -1)
        # In float32 the rows miss 1 by enough for scikit-learn's scores to warn.
        probabilities = probabilities.astype(np.float64)
        return np.asarray(probabilities / probabilities.sum(axis=1, keepdims=True))

    @property
    def parameter_count(self) -> int:
        """The number of nodes of all trees."""
        return len(self.booster_.trees_to_dataframe())

    def _save_fitted(self, folder: Path) -> dict[str, Any]:
        self.booster_.save_model(folder / "booster.ubj")
        return {}

    def _load_fitted(self, folder: Path, facts: dict[str, Any]) -> None:  # noqa: ARG002
        import xgboost

        self.booster_ = xgboost.Booster(model_file=folder / "booster.ubj")


class HistGBDT(EstimatorModel):
    """scikit-learn's histogram-based boosted trees.

    Parameters
    ----------
    classes, image_shape, random_state, features
        As in `TabularModel`.
    max_iter : int
        Rounds of boosting; each grows one tree per class.
    learning_rate : float
        How much each tree counts.
    max_leaf_nodes : int
        How many leaves a tree may have.
    max_features : float
        The share of features that each question may choose from.
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
        max_iter: int = 150,
        learning_rate: float = 0.1,
        max_leaf_nodes: int = 15,
        max_features: float = 0.1,
        n_iter_no_change: int = 20,
    ) -> None:
        super().__init__(classes, image_shape, random_state, features=features)
        self.max_iter = max_iter
        self.learning_rate = learning_rate
        self.max_leaf_nodes = max_leaf_nodes
        self.max_features = max_features
        self.n_iter_no_change = n_iter_no_change

    def _fit_table(
        self,
        table: Table,
        labels: Labels,
        weights: Weights | None,
        validation: tuple[Table, Labels] | None,
    ) -> None:
        from sklearn.ensemble import HistGradientBoostingClassifier

        estimator = HistGradientBoostingClassifier(
            max_iter=self.max_iter,
            learning_rate=self.learning_rate,
            max_leaf_nodes=self.max_leaf_nodes,
            max_features=self.max_features,
            max_bins=63,
            n_iter_no_change=self.n_iter_no_change,
            # Without validation images it would divide the training images, through lesions.
            early_stopping=validation is not None,
            random_state=self._seed(),
        )
        if validation is None:
            estimator.fit(table, labels, weights)
        else:
            held_out, held_out_labels = validation
            # It cannot score a diagnosis that it has not met.
            met = np.isin(held_out_labels, np.unique(labels))
            estimator.fit(table, labels, weights, X_val=held_out[met], y_val=held_out_labels[met])
            _keep_best(estimator)
        self.estimator_ = estimator

    @property
    def n_iter_(self) -> int:
        """The rounds that were kept."""
        return int(self.estimator_.n_iter_)

    @property
    def parameter_count(self) -> int:
        """The number of nodes of all trees."""
        rounds = self.estimator_._predictors  # noqa: SLF001 - there is no public way to count them
        return sum(len(tree.nodes) for trees in rounds for tree in trees)


def _keep_best(estimator: Any) -> None:
    """Drop the rounds after the one that validation liked best, as xgboost does."""
    best = max(1, int(np.argmax(estimator.validation_score_)))  # the first score is of no round
    del estimator._predictors[best:]  # noqa: SLF001 - there is no public way to shorten it


def _reporter(model: XGBoost) -> Any:
    import xgboost

    class Reporter(xgboost.callback.TrainingCallback):
        def after_iteration(self, _model: Any, epoch: int, _evals_log: Any) -> bool:
            if model.on_step is not None:
                model.on_step(epoch + 1, model.n_estimators)
            return False

    return Reporter()
