"""Checks of names: labels, lesions and diagnoses that contradict each other.

Each function returns None, or what is wrong; `TooFew` if it cannot judge.
"""

import numpy as np
import numpy.typing as npt

from hmnist.arrays import Labels, Strings
from hmnist.checks.subject import Found, Subject, TooFew
from hmnist.diagnoses import CODES, MEDMNIST_CODES

_COMMONEST = CODES.index("nv")


def find_other_label_order(subject: Subject) -> Found | TooFew | None:
    """Find labels that number the diagnoses as another file does.

    The metadata show it. Without them, naevi (nv, 67 % of HAM10000) do: if another label has more
    than half of all images, that label must be theirs.
    """
    labels, dx = subject.data.labels, subject.metadata_column("dx")
    if dx is not None:
        return _contradiction(labels, dx)
    counts = np.bincount(labels, minlength=len(CODES))
    commonest = int(counts.argmax())
    if counts[commonest] <= 0.5 * len(labels):
        return TooFew("the metadata, or a diagnosis that most images have")
    if commonest == _COMMONEST:
        return None
    is_medmnists = MEDMNIST_CODES[commonest] == "nv"
    end = "; MedMNIST's order, the alphabet's, has nv there." if is_medmnists else "."
    share = float(counts[commonest] / len(labels))
    return Found(
        f"{share:.0%} of the images have label {commonest}, {CODES[commonest]} in the Kaggle "
        f"order, where nv should be the commonest{end}",
        {"label": commonest, "share": share},
    )


def find_image_under_two_lesions(subject: Subject) -> Found | None:
    """Find images that are the same pixel by pixel, but have two lesion ids."""
    lesion_ids = subject.data.lesion_ids
    if lesion_ids is None:
        return None
    return _same_pixels(
        subject, lesion_ids, "under another lesion_id", ": a split by lesion may part them"
    )


def find_image_with_two_diagnoses(subject: Subject) -> Found | None:
    """Find images that are the same pixel by pixel, but have two labels."""
    return _same_pixels(subject, subject.data.labels, "of another diagnosis")


def _contradiction(labels: Labels, dx: Strings) -> Found | None:
    wrong = np.array(CODES)[labels] != dx
    if not wrong.any():
        return None
    count, of = int(wrong.sum()), len(labels)
    pairs = set(zip(labels.tolist(), dx.tolist(), strict=True))
    row = int(wrong.argmax())
    sentence = (
        f"{count:,} of {of:,} labels contradict the metadata, that of row {row:,} first: "
        f"{labels[row]} is {CODES[labels[row]]}, and dx says {dx[row]}."
    )
    if all(MEDMNIST_CODES[label] == diagnosis for label, diagnosis in pairs):
        sentence = (
            "By the metadata, the labels are in MedMNIST's order, the alphabet's (4 mel, 5 nv, "
            f"6 vasc), not in Kaggle's (4 nv, 5 vasc, 6 mel): {count:,} of {of:,} images have a "
            "wrong name."
        )
    return Found(sentence, {"images": count, "of": of})


def _same_pixels(
    subject: Subject, names: npt.NDArray[np.generic], which: str, end: str = ""
) -> Found | None:
    """Describe images that have the pixels of an earlier one, but another name."""
    _, first, group = np.unique(subject.image_keys, return_index=True, return_inverse=True)
    earlier = first[group]
    rows = np.flatnonzero(names != names[earlier])
    if not len(rows):
        return None
    images = f"{len(rows):,} images have" if len(rows) > 1 else "1 image has"
    return Found(
        f"{images} the same pixels as an earlier one {which}, row {rows[0]:,} as row "
        f"{earlier[rows[0]]:,} first{end}.",
        {"images": len(rows)},
    )
