"""`TabularModel`: the base class of the models that read features instead of images.

Logistic regression and boosted trees read a row of numbers per image. A parameter says which
features these are; filters and codebooks are learnt from the training images only.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy.typing as npt

from hmnist.arrays import Float32, Float64, Images, Labels
from hmnist.models.base import Model, Validation
from hmnist.models.inputs import FeatureExtractor

Rows = tuple[Float32, Labels]
"""Features and labels."""


@dataclass(eq=False, repr=False, kw_only=True)
class TabularModel(Model):
    """The base class of the tabular models; `extractor_` turns images into features.

    Parameters
    ----------
    classes, image_shape, random_state
        As in `Model`.
    features : str
        ``"lesion"`` or ``"pixels"``; see `FeatureExtractor`.
    """

    features: str = "pixels"

    @property
    def needs_shape(self) -> bool:
        """Pixels may be rows of any length; features of a lesion need an image."""
        return self.features != "pixels"

    def _fit_features(
        self, features: Float32, labels: Labels, weights: Float64 | None, validation: Rows | None
    ) -> None:
        raise NotImplementedError

    def _predict_features(self, features: Float32) -> npt.NDArray[Any]:
        raise NotImplementedError

    def _fit(
        self, images: Images, labels: Labels, weights: Float64 | None, validation: Validation | None
    ) -> None:
        self.extractor_ = FeatureExtractor(self.features)
        features = self.extractor_.fit_transform(images, self._seed())
        held_out = None
        if validation is not None:
            held_out = (self.extractor_.transform(validation[0]), validation[1])
        self._fit_features(features, labels, weights, held_out)

    def _predict(self, images: Images) -> npt.NDArray[Any]:
        return self._predict_features(self.extractor_.transform(images))

    def _save_fitted(self, folder: Path) -> dict[str, Any]:
        self.extractor_.save(folder)
        return {}

    def _load_fitted(self, folder: Path, facts: dict[str, Any]) -> None:  # noqa: ARG002
        self.extractor_ = FeatureExtractor(self.features)
        self.extractor_.load(folder)
