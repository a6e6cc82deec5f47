"""Patient data as numbers: the age, the sex and the site of the lesion, from the metadata.

The columns are fixed, and nothing is fitted. A model that was trained with patient data also
answers without them, because a share of its training rows is hidden (`HIDDEN_SHARE`). The column
``dx_type`` of the metadata is never read: how a diagnosis was confirmed tells which it is.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hmnist.arrays import Booleans, Float32, Float64
from hmnist.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

FIELDS = ("age", "sex", "localization")
"""The columns of the metadata that are read."""

SEXES = ("female", "male", "unknown")

SITES = (
    "abdomen", "acral", "back", "chest", "ear", "face", "foot", "genital", "hand",
    "lower extremity", "neck", "scalp", "trunk", "upper extremity", "unknown",
)  # fmt: skip
"""The sites of HAM10000; any other word counts as ``unknown``, which is the last."""

AGE_BOUNDS = (15, 30, 45, 60, 75)
"""Years at which a new age group begins.

Linear models read them beside the age itself: how likely a diagnosis is does not simply rise or
fall with age.
"""

AGE_GROUPS = ("below 15", *(f"from {years}" for years in AGE_BOUNDS))

PATIENT_COLUMNS = (
    "patient age",
    *(f"patient age {group}" for group in AGE_GROUPS),
    "patient age unknown",
    *(f"patient sex {sex}" for sex in SEXES),
    *(f"patient site {site}" for site in SITES),
)
"""The names of the columns of `encode_patients`."""

UNKNOWN_PATIENT: Float32 = np.array(
    [float(name.endswith("unknown")) for name in PATIENT_COLUMNS], np.float32
)
"""The row of a patient of whom nothing is known."""

OLDEST = 120
"""Years; a greater age, or one below 0, counts as missing."""

HIDDEN_SHARE = 0.2
"""The share of the training rows that is replaced by `UNKNOWN_PATIENT`."""


def encode_patients(metadata: "pd.DataFrame | None") -> Float32 | None:
    """Return age, sex and site as numbers: float32, shape (n, `PATIENT_COLUMNS`).

    Parameters
    ----------
    metadata : pandas.DataFrame or None
        A row per image, with one or more of the columns ``age`` (years), ``sex`` and
        ``localization``. What is missing, or is not a word of HAM10000, is unknown.

    Returns
    -------
    numpy.ndarray or None
        (age - 50) / 20, which is 0 where the age is missing, and a 1 for the age group or a missing
        age; a 1 for the sex; a 1 for the site. None if the metadata have none of the columns.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"age": [70.0], "sex": ["male"], "localization": ["back"]})
    >>> dict(zip(PATIENT_COLUMNS, encode_patients(table)[0].tolist()))["patient age"]
    1.0
    >>> encode_patients(pd.DataFrame({"dx": ["nv"]}))
    """
    if metadata is None or not set(FIELDS) & set(metadata):
        return None
    nothing = np.full(len(metadata), np.nan)
    age, sex, site = (metadata.get(field, nothing) for field in FIELDS)
    return np.hstack([_encode_age(age), _encode_words(sex, SEXES), _encode_words(site, SITES)])


def check_patients(patients: npt.ArrayLike | None, count: int) -> Float32:
    """Return the patient data of so many images as float32; a `UsageError` if they are none.

    None stands for patients of whom nothing is known.
    """
    if patients is None:
        return np.broadcast_to(UNKNOWN_PATIENT, (count, len(UNKNOWN_PATIENT)))
    rows = np.asarray(patients)
    expected = (count, len(PATIENT_COLUMNS))
    if rows.shape != expected or rows.dtype.kind not in "iuf" or not np.isfinite(rows).all():
        raise UsageError(
            f"The patient data have the shape {rows.shape} and the type {rows.dtype}; expected "
            f"finite numbers of shape {expected}.",
            "Take LesionDataset.patients, or what hmnist.encode_patients returns.",
        )
    return rows.astype(np.float32, copy=False)


def hide_patients(patients: Float32, draws: Float64) -> Float32:
    """Return the patient data with those hidden whose draw is below `HIDDEN_SHARE`.

    `draws` are uniform numbers from 0 to 1, one per row.
    """
    return np.where((draws < HIDDEN_SHARE)[:, None], UNKNOWN_PATIENT, patients)


def find_unknown(patients: Float32) -> Booleans:
    """Return of which patients nothing is known: bool, shape (n,)."""
    return np.asarray((patients == UNKNOWN_PATIENT).all(axis=1))


def describe_unknown(parts: Sequence[Float32 | None], count: int) -> str:
    """Return the sentence on images without patient data, for a model that uses them.

    Examples
    --------
    >>> describe_unknown([np.stack([UNKNOWN_PATIENT, 0 * UNKNOWN_PATIENT]), None], 5)
    'The model was trained with patient data (age, sex, site); 4 of 5 images have none.'
    >>> describe_unknown([0 * UNKNOWN_PATIENT[None]], 1)
    ''
    """
    known = sum(int((~find_unknown(part)).sum()) for part in parts if part is not None)
    if known == count:
        return ""
    return (
        f"The model was trained with patient data (age, sex, site); {count - known:,} of "
        f"{count:,} images have none."
    )


def read_ages(column: "pd.Series[Any] | Float64") -> Float64:
    """Return a column of ages in years: float64; what is no number is NaN."""
    import pandas as pd

    return np.asarray(pd.to_numeric(column, errors="coerce"), np.float64)


def _encode_age(age: "pd.Series[float] | Float64") -> Float32:
    years = read_ages(age)
    known = (years >= 0) & (years <= OLDEST)
    scaled = np.where(known, (years - 50) / 20, 0)
    groups = np.eye(len(AGE_GROUPS))[np.digitize(years, AGE_BOUNDS)] * known[:, None]
    return np.column_stack([scaled, groups, ~known]).astype(np.float32)


def _encode_words(cells: "pd.Series[str] | Float64", words: tuple[str, ...]) -> Float32:
    import pandas as pd

    spelled = pd.Series(cells).astype(str).str.strip().str.lower()
    # A word that is not there has the position -1, that of the last one: unknown.
    positions = pd.Index(words).get_indexer(pd.Index(spelled))
    return np.eye(len(words), dtype=np.float32)[positions]
