"""The run folder: one trained model with everything needed to check, repeat and use it.

::

    manifest.json      what was trained on what, and how; the SHA-256 of each file
    predictions.csv    each validation and test image: true and predicted diagnosis, probabilities
    report.json, report.csv, confusion.csv    the scores of the test part
    seen.npz           fingerprints and sketches of the training and validation images, hashes of
                       their lesions; 57 bytes for each image, eight for each lesion
    familiarity.npz    what training images look like, unless too few images validate the model
    history.csv        loss, accuracy and recalls of each epoch (networks)
    model/             weights and fitted facts, and the networks in the format of LiteRT; nothing
                       in it is a pickle
    figures/           what `hmnist evaluate` draws; it can be drawn again

`hmnist.runs.writing` writes a folder under a temporary name and renames it when it is complete;
`open_run` compares every file with the manifest. That finds damage, and changes by someone who did
not change the manifest as well; it does not tell who wrote the folder.
"""

import warnings
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy.typing as npt

from hmnist.arrays import Float64, Labels, Shape
from hmnist.dataset import LesionDataset
from hmnist.decisions.decision import Decision
from hmnist.decisions.familiarity import Familiarity
from hmnist.decisions.soft_voting import soft_vote
from hmnist.errors import DataMissingError, SampleWarning, TrustError, UsageError, unknown_name
from hmnist.files import expand_home, hash_file, short_path
from hmnist.html import html_of
from hmnist.runs.familiarity import KnowsTrainingImages
from hmnist.runs.few_images import are_for_litert, predict_few
from hmnist.runs.history import HISTORY, read_history
from hmnist.runs.manifest import MANIFEST, Manifest, Member, check_files, read_manifest
from hmnist.runs.parameters import restore_model
from hmnist.runs.predictions import PartPredictions, check_predictions, read_predictions
from hmnist.runs.seen import Seen, find_seen
from hmnist.scores.intervals import mean_scores
from hmnist.scores.predictions import Predictions
from hmnist.scores.scoring import SCORES
from hmnist.scores.text import score_text

MODEL = "model"
"""The folder of weights and fitted facts in a run folder."""

if TYPE_CHECKING:
    import pandas as pd

    from hmnist.models.base import Model


