"""`ExportedModel`: the networks of a run in a folder of their own, and `open_model`.

::

    export.json      which run it comes from, how it decides; the SHA-256 of each file
    README.md        the model card; it may be changed
    model.tflite     one graph from pixels to calibrated probabilities (LiteRT), or
    model.onnx       the same for ONNX, or
    networks/        networks for LiteRT, and what this package needs to compute their features
    familiarity.npz  what training images look like, if the run knows

`hmnist.results.exports.export` writes such a folder. Nothing here loads TensorFlow.
"""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from hmnist.arrays import (
    Float32,
    Float64,
    Labels,
    Pixels,
    Shape,
    check_probabilities,
    softmax,
)
from hmnist.decisions.decision import Decision
from hmnist.diagnoses import CODES
from hmnist.errors import TrustError, UsageError
from hmnist.files import expand_home
from hmnist.guarded import read_json
from hmnist.models.isolation import IsolationError
from hmnist.patients import PATIENT_COLUMNS, check_patients
from hmnist.results.exports.isolated import IsolatedNetworks
from hmnist.results.exports.onnx import check_installed
from hmnist.runs.facts import Amount, Count, as_json, json_text
from hmnist.runs.familiarity import FAMILIARITY_FILE, KnowsTrainingImages
from hmnist.runs.manifest import StoredFile, check_files
from hmnist.runs.run import Run, open_run, warn_of_sample

EXPORT_FILE = "export.json"
NETWORKS = "networks"

GRAPHS = {"litert": "model.tflite", "onnx": "model.onnx"}
"""The formats of exported networks, and the file of a whole graph in each."""

_CURE = "Export the run again: hmnist export RUN"


@dataclass(frozen=True, kw_only=True)
class ExportFacts:
    """What an export says of itself.

    Attributes
    ----------
    format : {"litert", "onnx"}
    whole : bool
        Whether one graph leads from pixels (uint8) to calibrated probabilities. If not, the graphs
        lead from features to logits, and `decision` has the temperature that calibrates them.
    model, run, data : str
        The names of the model and of its training data, and the key of the run.
    synthetic : bool
        Whether the model was trained on the synthetic sample.
    image_shape : tuple of int
        Height, width and channels.
    diagnoses : tuple of str
        The columns of the probabilities.
    patient_columns : tuple of str
        The columns of the second input; empty if the model reads no patient data.
    decision : Decision
        How the run makes diagnoses of probabilities.
    threads : int
        Those of the run.
    images_compared : int
        How many generated images were predicted by run and export.
    largest_difference : float
        Of two probabilities in this comparison.
    versions : mapping of str to str
        Of Python and the libraries of the run.
    files : mapping of str to StoredFile
        The files of the networks, by their path in the folder.
    """

    format: Literal["litert", "onnx"]
    whole: bool
    model: str
    run: str
    data: str
    synthetic: bool
    image_shape: tuple[Count, Count, Count]
    diagnoses: tuple[str, ...]
    patient_columns: tuple[str, ...]
    decision: Decision
    threads: int
    images_compared: Count
    largest_difference: Amount
    versions: dict[str, str]
    files: dict[str, StoredFile]
    schema: Literal["hmnist-export/1"] = "hmnist-export/1"

    def __post_init__(self) -> None:
        if self.diagnoses != CODES:
            raise ValueError("its diagnoses are not those of this version")
        if self.patient_columns not in {(), PATIENT_COLUMNS}:
            raise ValueError("its columns of patient data are not those of this version")
        if self.threads < 1:
            raise ValueError("its threads are fewer than 1")

    def describe(self) -> str:
        """Return what the folder holds, in a sentence."""
        if self.whole:
            return f"{GRAPHS[self.format]}: one graph from pixels to probabilities."
        return "Networks for LiteRT; hmnist computes the features that they read, in numpy."

    def describe_difference(self) -> str:
        """Return how far the export was from the run, in a sentence."""
        return (
            f"On {self.images_compared:,} generated images its probabilities differ from those of "
            f"the run by {self.largest_difference:.1e} at most."
        )


