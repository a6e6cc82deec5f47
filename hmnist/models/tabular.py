"""`TabularModel`: what models of numbers rather than images have in common.

Logistic regression and boosted trees read a table: a row per image, a column per feature. Which
features is a parameter; they are fitted on the training images only. `EstimatorModel` leaves the
fitting to a scikit-learn estimator and keeps it in a file that runs no code when it is read.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hmnist.errors import UsageError
from hmnist.models.base import Images, Labels, Model, Shape, Validation, Weights

__all__ = ["FEATURES", "EstimatorModel", "TabularModel"]

Table = npt.NDArray[np.float32]

FEATURES = ("pixels",)
"""What a tabular model may read."""

_FILE = "estimator.skops"

_TRUSTED = ["sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"]
"""What our own models contain beyond the types that skops trusts by itself."""


class TabularModel(Model):
    """The base of the models that read a table of features.

    Parameters
    ----------
    classes, image_shape, random_state
        As in `Model`.
    features : str
        ``"pixels"``: the pixels as they are.
    """

    needs_shape = False

    def __init__(
        self,
        classes: Sequence[int] | None = None,
        image_shape: Shape | None = None,
        random_state: int | None = None,
        *,
        features: str = "pixels",
    ) -> None:
        super().__init__(classes, image_shape, random_state)
        self.features = features

    def _fit_table(
        self,
        table: Table,
        labels: Labels,
        weights: Weights | None,
        validation: tuple[Table, Labels] | None,
    ) -> None:
        raise NotImplementedError

    def _predict_table(self, table: Table) -> npt.NDArray[Any]:
        raise NotImplementedError

    def _fit(
        self,
        images: Images,
        labels: Labels,
        weights: Weights | None,
        validation: Validation | None,
    ) -> None:
        if self.features not in FEATURES:
            raise UsageError(
                f"There are no features called {self.features!r}.", f"Choose {', '.join(FEATURES)}."
            )
        held_out = None
        if validation is not None:
            held_out = (self._table(validation[0]), validation[1])
        self._fit_table(self._table(images), labels, weights, held_out)

    def _predict(self, images: Images) -> npt.NDArray[Any]:
        return self._predict_table(self._table(images))

    def _table(self, images: Images) -> Table:
        return images.reshape(len(images), -1).astype(np.float32)


class EstimatorModel(TabularModel):
    """The base of the models that wrap a scikit-learn estimator.

    Attributes
    ----------
    estimator_ : object
        The fitted estimator; its classes are positions in `classes_`.
    """

    estimator_: Any

    def _predict_table(self, table: Table) -> npt.NDArray[Any]:
        # A class that was absent from training keeps its column, at zero. The slice is for
        # HistGradientBoosting, which answers two columns when it has met a single class.
        met = self.estimator_.classes_
        probabilities = np.zeros((len(table), len(self.classes_)))
        probabilities[:, met] = self.estimator_.predict_proba(table)[:, : len(met)]
        return probabilities

    def _save_fitted(self, folder: Path) -> dict[str, Any]:
        import skops.io

        skops.io.dump(self.estimator_, folder / _FILE)
        return {}

    def _load_fitted(self, folder: Path, facts: dict[str, Any]) -> None:  # noqa: ARG002
        import skops.io

        self.estimator_ = skops.io.load(folder / _FILE, trusted=_TRUSTED)
