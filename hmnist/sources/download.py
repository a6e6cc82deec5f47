"""`download`: the published files of HAM10000 at 28×28, from their publishers into the cache.

The files are not part of this package, whose own licence is not theirs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hmnist.errors import DataError, TrustError, unknown_name
from hmnist.files import downloads_folder
from hmnist.sources import load
from hmnist.sources.fetching import RemoteFile, fetch
from hmnist.sources.metadata import METADATA_FILE


@dataclass(frozen=True)
class Archive:
    """A data set that can be downloaded.

    Attributes
    ----------
    title, page, licence, citation : str
        What a user should know before.
    files : tuple of RemoteFile
        In the order in which they are fetched; `hmnist.load` reads the last one.
    """

    title: str
    page: str
    licence: str
    citation: str
    files: tuple[RemoteFile, ...]

    @property
    def size(self) -> int:
        """About how many bytes the files have."""
        return sum(file.size for file in self.files)


_HAM10000 = "Tschandl, Rosendahl & Kittler, Scientific Data 5:180161 (2018)"
_KAGGLE = "kmader/skin-cancer-mnist-ham10000"
_KAGGLE_FILES = f"https://www.kaggle.com/api/v1/datasets/download/{_KAGGLE}"
_ZENODO = "https://zenodo.org/records/10519652"

ARCHIVES = {
    "kaggle": Archive(
        "Skin Cancer MNIST: HAM10000",
        f"https://www.kaggle.com/datasets/{_KAGGLE}",
        "CC BY-NC-SA 4.0: not for commercial use",
        _HAM10000,
        # The metadata first: a pixel file alone is split by image, and its scores are too high.
        (
            RemoteFile(METADATA_FILE, f"{_KAGGLE_FILES}/{METADATA_FILE}", 560_000),
            RemoteFile("hmnist_28_28_RGB.csv", f"{_KAGGLE_FILES}/hmnist_28_28_RGB.csv", 92_000_000),
        ),
    ),
    "dermamnist": Archive(
        "DermaMNIST (MedMNIST v2)",
        _ZENODO,
        "CC BY-NC 4.0: not for commercial use",
        f"Yang et al., Scientific Data 10:41 (2023); {_HAM10000}",
        (
            RemoteFile(
                "dermamnist.npz",
                f"{_ZENODO}/files/dermamnist.npz?download=1",
                20_000_000,
                md5="0744692d530f8e62ec473284d019b0c7",  # named by the package medmnist
            ),
        ),
    ),
}
"""What `download` can fetch. Kaggle names no hash of its files."""


def find_archive(name: str) -> Archive:
    """Return an archive by its name, whatever its case; UsageError if there is none."""
    if name.lower() not in ARCHIVES:
        raise unknown_name("data set to download", name, ARCHIVES)
    return ARCHIVES[name.lower()]


def download(
    name: str = "kaggle", *, on_progress: Callable[[int, int], None] | None = None
) -> Path:
    """Download a data set into the cache, and return the path that `hmnist.load` takes.

    Parameters
    ----------
    name : str
        ``"kaggle"``: the pixel file ``hmnist_28_28_RGB.csv`` of "Skin Cancer MNIST: HAM10000" and
        its metadata. Commands without DATA find them. ``"dermamnist"``: DermaMNIST at 28×28.
    on_progress : callable or None
        Called with the bytes of a file that have arrived, and their total.

    Returns
    -------
    pathlib.Path
        A file in ``~/.cache/hmnist/downloads`` or ``$HMNIST_CACHE/downloads``. Files that are there
        already are not fetched again; a download that was cut off goes on where it stopped.

    Raises
    ------
    UsageError
        If there is no data set of that name.
    DataError
        If the server cannot be reached or does not have a file. The hint says how to fetch the
        files by hand.
    TrustError
        If a file is not the published one, or is malformed. It is deleted.
    WorkError
        If a file cannot be written.
    """
    archive, folder = find_archive(name), downloads_folder()
    fetched = []
    for file in archive.files:
        try:
            if fetch(file, folder, on_progress):
                fetched.append(folder / file.name)
        except DataError as error:
            raise DataError(error.message, _by_hand(archive, folder)) from error
    path = folder / archive.files[-1].name
    try:
        load(path)
    except DataError as error:
        if path not in fetched:
            raise  # it was put here by hand, and is the user's
        for damaged in fetched:
            damaged.unlink()
        raise TrustError(
            f"What was downloaded is malformed, and was deleted: {error.message}",
            _by_hand(archive, folder),
        ) from error
    return path


def _by_hand(archive: Archive, folder: Path) -> str:
    names = " and ".join(file.name for file in archive.files)
    addresses = "".join(f"\n  {file.url}" for file in archive.files)
    return (
        "Type the command again later: what has arrived is kept. Or fetch by hand, in a browser, "
        f"from {archive.page}:{addresses}\nUnpack what comes packed, and put {names} into\n"
        f"  {folder}"
    )