@dataclass(frozen=True, eq=False)
class ExportedModel(KnowsTrainingImages):
    """The networks of a run in a folder of their own, which predict without TensorFlow.

    Attributes
    ----------
    folder : pathlib.Path
        Where they lie; absolute, so that it stays the same when the working folder changes.
    facts : ExportFacts
        What ``export.json`` says.
    """

    folder: Path
    facts: ExportFacts = field(repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "folder", self.folder.absolute())

    @property
    def decision(self) -> Decision:
        """How probabilities become predicted diagnoses, as in the run."""
        return self.facts.decision

    @property
    def uses_patients(self) -> bool:
        """Whether it was trained with patient data."""
        return bool(self.facts.patient_columns)

    @property
    def image_shape(self) -> Shape:
        """Height, width and channels of the images that it predicts."""
        return self.facts.image_shape

    @property
    def threads(self) -> int:
        """The threads that the run was trained with."""
        return self.facts.threads

    def predict_proba(
        self, images: npt.ArrayLike, patients: npt.ArrayLike | None = None
    ) -> Float64:
        """Return calibrated probabilities: float64, shape (n, 7), columns in the Kaggle order.

        Parameters
        ----------
        images : array-like of uint8, shape (n, h, w, c)
            Pixels 0–255 of the size that the model was trained on.
        patients : array-like, shape (n, p), or None
            Their patient data (`hmnist.encode_patients`), for a model that `uses_patients`. With
            None it predicts as for patients of whom nothing is known.

        Raises
        ------
        UsageError
            If the images are none of these, or patient data do not fit.

        Warns
        -----
        SampleWarning
            If the model was trained on the synthetic sample.
        """
        pixels = self._check_images(images)
        known = self._check_patients(patients, len(pixels))
        if self.facts.synthetic:
            warn_of_sample(self.folder)
        probabilities = self.predict_checked(pixels, known)
        check_probabilities(probabilities, str(self.folder))
        return probabilities

    def predict(self, images: npt.ArrayLike, patients: npt.ArrayLike | None = None) -> Labels:
        """Return the predicted diagnosis of each image: int64, shape (n,), labels 0–6.

        Images and patient data are those of `predict_proba`.
        """
        return self.decision.decide(self.predict_proba(images, patients))

    def predict_checked(self, images: Pixels, patients: Float32 | None) -> Float64:
        """Return calibrated probabilities, float64 (n, 7), of checked images and patient data.

        Raises
        ------
        TrustError
            If the networks cannot be used.
        """
        try:
            found = self._networks(images, patients)
        except IsolationError as error:
            raise TrustError(
                f"{self.folder} is damaged, its networks cannot be used: {str(error).rstrip('.')}.",
                _CURE,
            ) from error
        if self.facts.whole:
            return found
        with np.errstate(invalid="ignore"):  # the caller judges what is not a number
            return self.decision.calibrate(softmax(found))

    @cached_property
    def _networks(self) -> IsolatedNetworks:
        if not self.facts.whole:
            return IsolatedNetworks("parts", self.folder / NETWORKS, self.image_shape)
        if self.facts.format == "onnx":
            check_installed("onnxruntime")
        path = self.folder / GRAPHS[self.facts.format]
        return IsolatedNetworks(self.facts.format, path, self.image_shape)

    def _check_images(self, images: npt.ArrayLike) -> Pixels:
        pixels = np.asarray(images)
        if pixels.dtype != np.uint8 or pixels.shape[1:] != self.image_shape or not len(pixels):
            raise UsageError(
                f"The images are {pixels.dtype} of the shape {pixels.shape}; expected uint8 of the "
                f"shape (n, {', '.join(map(str, self.image_shape))})."
            )
        return pixels

    def _check_patients(self, patients: npt.ArrayLike | None, count: int) -> Float32 | None:
        if self.uses_patients:
            return check_patients(patients, count)
        if patients is not None:
            raise UsageError(f"{self.folder.name} knows no patient data.", "Leave them out.")
        return None


def open_model(folder: str | Path) -> Run | ExportedModel:
    """Open what predicts, a run folder or an export of a run, and compare its files.

    Parameters
    ----------
    folder : str or pathlib.Path
        A folder that `hmnist.train`, `hmnist.benchmark` or `hmnist.export_run` has written.

    Returns
    -------
    Run or ExportedModel
        Both have ``predict_proba(images)`` and ``predict(images)``.

    Raises
    ------
    DataMissingError
        If there is no such folder.
    UsageError
        If it is a file, or neither of them.
    TrustError
        If a file in it is missing, changed or of another version.
    """
    folder = expand_home(folder)
    if folder.is_file():
        hint = "Name the run folder first, then the images: hmnist predict RUN INPUT"
        raise UsageError(f"{folder} is a file; expected a run folder.", hint)
    if not (folder / EXPORT_FILE).is_file():
        return open_run(folder)
    facts = _read_facts(folder)
    check_files(folder, facts.files, _CURE)
    if not _files_of(folder, facts) <= facts.files.keys():
        raise TrustError(f"{folder} is damaged: it has files that were not exported.", _CURE)
    return ExportedModel(folder, facts)


def write_facts(folder: Path, facts: ExportFacts) -> None:
    """Write ``export.json``."""
    (folder / EXPORT_FILE).write_text(json_text(as_json(facts)) + "\n", encoding="utf-8")


def _read_facts(folder: Path) -> ExportFacts:
    import msgspec

    path = folder / EXPORT_FILE
    try:
        return msgspec.convert(read_json(path, cure=_CURE), type=ExportFacts)
    except msgspec.MsgspecError as error:
        raise TrustError(f"{path} is damaged or of another version: {error}.", _CURE) from error


def _files_of(folder: Path, facts: ExportFacts) -> set[str]:
    """Return the files that are read when it predicts."""
    parts = [folder / FAMILIARITY_FILE, *(folder / NETWORKS).rglob("*")]
    files = {path.relative_to(folder).as_posix() for path in parts if path.is_file()}
    return {*files, GRAPHS[facts.format]} if facts.whole else files
