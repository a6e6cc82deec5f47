"""Data files that `hmnist.load` refuses for a mistake that a check can name."""

import dataclasses
import os
from pathlib import Path
from typing import Literal

from hmnist.dataset import LesionDataset
from hmnist.diagnoses import CODES
from hmnist.errors import DataError
from hmnist.files import expand_home
from hmnist.sources import load
from hmnist.sources.header import has_index, read_header
from hmnist.sources.metadata import METADATA_FILE, merge_same_lesions, read_metadata
from hmnist.sources.opening import opened


def unexpected_columns(path: Path) -> list[str]:
    """Return the columns of a pixel file that are neither pixels nor the label.

    Other files have none: refusing them is left to `hmnist.load`.
    """
    if not path.name.lower().endswith((".csv", ".csv.gz")):
        return []
    with opened(path) as file:
        names, _ = read_header(file, path)
    if "pixel0000" not in names and "pixel0" not in names:
        return []
    columns = names[has_index(names) :]  # an index that pandas saved is read over
    return [name for name in columns if name != "label" and not name.startswith("pixel")]


def load_mislabelled(
    path: str | Path, metadata: str | os.PathLike[str] | Literal[False] | None
) -> LesionDataset:
    """Load data as `hmnist.load` does, also where all labels follow another order than `CODES`."""
    try:
        return load(path, metadata=metadata)
    except DataError as error:
        data = None if path == "sample" else _with_labels_in_another_order(Path(path), metadata)
        if data is None:
            raise error from None
        return data


def _with_labels_in_another_order(
    path: Path, metadata: str | os.PathLike[str] | Literal[False] | None
) -> LesionDataset | None:
    """Return data whose labels stand for other diagnoses, one for one, than the metadata say."""
    metadata_path = expand_home(metadata) if metadata else path.with_name(METADATA_FILE)
    if metadata is False or metadata == "none" or not metadata_path.is_file():
        return None
    data = load(path, metadata=False)
    table = read_metadata(metadata_path)
    pairs = set(zip(data.labels.tolist(), table["dx"].tolist(), strict=False))
    one_for_one = len(pairs) == len({label for label, _ in pairs}) == len({dx for _, dx in pairs})
    if len(table) != len(data) or not one_for_one:
        return None
    if all(CODES[label] == dx for label, dx in pairs):
        return None
    lesions = merge_same_lesions(table["image_id"].tolist(), table["lesion_id"].tolist())
    return dataclasses.replace(data, metadata=table, lesion_ids=lesions)
