"""``familiarity.npz``: what the training images of a run look like."""

import os
from functools import cached_property
from pathlib import Path

import numpy.typing as npt

from hmnist.arrays import Booleans, Shape
from hmnist.decisions.familiarity import ARRAYS, Familiarity
from hmnist.errors import TrustError
from hmnist.guarded import read_arrays, write_arrays

FAMILIARITY_FILE = "familiarity.npz"


class KnowsTrainingImages:
    """A trained model in its folder, which tells images that are unlike the training data."""

    folder: Path

    @property
    def image_shape(self) -> Shape:
        """Height, width and channels of the images that it predicts."""
        raise NotImplementedError

    @cached_property
    def familiarity(self) -> Familiarity | None:
        """What training images look like; None if the folder does not know.

        That is so if fewer than 19 images validated the model, or images are below 6×6 pixels.
        """
        known = read_familiarity(self.folder)
        if known is not None and known.image_shape != self.image_shape:
            raise TrustError(
                f"{self.folder / FAMILIARITY_FILE} is damaged: it is of other images.",
                "Train it again.",
            )
        return known

    def is_unfamiliar(self, images: npt.ArrayLike) -> Booleans | None:
        """Return which images are unlike the training data: bool, shape (n,).

        Predictions for such images may mean nothing. About 1 % of images like the training data are
        among them, too (`hmnist.decisions.familiarity`). None if the folder does not know. Images
        are those of `predict_proba`.
        """
        return None if self.familiarity is None else self.familiarity.is_unfamiliar(images)


def write_familiarity(folder: Path, familiarity: Familiarity) -> None:
    """Write what training images look like into a run folder."""
    write_arrays(folder / FAMILIARITY_FILE, familiarity.to_arrays())


def read_familiarity(folder: Path) -> Familiarity | None:
    """Return what `write_familiarity` wrote, None if there is no such file.

    Raises
    ------
    TrustError
        If it is damaged.
    """
    path = folder / FAMILIARITY_FILE
    if not os.path.lexists(path):
        return None
    arrays = read_arrays(path, ARRAYS)
    try:
        return Familiarity.from_arrays(arrays)
    except ValueError as error:
        raise TrustError(f"{path} is damaged: {error}.", "Train it again.") from error
