"""``familiarity.npz``: what the training images of a run look like."""

import zipfile
from pathlib import Path

import numpy as np

from hmnist.decisions.familiarity import Familiarity
from hmnist.errors import TrustError

_FILE = "familiarity.npz"


def write_familiarity(folder: Path, familiarity: Familiarity) -> None:
    """Write what training images look like into a run folder."""
    np.savez(folder / _FILE, allow_pickle=False, **familiarity.to_arrays())


def read_familiarity(folder: Path) -> Familiarity | None:
    """Return what `write_familiarity` wrote, None if there is no such file."""
    path = folder / _FILE
    if not path.is_file():
        return None
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return Familiarity.from_arrays(dict(arrays))
    except (OSError, EOFError, ValueError, zipfile.BadZipFile) as error:
        raise TrustError(f"{path} is damaged: {error}", "Train the run again.") from error
