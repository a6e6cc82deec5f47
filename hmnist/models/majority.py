"""`Majority`: the baseline that every other model has to beat."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from msgspec import convert

from hmnist.arrays import Float32, Images
from hmnist.models.base import Model
from hmnist.models.labelled_images import LabelledImages


class Majority(Model):
    """Predicts the share of each diagnosis in training for every image.

    Its accuracy is that of calling every lesion a naevus.

    Parameters
    ----------
    classes, image_shape, random_state
        As in `Model`.

    Attributes
    ----------
    shares_ : numpy.ndarray of float64, shape (classes,)
        The share of each class.
    """

    @property
    def needs_shape(self) -> bool:
        """Rows of any length will do, since the pixels are not read."""
        return False

    def _fit(
        self,
        training: LabelledImages,
        validation: LabelledImages | None,  # noqa: ARG002 - it has no early stopping
    ) -> None:
        counts = np.bincount(training.labels, training.weights, minlength=len(self.classes_))
        self.shares_ = counts / counts.sum()

    def _predict(
        self,
        images: Images,
        patients: Float32 | None,  # noqa: ARG002 - it takes none
    ) -> npt.NDArray[Any]:
        return np.tile(self.shares_, (len(images), 1))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True
        return tags

    @property
    def parameter_count(self) -> int:
        """The number of shares: one per diagnosis."""
        return len(self.classes_)

    def _save_fitted(self, folder: Path) -> dict[str, Any]:  # noqa: ARG002 - facts are enough
        return {"shares": self.shares_.tolist()}

    def _load_fitted(self, folder: Path, facts: dict[str, Any]) -> None:  # noqa: ARG002
        self.shares_ = np.array(convert(facts["shares"], list[float]))
        if len(self.shares_) != len(self.classes_):
            raise ValueError(f"it has {len(self.shares_)} shares of {len(self.classes_)} classes")
