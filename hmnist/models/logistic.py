"""`Logistic`: multinomial logistic regression."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy.typing as npt

from hmnist.arrays import Float32, softmax
from hmnist.models.labelled_images import LabelledImages
from hmnist.models.linear import Linear, fit_linear
from hmnist.models.parameters import Amount, Count
from hmnist.models.search_space import Interval, SearchSpace
from hmnist.models.tabular import Rows, TabularModel


@dataclass(eq=False, repr=False, kw_only=True)
class Logistic(TabularModel):
    """Multinomial logistic regression on standardised features.

    Parameters
    ----------
    classes, image_shape, random_state, features
        As in `TabularModel`.
    penalty : float
        The ridge penalty per image: mean loss + penalty / 2 · squared coefficients.
    max_iter : int
        The largest number of steps of L-BFGS; to stop early is a mild regularisation.

    Attributes
    ----------
    linear_ : Linear
        The fitted scales, coefficients and intercepts.
    """

    search_space: ClassVar[SearchSpace] = {
        "penalty": Interval(1e-3, 10.0, log=True),
        "max_iter": Interval(20, 500, log=True),  # few steps regularise
    }

    penalty: Amount = 0.1
    max_iter: Count = 100

    def stages(self) -> dict[str, float]:
        """Return the stages of a training; to compute the features takes as long as 160 steps."""
        return {"features": 160 if self.features == "lesion" else 0, "steps": self.max_iter}

    def _fit_features(
        self,
        features: Float32,
        training: LabelledImages,
        validation: Rows | None,  # noqa: ARG002 - it has no early stopping
    ) -> None:
        self.linear_ = fit_linear(
            features,
            training.labels,
            training.weights,
            classes=len(self.classes_),
            penalty=self.penalty,
            steps=self.max_iter,
            on_step=self.reporter("steps"),
        )

    def _predict_features(self, features: Float32) -> npt.NDArray[Any]:
        return softmax(self.linear_.log_odds(features))

    @property
    def n_iter_(self) -> int:
        """The number of steps of L-BFGS."""
        return self.linear_.steps

    @property
    def parameter_count(self) -> int:
        """The number of coefficients and intercepts."""
        return int(self.linear_.coefficients.size + self.linear_.intercepts.size)

    def _save_fitted(self, folder: Path) -> dict[str, Any]:
        self.linear_.save(folder)
        return super()._save_fitted(folder)

    def _load_fitted(self, folder: Path, facts: dict[str, Any]) -> None:
        super()._load_fitted(folder, facts)
        self.linear_ = Linear.load(folder, len(self.feature_names()), len(self.classes_))
