"""What it means that the lesions of a data set are unknown, and what would cure it."""

from hmnist.arrays import Strings
from hmnist.dataset import LesionDataset
from hmnist.errors import UsageError


def describe_unknown_lesions(data: LesionDataset) -> str:
    """Say what it means that the lesions of a data set are unknown, and what would cure it."""
    return (
        "The lesions are unknown, so images of one lesion may train and test: such scores are "
        f"too high. {cure_unknown_lesions(data)}"
    )


def cure_unknown_lesions(data: LesionDataset) -> str:
    """Name the file that tells which images show one lesion."""
    if data.own_split is not None:
        return (
            "MedMNIST files do not tell; hmnist_28_28_RGB.csv with HAM10000_metadata.csv beside "
            "it does."
        )
    return (
        "Put HAM10000_metadata.csv beside the pixel file or name it with --metadata: "
        "it tells which images show one lesion."
    )


def known_lesions(data: LesionDataset) -> Strings:
    """Return the lesion of each image; a `UsageError` if they are unknown."""
    if data.lesion_ids is None:
        raise UsageError(
            f"{data.name} cannot be split by lesion: its lesions are unknown.",
            cure_unknown_lesions(data),
        )
    return data.lesion_ids
