"""`Model`: the base class of all classifiers.

A model is a scikit-learn classifier of images. It takes pixels 0–255, as rows or as images, knows
which label each column of its probabilities stands for, and saves its state into a folder without
pickle. Subclasses define how to fit, how to predict, and what their state is.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from msgspec import convert
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags, check_array, check_consistent_length
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from hmnist.arrays import (
    Float32,
    Float64,
    Images,
    Labels,
    Shape,
    check_pixels,
    check_probabilities,
    infer_shape,
)
from hmnist.diagnoses import CODES
from hmnist.errors import TrustError, UsageError
from hmnist.guarded import read_json
from hmnist.models.facts import MISFITS, ModelFacts
from hmnist.models.labelled_images import LabelledImages
from hmnist.models.reporting import StepReporter
from hmnist.models.rows import flatten_images
from hmnist.models.search_space import SearchSpace
from hmnist.patients import PATIENT_COLUMNS, check_patients

_UNSAVED = {"on_step", "on_loss", "on_note", "state_folder"}
"""Attributes of a model in training that pickles do not have."""


@dataclass(eq=False, repr=False)
class Model(StepReporter, ClassifierMixin, BaseEstimator):
    """The base class of all models.

    Models are dataclasses: the parameters that scikit-learn reads from the constructor are fields.
    Comparison and text (`repr`) stay as scikit-learn defines them.

    Parameters
    ----------
    classes : sequence of int or None
        The labels of the columns of `predict_proba`, ascending. None takes the labels that occur in
        training, as scikit-learn's classifiers do. 0 to 6 are the diagnoses in the order of
        `hmnist.CODES`; their names are taken, too, and are then in alphabetical order.
    image_shape : tuple of int or None
        Height, width, channels. None infers the shape of squares with one or three channels.
    random_state : int or None
        The seed of the training; None draws a new one for each training.

    Attributes
    ----------
    classes_ : numpy.ndarray
        The labels of the columns.
    image_shape_ : tuple of int or None
        The shape of the training images; None if the model took rows of any length.
    n_features_in_ : int
        Pixels per image: h·w·c.
    uses_patients_ : bool
        Whether it was fitted with patient data.
    """

    takes_patients: ClassVar[bool] = False
    """Whether this kind of model can be fitted with patient data."""

    search_space: ClassVar[SearchSpace] = {}
    """The parameters that `hmnist.tune` searches."""

    classes: Sequence[int] | None = None
    image_shape: Shape | None = None
    random_state: int | None = None

    def fit(
        self,
        X: npt.ArrayLike,
        y: npt.ArrayLike,
        *,
        sample_weight: npt.ArrayLike | None = None,
        patients: npt.ArrayLike | None = None,
        groups: npt.ArrayLike | None = None,
        validation: tuple[npt.ArrayLike | None, ...] | None = None,
    ) -> Self:
        """Fit the model on images, and return it.

        Parameters
        ----------
        X : array-like, shape (n, h·w·c) or (n, h, w, c)
            Pixels 0–255, uint8 by preference.
        y : array-like, shape (n,)
            Their labels.
        sample_weight : array-like, shape (n,), or None
            The weight of each image.
        patients : array-like, shape (n, p), or None
            The patient data of each image (`hmnist.encode_patients`). The model uses patient data
            if and only if they are given here.
        groups : array-like, shape (n,), or None
            Of which image each one was made, if some were changed and added. Where a model is
            cross-fitted within the training, a group stays on one side of the folds. Copies of an
            image, also turned and mirrored ones, are recognised without it.
        validation : tuple of X and y, or of X, y and patients, or None
            Images of other lesions that may stop the training early. Without them, the training
            runs to its end: to hold out training images would separate images of one lesion.

        Raises
        ------
        UsageError
            If the pixels are not 0–255, if their shape is unknown, if a label is none of the
            classes, or if the model takes no patient data. scikit-learn's own checks raise
            ValueError.
        """
        if patients is not None and not self.takes_patients:
            raise UsageError(f"{type(self).__name__} takes no patient data.", "Leave them out.")
        self.uses_patients_ = patients is not None
        rows, shape = flatten_images(X)
        rows, labels = validate_data(self, rows, y, dtype="numeric")
        self.image_shape_ = self._find_shape(rows.shape[1], shape)
        images = self._as_images(rows)
        check_classification_targets(labels)
        self.classes_ = self._find_classes(labels)
        weights = held_out = None
        if sample_weight is not None:
            weights = _check_sample_weight(
                sample_weight, images, dtype=np.float64, ensure_non_negative=True
            )
        if validation is not None and len(np.asarray(validation[1])):
            held_out = self._check_validation(*validation)
        known = self._check_patients(patients, len(images))
        check_consistent_length(images, groups)
        groups = None if groups is None else np.asarray(groups)
        self._fit(LabelledImages(images, self._encode(labels), known, weights, groups), held_out)
        return self

    def predict_proba(self, X: npt.ArrayLike, patients: npt.ArrayLike | None = None) -> Float64:
        """Return the probability of each class: float64, shape (n, classes), rows sum to 1.

        A model that was fitted with patient data takes them here, too; without them, it predicts as
        for patients of whom nothing is known. For any other model they are a UsageError.
        """
        check_is_fitted(self)
        images = self._check_images(X)
        known = self._check_patients(patients, len(images))
        probabilities = np.asarray(self._predict(images, known), dtype=np.float64)
        check_probabilities(probabilities, type(self).__name__)
        return probabilities

    def predict(self, X: npt.ArrayLike, patients: npt.ArrayLike | None = None) -> npt.NDArray[Any]:
        """Return the likeliest class of each image, shape (n,).

        Patient data are those of `predict_proba`.
        """
        probabilities = self.predict_proba(X, patients)
        return np.asarray(self.classes_[probabilities.argmax(axis=1)])

    # Subclasses implement these methods.

    def _fit(self, training: LabelledImages, validation: LabelledImages | None) -> None:
        """Fit on images; those of `validation`, if there are any, may stop the training early."""
        raise NotImplementedError

    def _predict(self, images: Images, patients: Float32 | None) -> npt.NDArray[Any]:
        """Return the probability of each class, shape (n, classes).

        There are patient data if and only if there were some in training.
        """
        raise NotImplementedError

    @property
    def needs_shape(self) -> bool:
        """Whether the model needs the shape of its images, not only rows of pixels."""
        return True

    @property
    def parameter_count(self) -> int:
        """The number of fitted weights or coefficients, or of the nodes of trees."""
        raise NotImplementedError

    def _save_fitted(self, folder: Path) -> dict[str, Any]:
        """Write the files of this kind of model; return facts for ``model.json``."""
        raise NotImplementedError

    def _load_fitted(self, folder: Path, facts: dict[str, Any]) -> None:
        """Read the files and facts of `_save_fitted`."""
        raise NotImplementedError

    # All models share these methods.

    def save_state(self, folder: Path) -> None:
        """Write the fitted state into files in `folder`, without pickle."""
        facts = {
            "classes": self.classes_.tolist(),
            "image_shape": self.image_shape_,
            "pixels": self.n_features_in_,
            "patients": list(PATIENT_COLUMNS) if self.uses_patients_ else [],
            **self._save_fitted(folder),
        }
        (folder / "model.json").write_text(json.dumps(facts, indent=1), encoding="utf-8")

    def load_state(self, folder: Path) -> None:
        """Read the files of `save_state`; the parameters are those of the constructor.

        It raises a TrustError if the files are damaged, or belong to another model.
        """
        try:
            facts = read_json(folder / "model.json")
            known = convert(facts, ModelFacts)
            self.classes_ = np.asarray(known.classes)
            if self.classes is not None and len(self.classes_) != len(self.classes):
                raise ValueError(f"it has {len(self.classes_)} classes")
            self.image_shape_ = known.image_shape
            self.n_features_in_ = known.pixels
            self.uses_patients_ = bool(known.patients)
            self._load_fitted(folder, facts)
        except TrustError:
            raise
        except MISFITS as error:
            reason = str(error).strip().splitlines() or [type(error).__name__]
            raise TrustError(
                f"{folder} does not hold a {type(self).__name__} as it was saved: "
                f"{reason[0][:300].rstrip('.')}.",
                "Train it again.",
            ) from error

    @property
    def shape_(self) -> Shape:
        """The shape of what it takes for an image: a column if it took rows of any length."""
        return self.image_shape_ or (1, self.n_features_in_, 1)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        return tags

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__().items()
        return {name: value for name, value in state if name not in _UNSAVED}

    def _seed(self) -> int:
        """Return the seed of this training: `random_state`, or a new random number."""
        if self.random_state is None:
            return int(np.random.default_rng().integers(2**31))
        return int(self.random_state)

    def _find_classes(self, y: npt.NDArray[Any]) -> npt.NDArray[Any]:
        if self.classes is None:
            return np.unique(y)
        classes = np.asarray(self.classes)
        if y.dtype.kind in "OUT" and np.array_equal(classes, np.arange(len(CODES))):
            classes = np.sort(CODES)  # the same seven, by name
        if not np.array_equal(classes, np.unique(classes)):
            raise UsageError(f"The classes {classes.tolist()} are not ascending.", "Sort them.")
        if len(unknown := np.setdiff1d(y, classes)):
            raise UsageError(f"Label {unknown[0]} is none of the classes {classes.tolist()}.")
        return classes

    def _encode(self, y: npt.NDArray[Any]) -> Labels:
        positions = np.searchsorted(self.classes_, y).clip(max=len(self.classes_) - 1)
        if (unknown := self.classes_[positions] != y).any():
            raise UsageError(f"Label {y[unknown][0]} does not occur among the classes.")
        return positions.astype(np.int64)

    def _check_images(self, X: npt.ArrayLike) -> Images:
        rows, shape = flatten_images(X)
        rows = validate_data(self, rows, dtype="numeric", reset=False)
        if shape is not None and self.image_shape_ not in {None, shape}:
            raise UsageError(
                f"The images have the shape {shape}; the model was fitted on {self.image_shape_}."
            )
        return self._as_images(rows)

    def _check_validation(
        self, X: Any, y: npt.ArrayLike | None, patients: npt.ArrayLike | None = None
    ) -> LabelledImages:
        check_consistent_length(X, y, patients)
        images = self._check_images(X)
        labels = self._encode(np.asarray(y))
        return LabelledImages(images, labels, self._check_patients(patients, len(images)))

    def _check_patients(self, patients: npt.ArrayLike | None, count: int) -> Float32 | None:
        """Return the patient data of so many images, None if the model uses none."""
        if not self.uses_patients_:
            if patients is not None:
                raise UsageError(
                    f"This {type(self).__name__} was fitted without patient data.",
                    "Leave them out, or fit it with patients=...",
                )
            return None
        return check_patients(patients, count)

    def _find_shape(self, pixels: int, shape: Shape | None) -> Shape | None:
        if self.image_shape is None:
            return infer_shape(pixels) if shape is None and self.needs_shape else shape
        height, width, channels = (int(side) for side in self.image_shape)
        expected = (height, width, channels)
        if height * width * channels != pixels or shape not in {None, expected}:
            given = pixels if shape is None else shape
            raise UsageError(f"{given} pixels are not an image of shape {expected}.")
        return expected

    def _as_images(self, rows: npt.NDArray[Any]) -> Images:
        check_pixels(rows)
        if rows.dtype != np.uint8:
            rows = np.asarray(check_array(rows, dtype=np.float32))
        return rows.reshape(len(rows), *(self.image_shape_ or (1, rows.shape[1], 1)))
