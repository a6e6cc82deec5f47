"""`StoredData`: a data set in a folder, which any number of processes open without a copy.

The folder lies in the cache and may be deleted when no work is going on. It holds one array per
file, which are mapped into memory: processes on one machine share the pages.
"""

import contextlib
import hashlib
import json
import os
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from hmnist.dataset import LesionDataset
from hmnist.errors import TrustError
from hmnist.features.store import LATELY
from hmnist.files import cache_folder, write_folder
from hmnist.patients import FIELDS, read_ages

ENTRIES = 8
"""Stored data sets in the cache; the oldest is deleted when there are more."""

_ARRAYS = ("images", "labels", "lesion_ids", "own_split")
_METADATA = ("image_id", "lesion_id", *FIELDS)
_FACTS = "facts.json"


@dataclass(frozen=True, kw_only=True)
class StoredData:
    """Where a data set lies, and how it is recognised. This travels instead of the images.

    Attributes
    ----------
    folder : pathlib.Path
        Where `store_data` put it. Other machines may not see it, or have it in their own cache.
    digest : str
        `LesionDataset.digest`.
    """

    folder: Path
    digest: str

    @property
    def own_folder(self) -> Path:
        """Where the data set lies in the cache of this machine, if it was sent here."""
        return _stored_folder(self.folder.name)

    def note_use(self) -> None:
        """Note that it is needed now, so that it is not deleted for others."""
        for folder in (self.folder, self.own_folder):
            with contextlib.suppress(OSError):  # it lies elsewhere, or cannot be written to
                os.utime(folder)

    def open(self) -> LesionDataset:
        """Return the data set, from the first right folder.

        Of its metadata there are the ids of images and lesions, and the patient data.

        A process that opens it again gets the same object.

        Raises
        ------
        TrustError
            If no folder that this process can read holds it.

        Examples
        --------
        >>> from hmnist.sources.sample import load_sample
        >>> store_data(load_sample(rows=60)).open()
        LesionDataset('synthetic sample', 60 images 28×28×3, lesions: 55)
        """
        self.note_use()
        for folder in (self.folder, self.own_folder):
            try:
                return _open_folder(folder, self.digest)
            except (OSError, EOFError, KeyError, ValueError):
                continue
        raise TrustError(
            f"The data stored in {self.folder} are missing or damaged.",
            "Delete that folder; it is made again.",
        )


def store_data(data: LesionDataset) -> StoredData:
    """Write a data set into the cache, unless it lies there already."""
    values = {name: getattr(data, name) for name in _ARRAYS}
    arrays = {name: array for name, array in values.items() if array is not None}
    for name in _METADATA:
        if data.metadata is not None and name in data.metadata:
            column = data.metadata[name]
            arrays[name] = read_ages(column) if name == "age" else column.to_numpy(dtype=str)
    facts = {
        "name": data.name,
        "synthetic": data.synthetic,
        "digest": data.digest,
        "patient_digest": data.patient_digest,
        "arrays": list(arrays),
    }
    sha = hashlib.sha256(json.dumps(facts).encode())
    for name in ("image_id", "lesion_id", "own_split"):  # the digests have no part of these
        sha.update("\0".join([name, *arrays.get(name, ())]).encode())
    folder = _stored_folder(sha.hexdigest()[:32])
    stored = StoredData(folder=folder, digest=data.digest)
    if folder.is_dir():
        stored.note_use()
    else:
        with write_folder(folder) as temporary:
            for name, array in arrays.items():
                np.save(temporary / f"{name}.npy", array, allow_pickle=False)
            (temporary / _FACTS).write_text(json.dumps(facts), encoding="utf-8")
        remove_oldest()
    return stored


def remove_oldest() -> None:
    """Delete the oldest data sets where there are more than `ENTRIES`, unless used lately.

    Each cell notes that it uses one.
    """
    import shutil

    with contextlib.suppress(OSError):  # another process may delete them at the same time
        folders = [path for path in _stored_folder("").iterdir() if not path.name.startswith(".")]
        folders.sort(key=lambda path: path.stat().st_mtime_ns)
        for oldest in folders[:-ENTRIES]:
            if oldest.stat().st_mtime < time.time() - LATELY:
                shutil.rmtree(oldest, ignore_errors=True)


def _stored_folder(name: str) -> Path:
    return cache_folder().absolute() / "datasets" / name


@lru_cache(maxsize=1)
def _open_folder(folder: Path, digest: str) -> LesionDataset:
    """Open a stored data set; an error if it is not there, damaged, or not that one."""
    import pandas as pd

    facts = json.loads((folder / _FACTS).read_text(encoding="utf-8"))
    # Plain arrays over the mapped files: a `numpy.memmap` would hand its kind on to all results.
    arrays: dict[str, Any] = {
        name: np.asarray(np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False))
        for name in facts["arrays"]
    }
    columns = {name: arrays.pop(name) for name in _METADATA if name in arrays}
    data = LesionDataset(
        metadata=pd.DataFrame(columns) if columns else None,
        name=facts["name"],
        synthetic=facts["synthetic"],
        **arrays,
    )
    if (data.digest, data.patient_digest) != (digest, facts["patient_digest"]):
        raise ValueError(f"{folder} holds other data")
    return data
