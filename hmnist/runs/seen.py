"""``seen.npz``: the images and lesions that trained and validated a model, to know them again.

It holds a fingerprint of each image (eight bytes), a sketch (49 bytes, `hmnist.runs.sketches`) and
a hash of each lesion id (eight bytes). The hashes keep ids out of the file, but who guesses an id
can tell whether it is there.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hmnist.arrays import Booleans
from hmnist.dataset import LesionDataset, check_loaded, fingerprint_images
from hmnist.guarded import read_arrays, write_arrays
from hmnist.runs.sketches import SIDE, Sketches, are_near, sketch_images

_SEEN = "seen.npz"

_KINDS = {
    "same": ("same image", "same images"),
    "near": ("near copy", "near copies"),
    "lesion": ("other image of the same lesion", "other images of the same lesions"),
}
"""What an image is called, and several, by the reason why it has been seen."""

Hashes = npt.NDArray[np.uint64]


@dataclass(frozen=True, eq=False)
class Seen:
    """Which images of a data set a model has seen, each for one reason: bool, shape (n,).

    Attributes
    ----------
    same : numpy.ndarray of bool
        Images that trained or validated the model, pixel by pixel.
    near : numpy.ndarray of bool
        Near copies of such images (`hmnist.runs.sketches`).
    lesion : numpy.ndarray of bool
        Other images of the lesions of all these images.
    knows_lesions : bool
        Whether both the model's lesions and those of the data set are known.
    """

    same: Booleans
    near: Booleans
    lesion: Booleans
    knows_lesions: bool

    @property
    def any(self) -> Booleans:
        """Which images the model has seen."""
        return self.same | self.near | self.lesion

    def counts(self) -> dict[str, int]:
        """Return the number of images for each reason."""
        return {name: int(getattr(self, name).sum()) for name in _KINDS}

    def __str__(self) -> str:
        """Say how many images are left out of an evaluation, and why; empty if none is."""
        texts = [
            f"{count:,} {_KINDS[name][count > 1]}" for name, count in self.counts().items() if count
        ]
        because = "Left out because of what trained or validated the model"
        return f"{because}: {', '.join(texts)}." if texts else ""


def write_seen(folder: Path, parts: Sequence[LesionDataset]) -> None:
    """Write what is known of the images of some parts into a run folder."""
    fingerprints = np.concatenate([fingerprint_images(part.images) for part in parts])
    sketches = np.concatenate([sketch_images(part.images) for part in parts])
    fingerprints, first = np.unique(fingerprints, return_index=True)
    lesions = np.concatenate([_hash_lesions(part).ravel() for part in parts])
    arrays = {
        "fingerprints": fingerprints,
        "sketches": sketches[first],
        "lesions": np.unique(lesions),
    }
    write_arrays(folder / _SEEN, arrays)


def read_seen(folder: Path) -> tuple[Hashes, Sketches, Hashes]:
    """Return the fingerprints, the sketches and the hashes of lesions in a run folder.

    Raises
    ------
    TrustError
        If the file is damaged.
    """
    arrays = read_arrays(
        folder / _SEEN,
        {
            "fingerprints": (np.uint64, (None,)),
            "sketches": (np.int8, (None, SIDE, SIDE)),
            "lesions": (np.uint64, (None,)),
        },
    )
    return arrays["fingerprints"], arrays["sketches"], arrays["lesions"]


def find_seen(folder: Path, data: LesionDataset) -> Seen:
    """Return which images of a data set the model in a run folder has seen."""
    check_loaded(data)
    fingerprints, sketches, lesions = read_seen(folder)
    same = np.isin(fingerprint_images(data.images), fingerprints)
    copied = same | are_near(sketch_images(data.images), sketches)
    seen = copied
    if data.lesion_ids is not None:
        listed = np.isin(_hash_lesions(data), lesions).any(axis=0)
        # The lesion of a copy is known even if its id was not, or is another one here.
        seen = copied | np.isin(data.lesion_ids, data.lesion_ids[copied | listed])
    knows_lesions = data.lesion_ids is not None and len(lesions) > 0
    return Seen(same, copied & ~same, seen & ~copied, knows_lesions)


def _hash_lesions(data: LesionDataset) -> Hashes:
    """Return hashes of the lesion ids of each image, shape (k, n); k is 0 if they are unknown.

    An image has two ids where its lesion was counted as one with another
    (`hmnist.LesionDataset.merged_pairs`); another file may hold only one of the two.
    """
    ids = [] if data.lesion_ids is None else [data.lesion_ids]
    if ids and data.metadata is not None and "lesion_id" in data.metadata:
        ids.append(data.metadata["lesion_id"].to_numpy(dtype=str))
    hashes = [_hash(name) for each in ids for name in each.tolist()]
    return np.array(hashes, np.uint64).reshape(len(ids), len(data))


def _hash(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest())
