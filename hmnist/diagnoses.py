"""The seven diagnoses of HAM10000: codes, names, malignancy, and their order in each file format.

The order of the Kaggle pixel files is the order used everywhere inside this package. DermaMNIST
numbers the same diagnoses differently: its labels are mapped by name when a file is read.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One of the seven diagnoses.

    Attributes
    ----------
    code : str
        The short name that the metadata uses in its column ``dx``.
    name : str
        The name in words.
    malignant : bool
        Whether it counts as malignant in ``sensitivity_malignant``. Actinic keratoses and Bowen's
        disease (akiec) are intraepithelial carcinomas and count.
    """

    code: str
    name: str
    malignant: bool


DIAGNOSES: tuple[Diagnosis, ...] = (
    Diagnosis("akiec", "actinic keratosis / Bowen's disease", malignant=True),
    Diagnosis("bcc", "basal cell carcinoma", malignant=True),
    Diagnosis("bkl", "benign keratosis", malignant=False),
    Diagnosis("df", "dermatofibroma", malignant=False),
    Diagnosis("nv", "melanocytic naevus", malignant=False),
    Diagnosis("vasc", "vascular lesion", malignant=False),
    Diagnosis("mel", "melanoma", malignant=True),
)
"""The diagnoses in the label order of the Kaggle pixel files (Tschandl et al. 2018)."""

CODES: tuple[str, ...] = tuple(diagnosis.code for diagnosis in DIAGNOSES)

MALIGNANT: tuple[int, ...] = tuple(
    label for label, diagnosis in enumerate(DIAGNOSES) if diagnosis.malignant
)

BENIGN: tuple[int, ...] = tuple(
    label for label, diagnosis in enumerate(DIAGNOSES) if not diagnosis.malignant
)

RARE: tuple[str, ...] = ("df", "vasc")
"""The diagnoses that are oversampled by default: 115 and 142 of 10,015 images."""

MEDMNIST_CODES: tuple[str, ...] = ("akiec", "bcc", "bkl", "df", "mel", "nv", "vasc")
"""The label order of DermaMNIST (Yang et al. 2023), which differs from the Kaggle files'."""


def label_of(code: str) -> int:
    """Return the label (0–6, Kaggle order) of a diagnosis code; a `ValueError` if unknown."""
    return CODES.index(code)
