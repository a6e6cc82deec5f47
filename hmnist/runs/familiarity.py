"""``familiarity.npz``: what the training images of a run look like."""

import zipfile
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hmnist.arrays import Booleans
from hmnist.decisions.familiarity import Familiarity
from hmnist.errors import TrustError

FAMILIARITY_FILE = "familiarity.npz"


class KnowsTrainingImages:
    """A trained model in its folder, which tells images that are unlike the training data."""

    folder: Path

    @cached_property
    def familiarity(self) -> Familiarity | None:
        """What training images look like; None if the folder does not know.

        That is so if fewer than 19 images validated the model, or images are below 6×6 pixels.
        """
        return read_familiarity(self.folder)

    def is_unfamiliar(self, images: npt.ArrayLike) -> Booleans | None:
        """Return which images are unlike the training data: bool, shape (n,).

        Predictions for such images mean little. About 1 % of images like the training data are
        among them, too (`hmnist.decisions.familiarity`). None if the folder does not know. Images
        are those of `predict_proba`.
        """
        return None if self.familiarity is None else self.familiarity.is_unfamiliar(images)


def write_familiarity(folder: Path, familiarity: Familiarity) -> None:
    """Write what training images look like into a run folder."""
    np.savez(folder / FAMILIARITY_FILE, allow_pickle=False, **familiarity.to_arrays())


def read_familiarity(folder: Path) -> Familiarity | None:
    """Return what `write_familiarity` wrote, None if there is no such file."""
    path = folder / FAMILIARITY_FILE
    if not path.is_file():
        return None
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return Familiarity.from_arrays(dict(arrays))
    except (OSError, EOFError, ValueError, zipfile.BadZipFile) as error:
        raise TrustError(f"{path} is damaged: {error}", "Train the run again.") from error
