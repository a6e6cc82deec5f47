"""`TabularModel`: the base class of the models that read features instead of images.

Logistic regression and boosted trees read a row of numbers per image. A parameter says which
features these are; filters and codebooks are learnt from the training images only.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from hmnist.arrays import Float32, Float64, Images, Labels
from hmnist.large_arrays import chunks_of, empty_rows, release
from hmnist.models.base import Model
from hmnist.models.inputs import FeatureExtractor
from hmnist.models.labelled_images import LabelledImages
from hmnist.patients import PATIENT_COLUMNS, hide_patients

Rows = tuple[Float32, Labels]
"""Features and labels."""


@dataclass(eq=False, repr=False, kw_only=True)
class TabularModel(Model):
    """The base class of the tabular models; `extractor_` turns images into features.

    Patient data are further columns behind the features. Some rows of them are hidden in training.

    Parameters
    ----------
    classes, image_shape, random_state
        As in `Model`.
    features : str
        ``"lesion"`` or ``"pixels"``; see `FeatureExtractor`.
    """

    takes_patients: ClassVar[bool] = True

    features: str = "pixels"

    @property
    def needs_shape(self) -> bool:
        """Pixels may be rows of any length; features of a lesion need an image."""
        return self.features != "pixels"

    def _fit_features(
        self, features: Float32, training: LabelledImages, validation: Rows | None
    ) -> None:
        """Fit on the columns `features` of the images; `validation` are other columns."""
        raise NotImplementedError

    def _predict_features(self, features: Float32) -> npt.NDArray[Any]:
        raise NotImplementedError

    def _fit(self, training: LabelledImages, validation: LabelledImages | None) -> None:
        self.extractor_ = FeatureExtractor(self.features)
        report = self.reporter("features")
        features = self.extractor_.fit_transform(training.images, self._seed(), report)
        self._fit_columns(features, training, validation)

    def _fit_columns(
        self, features: Float32, training: LabelledImages, validation: LabelledImages | None
    ) -> None:
        """Fit on features and patient data, once filters and codebooks are fitted."""
        patients, held_out = training.patients, None
        if patients is not None:
            patients = hide_patients(patients, draw_for_rows(features, self._seed()))
        if validation is not None:
            unseen = self.extractor_.transform(validation.images)
            held_out = join_columns(unseen, validation.patients), validation.labels
        columns = join_columns(features, patients)
        self._fit_features(columns, training, held_out)

    def _predict(self, images: Images, patients: Float32 | None) -> npt.NDArray[Any]:
        return self.predict_columns(self.read_columns(images, patients))

    def read_columns(self, images: Images, patients: Float32 | None) -> Float32:
        """Return what the fitted model reads of images: float32, shape (n, columns).

        The columns are those of `feature_names`; images and patient data as `predict_proba` has
        checked them.
        """
        return join_columns(self.extractor_.transform(images), patients)

    def predict_columns(self, columns: Float32) -> npt.NDArray[Any]:
        """Return the probability of each class for rows of `read_columns`: shape (n, classes)."""
        return self._predict_features(columns)

    def feature_names(self) -> list[str]:
        """Return the names of the columns that the fitted model reads."""
        names = self.extractor_.feature_names(self.n_features_in_)
        return [*names, *(PATIENT_COLUMNS if self.uses_patients_ else ())]

    def _save_fitted(self, folder: Path) -> dict[str, Any]:
        self.extractor_.save(folder)
        return {}

    def _load_fitted(self, folder: Path, facts: dict[str, Any]) -> None:  # noqa: ARG002
        self.extractor_ = FeatureExtractor(self.features)
        self.extractor_.load(folder, self.shape_)


def join_columns(features: Float32, patients: Float32 | None) -> Float32:
    """Return features with patient data, if there are any, as further columns."""
    if patients is None:
        return features
    count, width = features.shape
    columns = empty_rows((count, width + patients.shape[1]), np.float32)
    for part in chunks_of(columns):
        columns[part, :width] = features[part]
        columns[part, width:] = patients[part]
        release(features)
        release(columns)
    return columns


def draw_for_rows(features: Float32, seed: int) -> Float64:
    """Return a number from 0 to 1 for each row, as if drawn at random; shape (n,).

    Copies of a row have the same number, so that they stay copies when patient data are hidden.
    """
    draws = np.empty(len(features))
    key = str(seed).encode()
    for part in chunks_of(features):
        for number, row in enumerate(features[part], start=part.start):
            digest = hashlib.blake2b(row.tobytes(), digest_size=8, key=key).digest()
            draws[number] = int.from_bytes(digest) / 2**64
        release(features)
    return draws