@dataclass(frozen=True, eq=False, repr=False)
class Run(KnowsTrainingImages):
    """One trained model in its folder.

    Attributes
    ----------
    folder : pathlib.Path
        Where it lies; absolute, so that it stays the same when the working folder changes.
    manifest : Manifest
        What ``manifest.json`` says.
    """

    folder: Path
    manifest: Manifest

    def __post_init__(self) -> None:
        object.__setattr__(self, "folder", self.folder.absolute())

    def __repr__(self) -> str:
        return f"Run({self.manifest.model}, {str(short_path(self.folder))!r})"

    def _repr_html_(self) -> str:
        manifest = self.manifest
        shown = [score for score in SCORES if score.diagnosis is None]
        scores = [score_text(self.scores[score.name]) for score in shown]
        notes = [
            f"Tested on {manifest.split.sizes['test']:,} images of {manifest.data.name}.",
            f"Split: {manifest.split.description}. {manifest.split.proof}",
        ]
        return html_of([([score.heading for score in shown], [scores])], notes, title=repr(self))

    @cached_property
    def scores(self) -> dict[str, float]:
        """The scores of the predictions of the test part; NaN where a diagnosis is absent."""
        return mean_scores([self.part("test")])

    @property
    def decision(self) -> Decision:
        """How probabilities become predicted diagnoses, as fitted on validation."""
        return self.manifest.decision

    @property
    def uses_patients(self) -> bool:
        """Whether it was trained with patient data."""
        return self.manifest.recipe.patients

    @property
    def model_folder(self) -> Path:
        """Where the files of the model lie."""
        return self.folder / MODEL

    @property
    def image_shape(self) -> Shape:
        """Height, width and channels of the images that it predicts."""
        return self.manifest.data.image_shape

    @property
    def threads(self) -> int:
        """The threads that it was trained with."""
        return self.manifest.recipe.threads or 1

    @cached_property
    def model(self) -> "Model":
        """The bare model: its probabilities are neither calibrated nor corrected.

        Raises
        ------
        UsageError
            If the run is an ensemble, which has `members` instead.
        TrustError
            If another run has replaced this one since it was opened.
        """
        self._check_same()
        model = restore_model(self.folder, self.manifest.model, self.manifest.parameters)
        model.load_state(self.model_folder)
        return model

    @cached_property
    def members(self) -> "tuple[Run, ...]":
        """The runs that an ensemble is composed of; none for other runs.

        Raises
        ------
        TrustError
            If one is missing, damaged or not the one that was composed.
        """
        return tuple(
            self._open_member(self.folder.parent, member) for member in self.manifest.members
        )

    def _open_member(self, beside: Path, member: Member) -> "Run":
        run, own = open_listed(beside, member.run, member.digest), self.manifest
        is_alike = (run.manifest.data, run.manifest.split) == (own.data, own.split)
        is_named = run.manifest.model in own.recipe.parameters.get("members", ())
        if run.manifest.members or not (is_alike and is_named):
            raise TrustError(
                f"{short_path(self.folder)} is damaged: {member.run} cannot be its member.",
                "Run the benchmark again with the same --out: finished runs are kept.",
            )
        return run

    @cached_property
    def predictions(self) -> dict[str, PartPredictions]:
        """The stored predictions of the parts ``validation`` and ``test``."""
        self._check_same()
        parts = read_predictions(self.folder)
        check_predictions(self.folder, parts, self.manifest)
        return parts

    @cached_property
    def history(self) -> "pd.DataFrame | None":
        """The rows of ``history.csv``, one per epoch; None for models that have no epochs."""
        if HISTORY not in self.manifest.files:
            return None
        self._check_same()
        return read_history(self.folder)

    def _check_same(self) -> None:
        """Refuse to read the files of another run, which has replaced this one since."""
        if read_manifest(self.folder).files != self.manifest.files:
            raise TrustError(
                f"{short_path(self.folder)} was replaced by another run after it was opened.",
                "Open it again: hmnist.open_run",
            )

    def part(self, name: str) -> Predictions:
        """Return the stored predictions of one part, ``validation`` or ``test``, to be scored.

        Raises
        ------
        UsageError
            If the part is empty, or of another name: a run predicts no training images.
        """
        if name not in self.predictions:
            raise unknown_name("part with predictions", name, self.predictions)
        return self.predictions[name].to_score(self.manifest.split.fold or 0)

    def find_seen(self, data: LesionDataset) -> Seen:
        """Return which images of a data set the model has seen in training or validation."""
        self._check_same()
        return find_seen(self.folder, data)

    @cached_property
    def familiarity(self) -> Familiarity | None:
        """What training images look like; None if the folder does not know."""
        self._check_same()
        return super().familiarity

    def predict_proba(
        self, images: npt.ArrayLike, patients: npt.ArrayLike | None = None
    ) -> Float64:
        """Return calibrated probabilities: float64, shape (n, 7), columns in the Kaggle order.

        Parameters
        ----------
        images : array-like, shape (n, h, w, c) or (n, h·w·c)
            Pixels 0–255 of the size that the model was trained on.
        patients : array-like, shape (n, p), or None
            Their patient data (`hmnist.encode_patients`), for a run that `uses_patients`. With None
            it predicts as for patients of whom nothing is known.

        Raises
        ------
        UsageError
            If there are patient data and the run was trained without, or they have another shape.

        Warns
        -----
        SampleWarning
            If the model was trained on the synthetic sample.
        """
        if self.manifest.data.synthetic:
            warn_of_sample(self.folder)
        return self.decision.calibrate(self.predict_uncalibrated(images, patients))

    def predict(self, images: npt.ArrayLike, patients: npt.ArrayLike | None = None) -> Labels:
        """Return the predicted diagnosis of each image: int64, shape (n,), labels 0–6.

        Patient data are those of `predict_proba`.
        """
        return self.decision.decide(self.predict_proba(images, patients))

    def predict_uncalibrated(
        self, images: npt.ArrayLike, patients: npt.ArrayLike | None = None
    ) -> Float64:
        """Return the probabilities of the bare model, or the soft vote of an ensemble.

        A few images are predicted without TensorFlow if the run has networks; see
        `hmnist.models.litert`. The probabilities are those of `model` but for rounding. Patient
        data are those of `predict_proba`.
        """
        if patients is not None and not self.uses_patients:
            raise UsageError(
                f"{self.folder.name} was trained without patient data.",
                "Leave them out, or train with --patients yes.",
            )
        if self.manifest.members:
            probabilities = [
                member.decision.calibrate(member.predict_uncalibrated(images, patients))
                for member in self.members
            ]
            return soft_vote(probabilities, [member.weight for member in self.manifest.members])
        if are_for_litert(images, self.image_shape, self.model_folder):
            self._check_same()
            found = predict_few(self.model_folder, self.image_shape, images, patients)
            if found is not None:
                return found
        return self.model.predict_proba(images, patients)


