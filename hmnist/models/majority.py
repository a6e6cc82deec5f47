"""The majority model, which every other one has to beat."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hmnist.models.base import Images, Labels, Model, Validation, Weights

__all__ = ["Majority"]


class Majority(Model):
    """The share of each diagnosis in training, whatever the image shows.

    Its accuracy is that of calling everything a naevus: what a table has to be read against.

    Parameters
    ----------
    classes, image_shape, random_state
        As in `Model`.

    Attributes
    ----------
    shares_ : numpy.ndarray of float64, shape (classes,)
        How often each class occurs.
    """

    @property
    def needs_shape(self) -> bool:
        """Whatever the image shows: rows of any length will do."""
        return False

    def _fit(
        self,
        images: Images,
        labels: Labels,
        weights: Weights | None,
        validation: Validation | None,  # noqa: ARG002 - nothing here ends early
    ) -> None:
        from sklearn.dummy import DummyClassifier

        rows = images.reshape(len(images), -1)
        estimator = DummyClassifier(strategy="prior").fit(rows, labels, weights)
        self.shares_ = np.zeros(len(self.classes_))
        self.shares_[estimator.classes_] = estimator.class_prior_

    def _predict(self, images: Images) -> npt.NDArray[Any]:
        return np.tile(self.shares_, (len(images), 1))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True
        return tags

    @property
    def parameter_count(self) -> int:
        """One share per diagnosis."""
        return len(self.classes_)

    def _save_fitted(self, folder: Path) -> dict[str, Any]:  # noqa: ARG002 - facts are enough
        return {"shares": self.shares_.tolist()}

    def _load_fitted(self, folder: Path, facts: dict[str, Any]) -> None:  # noqa: ARG002
        self.shares_ = np.array(facts["shares"])
