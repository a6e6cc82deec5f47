"""The run folder: one trained model with everything needed to check, repeat and use it.

::

    manifest.json      what was trained on what, how, and how it scored; every file with its SHA-256
    predictions.csv    every validation and test image: truth, decision, probabilities
    seen.npy           fingerprints of the images that trained and validated, eight bytes each
    history.csv        loss, accuracy and recalls of each epoch (networks)
    model/             weights and fitted facts; nothing in it is a pickle

A folder is written under a temporary name and renamed when it is complete. When it is read, every
file is held against the manifest. Beside them come what is drawn from them and can be made again
(`hmnist.results.evaluation`): ``report.json``, ``report.csv``, ``confusion.csv`` and ``figures/``.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hmnist.dataset import LesionDataset
from hmnist.decisions.decision import Decision
from hmnist.decisions.soft_voting import soft_vote
from hmnist.diagnoses import CODES
from hmnist.errors import DataMissingError, SampleWarning, TrustError, UsageError
from hmnist.files import hash_file, write_folder
from hmnist.models.registry import make_model
from hmnist.runs.manifest import MANIFEST, SCHEMA, read_manifest
from hmnist.runs.predictions import read_history, read_predictions, write_history, write_predictions
from hmnist.scores.predictions import Predictions

if TYPE_CHECKING:
    import pandas as pd

    from hmnist.models.base import Model
    from hmnist.splits.split import Split

__all__ = [
    "CommitteeRun",
    "Run",
    "check_images",
    "find_runs",
    "open_run",
    "write_run",
]

_SEEN = "seen.npy"


@dataclass(frozen=True, eq=False)
class Run:
    """One trained model in its folder.

    Attributes
    ----------
    folder : pathlib.Path
        Where it lies.
    manifest : dict
        What ``manifest.json`` says.
    """

    folder: Path
    manifest: dict[str, Any] = field(repr=False)

    @property
    def scores(self) -> dict[str, float]:
        """The scores on the test part by their flat names; NaN where a diagnosis was absent."""
        return {
            name: float("nan") if value is None else value
            for name, value in self.manifest["scores"].items()
        }

    @cached_property
    def decision(self) -> Decision:
        """How probabilities become diagnoses, as fitted on validation."""
        return Decision.from_dict(self.manifest["decision"])

    @cached_property
    def model(self) -> "Model":
        """The bare model: its probabilities are neither calibrated nor corrected."""
        model = make_model(self.manifest["model"], **_as_parameters(self.manifest["parameters"]))
        model.load_state(self.folder / "model")
        return model

    @cached_property
    def predictions(self) -> "pd.DataFrame":
        """What ``predictions.csv`` holds: a row per validation and test image."""
        return read_predictions(self.folder)

    @cached_property
    def history(self) -> "pd.DataFrame | None":
        """What ``history.csv`` holds: a row per epoch; None for models that have no epochs."""
        return read_history(self.folder)

    def part(self, name: str) -> Predictions:
        """Return the stored predictions of one part, ``validation`` or ``test``."""
        table = self.predictions[self.predictions["part"] == name]
        labels = table["diagnosis"].map(CODES.index).to_numpy(dtype=np.int64)
        decisions = table["decision"].map(CODES.index).to_numpy(dtype=np.int64)
        lesions = None
        if "lesion_id" in table:
            lesions = table["lesion_id"].to_numpy(dtype=str)
        fold = self.manifest["split"]["fold"] or 0
        return Predictions(
            labels, table[list(CODES)].to_numpy(dtype=np.float64), decisions, lesions, fold
        )

    def probabilities(self, part: str) -> npt.NDArray[np.float64]:
        """Return the stored probabilities of one part, which may be empty."""
        table = self.predictions[self.predictions["part"] == part]
        return table[list(CODES)].to_numpy(dtype=np.float64)

    def has_seen(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
        """Tell which images trained or validated the model: bool, shape (n,)."""
        seen = np.load(self.folder / _SEEN, allow_pickle=False)
        return np.isin(_fingerprints(images), seen)

    def predict_proba(self, images: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return calibrated probabilities: float64, shape (n, 7), columns in the Kaggle order.

        Parameters
        ----------
        images : array-like, shape (n, h, w, c) or (n, h·w·c)
            Pixels 0–255 of the size that the model was trained on.

        Warns
        -----
        SampleWarning
            If the model was trained on the synthetic sample.
        """
        self._warn_of_sample()
        return self.decision.calibrate(self.ask(images))

    def predict(self, images: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Return the diagnosis decided for each image: int64, shape (n,), labels 0–6."""
        return self.decision.decide(self.predict_proba(images))

    def ask(self, images: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return the bare model's probabilities, uncalibrated."""
        return self.model.predict_proba(images)

    def _warn_of_sample(self) -> None:
        if self.manifest["data"]["synthetic"]:
            import warnings

            warnings.warn(
                f"{self.folder.name} was trained on the synthetic sample: what it says of real "
                "images means nothing.",
                SampleWarning,
                stacklevel=3,
            )


@dataclass(frozen=True, eq=False)
class CommitteeRun(Run):
    """A committee in its folder: weights, and the names of the runs that vote."""

    @cached_property
    def members(self) -> list[Run]:
        """The runs that vote; they lie beside this one.

        Raises
        ------
        TrustError
            If one is missing, damaged or another than the one that voted.
        """
        found = []
        for member in self.manifest["members"]:
            folder = self.folder.absolute().parent / member["run"]
            manifest = folder / MANIFEST
            if not manifest.is_file() or hash_file(manifest) != member["digest"]:
                raise TrustError(
                    f"{self.folder} is damaged: its member {member['run']} does not lie beside it "
                    "as it did.",
                    "Keep a benchmark folder together.",
                )
            found.append(open_run(folder))
        return found

    def ask(self, images: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return the vote of the members, uncalibrated."""
        votes = [member.decision.calibrate(member.ask(images)) for member in self.members]
        return soft_vote(votes, [member["weight"] for member in self.manifest["members"]])


def open_run(folder: str | Path) -> Run:
    """Open a run folder and hold every file against its manifest.

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
    TrustError
        If it is no run folder, or a file is missing, changed or of another version.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DataMissingError(f"There is no run folder {folder}.", "See: hmnist runs list")
    manifest = read_manifest(folder)
    run = (CommitteeRun if "members" in manifest else Run)(folder, manifest)
    for name, stored in run.manifest["files"].items():
        path = folder / name
        if not path.is_file():
            raise TrustError(f"{folder} is damaged: {name} is missing.", "Train it again.")
        if path.stat().st_size != stored["bytes"] or hash_file(path) != stored["sha256"]:
            raise TrustError(
                f"{folder} is damaged: {name} is not what was written.", "Train it again."
            )
    return run


def find_runs(folder: str | Path) -> list[Path]:
    """Return the run folders in `folder` and its sub-folders, sorted by name."""
    found = Path(folder).rglob(MANIFEST)
    return sorted(path.parent for path in found if not path.parent.name.startswith("."))


def write_run(
    folder: Path,
    facts: Mapping[str, Any],
    model: "Model | None",
    split: "Split",
    predicted: Mapping[str, tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]],
) -> Run:
    """Write a run folder, whole or not at all.

    Parameters
    ----------
    folder : pathlib.Path
        Where; a folder of that name is replaced.
    facts : mapping
        What the manifest says besides the files.
    model : Model or None
        The fitted model; None for a committee, whose weights are among the facts.
    split : Split
        Which images the predictions belong to.
    predicted : mapping of str to (probabilities, decisions)
        By part: float64 (n, 7), calibrated, and int64 (n,).

    Returns
    -------
    Run

    Raises
    ------
    WorkError
        If the disk refuses.
    """
    with write_folder(folder) as temporary:
        if model is not None:
            (temporary / "model").mkdir()
            model.save_state(temporary / "model")
        write_predictions(temporary, split, predicted)
        seen = np.concatenate([split.train.images, split.validation.images])
        np.save(temporary / _SEEN, np.unique(_fingerprints(seen)), allow_pickle=False)
        if history := getattr(model, "history_", None):
            write_history(temporary, history)
        files = {
            path.relative_to(temporary).as_posix(): {
                "bytes": path.stat().st_size,
                "sha256": hash_file(path),
            }
            for path in sorted(temporary.rglob("*"))
            if path.is_file()
        }
        manifest = {"schema": SCHEMA, **facts, "files": files}
        text = json.dumps(manifest, indent=1, ensure_ascii=False, allow_nan=False)
        (temporary / MANIFEST).write_text(text, encoding="utf-8")
    return (Run if model is not None else CommitteeRun)(folder, json.loads(text))


def check_images(run: Run, data: LesionDataset) -> None:
    """Refuse images of another size than those the run was trained on.

    Raises
    ------
    UsageError
        If height, width or channels differ.
    """
    expected = tuple(run.manifest["data"]["image_shape"])
    if data.image_shape != expected:
        raise UsageError(
            f"{data.name} holds images of {_size(data.image_shape)}; "
            f"{run.folder.name} was trained on {_size(expected)}."
        )


def _fingerprints(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]:
    """Return eight bytes that tell an image from others."""
    digests = (hashlib.blake2b(image.tobytes(), digest_size=8).digest() for image in images)
    return np.frombuffer(b"".join(digests), np.uint64)


def _size(shape: tuple[int, ...]) -> str:
    return "×".join(str(side) for side in shape)


def _as_parameters(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Give JSON's lists back their type: estimators compare parameters by value."""
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()
    }