def open_run(folder: str | Path) -> Run:
    """Open a run folder and compare every file with its manifest.

    Parameters
    ----------
    folder : str or pathlib.Path
        A folder that `hmnist.train` or `hmnist.benchmark` has written.

    Returns
    -------
    Run

    Raises
    ------
    DataMissingError
        If there is no such folder.
    UsageError
        If it is not a run folder.
    TrustError
        If a file is missing, changed or of another version.
    """
    folder = expand_home(folder)
    if folder.is_file():
        raise UsageError(f"{folder} is a file; expected a run folder.", "See: hmnist runs list")
    if not folder.is_dir():
        raise DataMissingError(f"There is no run folder {folder}.", "See: hmnist runs list")
    manifest = read_manifest(folder)
    others = check_files(folder, manifest.files, "Train it again.")
    # Files of the user may lie in the folder, but nothing may be taken for a part of the model.
    if strange := sorted(name for name in others if name.startswith(f"{MODEL}/")):
        raise TrustError(
            f"{folder} has a file that is not its own: {strange[0][:200]!r}.",
            "Move it to another place.",
        )
    return Run(folder, manifest)


def open_listed(parent: Path, name: str, digest: str) -> Run:
    """Open a run folder that an ensemble or a table lists, with the SHA-256 of its manifest.

    Raises
    ------
    TrustError
        If it does not lie in its folder, is damaged, or another one than was listed.
    """
    folder, again = parent / name, "Run the benchmark again with the same --out."
    # What the name links to might lie anywhere.
    if folder.is_symlink() or not (folder / MANIFEST).is_file():
        raise TrustError(f"{parent} does not have the run {name} any more.", again)
    run = open_run(folder)
    if hash_file(folder / MANIFEST) != digest:
        raise TrustError(f"{folder} is not the run that was listed: its manifest differs.", again)
    return run


def warn_of_sample(folder: Path) -> None:
    """Warn that the model in a folder was trained on the synthetic sample."""
    warnings.warn(
        f"{folder.name} was trained on the synthetic sample: its predictions for real images mean "
        "nothing.",
        SampleWarning,
        stacklevel=3,
    )


def check_images(run: Run, data: LesionDataset) -> None:
    """Refuse images of another size than those the run was trained on."""
    expected = run.image_shape
    if data.image_shape != expected:
        size, expected_size = ("×".join(map(str, shape)) for shape in (data.image_shape, expected))
        raise UsageError(
            f"{data.name} holds images of {size}; {run.folder.name} was trained on {expected_size}."
        )
