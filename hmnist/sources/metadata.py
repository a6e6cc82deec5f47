"""Metadata: the lesion of each image, patient data, and where on the body the lesion is.

Row i of a metadata file belongs to row i of the pixels. `attach_metadata` compares the diagnoses of
both row by row, since metadata of other images would give wrong lesions.
"""

import csv
import dataclasses
import functools
import io
import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hmnist.arrays import Strings
from hmnist.dataset import LONGEST_ID, LesionDataset
from hmnist.diagnoses import CODES
from hmnist.errors import DataError
from hmnist.patients import FIELDS
from hmnist.sources.opening import DOWNLOAD_AGAIN, row_name
from hmnist.sources.tables import read_table

if TYPE_CHECKING:
    import pandas as pd

METADATA_FILE = "HAM10000_metadata.csv"  # the name of the metadata file beside a pixel file

SAME_LESION: tuple[tuple[str, str], ...] = (
    ("ISIC_0033481", "ISIC_0033421"), ("ISIC_0033556", "ISIC_0032634"),
    ("ISIC_0029152", "ISIC_0033173"), ("ISIC_0029036", "ISIC_0027027"),
    ("ISIC_0027820", "ISIC_0028209"), ("ISIC_0027689", "ISIC_0032647"),
    ("ISIC_0030906", "ISIC_0024879"), ("ISIC_0033391", "ISIC_0034186"),
    ("ISIC_0025226", "ISIC_0030074"), ("ISIC_0026087", "ISIC_0025664"),
    ("ISIC_0024736", "ISIC_0029748"), ("ISIC_0024770", "ISIC_0027811"),
    ("ISIC_0027162", "ISIC_0029061"), ("ISIC_0024602", "ISIC_0032283"),
    ("ISIC_0029625", "ISIC_0024629"), ("ISIC_0030000", "ISIC_0031392"),
    ("ISIC_0024437", "ISIC_0031299"), ("ISIC_0033374", "ISIC_0033417"),
    ("ISIC_0027636", "ISIC_0027994"),
)  # fmt: skip
"""Pairs of images that show one lesion under two lesion ids.

From Abhishek, Jain & Hamarneh, "Investigating the quality of DermaMNIST and Fitzpatrick17k
dermatological image datasets", Scientific Data 12:196 (2025). The last pair is none of theirs: its
pixels at 28×28 are nearest neighbours (`hmnist data plot --suspects`), and the outline and its
details are the same, moved by a pixel and brighter; both are naevi on the trunk of a man of 60.
"""

REQUIRED = ("lesion_id", "image_id", "dx")
"""The columns that the metadata of a data set have at least."""

_MISSING = (
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN",
    "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
)  # fmt: skip
"""What pandas takes for a missing value. In the columns of `REQUIRED` they are words like others: a
lesion may be called NA."""

_Place = Callable[[int], str]
"""What names the place of a row, counted from 0."""

_OTHER_METADATA = (
    "Name the metadata of these images with --metadata FILE, or use none with --metadata none: "
    "the lesions are unknown then, and images of one lesion may be on both sides of a split."
)


def attach_metadata(data: LesionDataset, path: Path) -> LesionDataset:
    """Return a data set together with its metadata and lesions; see `read_metadata`.

    The file has one row per image, in the same order. If it belongs to other images, the DataError
    names the first row that differs. Lesions that are known to be the same (`SAME_LESION`) get one
    id in `lesion_ids`, but not in `metadata`.
    """
    try:
        metadata, lines = _read_numbered(path, REQUIRED)
    except DataError as error:
        hint = f"{error.hint} Or go without metadata: --metadata none."
        raise type(error)(error.message, hint.lstrip()) from error
    _check_rows(metadata["dx"].tolist(), lines, data, path)
    lesion_ids = merge_same_lesions(metadata["image_id"].tolist(), metadata["lesion_id"].tolist())
    return dataclasses.replace(data, metadata=metadata, lesion_ids=lesion_ids)


def read_metadata(path: Path, required: Sequence[str] = REQUIRED) -> "pd.DataFrame":
    r"""Read a metadata file: CSV in UTF-8 with at least the columns that are required.

    All columns are returned; ``age``, if there, in years as float64, NaN where missing. Raises
    DataMissingError if there is no such file; DataError if a required column is missing, a row has
    too many or too few cells, an age is not a number, or in a required column an id is empty, an
    image is repeated or a diagnosis is none of the seven. Spaces around a column's name are
    dropped.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "metadata.csv"
    >>> _ = path.write_text("lesion_id,image_id,dx,age\nHAM_1,ISIC_1,nv,\nHAM_1,ISIC_2,nv,50\n")
    >>> read_metadata(path)["age"].tolist()
    [nan, 50.0]
    """
    return _read_numbered(path, required)[0]


def read_patient_file(path: Path) -> "pd.DataFrame":
    """Read what is known of the patients of images to predict: one of `FIELDS` at least.

    Neither diagnoses nor lesions are needed, and the names in ``image_id`` for photographs only.
    The errors are those of `read_metadata`, and a DataError if there are no patient data.
    """
    metadata, lines = _read_numbered(path, ())
    if not set(FIELDS) & set(metadata):
        raise DataError(
            f"{path} has none of the columns {', '.join(FIELDS)}.",
            "Patient data are years, female or male, and the site of the lesion, as in "
            f"{METADATA_FILE}.",
        )
    if "image_id" in metadata:
        _check_ids(metadata, functools.partial(_place, path, lines), ["image_id"])
    return metadata


def rows_of(metadata: "pd.DataFrame", names: Sequence[str], owner: str) -> "pd.DataFrame":
    """Return the rows of some images in their order, by ``image_id``, which are all different.

    Raises DataError if an image has no row; `owner` tells in the message whose they are.
    """
    row_of = {name: row for row, name in enumerate(metadata["image_id"])}
    if missing := [name for name in names if name not in row_of]:
        raise DataError(
            f"The metadata do not name {len(missing):,} of {len(names):,} images of {owner}, such "
            f"as {missing[0]}.",
            "Name the metadata of these images.",
        )
    return metadata.iloc[[row_of[name] for name in names]]


def merge_same_lesions(image_ids: Sequence[str], lesion_ids: Sequence[str]) -> Strings:
    """Return the lesion id of each image, with one id for lesions that are known to be the same.

    If both images of a pair in `SAME_LESION` are there, all images of the two lesions have the
    alphabetically first of the two ids.
    """
    images = set(itertools.chain.from_iterable(SAME_LESION))
    lesion_of = {
        image: lesion
        for image, lesion in zip(image_ids, lesion_ids, strict=True)
        if image in images
    }
    merged: dict[str, set[str]] = {}
    for pair in SAME_LESION:
        if all(image in lesion_of for image in pair):
            lesions = {lesion_of[image] for image in pair}
            # Lesions that an earlier pair merged with one of these are the same, too.
            lesions.update(*(merged.get(lesion, set()) for lesion in lesions))
            merged |= dict.fromkeys(lesions, lesions)
    first = {lesion: min(lesions) for lesion, lesions in merged.items()}
    return np.array([first.get(lesion, lesion) for lesion in lesion_ids], dtype=str)


def _read_numbered(path: Path, required: Sequence[str]) -> tuple["pd.DataFrame", list[int]]:
    """Do what `read_metadata` does, and return as well the line on which each row begins."""
    import pandas as pd

    rows = read_table(path)
    _, names = next(rows, (0, []))
    _check_columns(names, path, required)
    # pandas finds the types of the columns. It would fill or drop cells of rows of another length.
    text, lines = io.StringIO(newline=""), []
    writer = csv.writer(text)
    for line, cells in rows:
        lines.append(line)
        writer.writerow(cells)
    if not lines:
        raise DataError(f"{path} has a header and no rows.", DOWNLOAD_AGAIN)
    text.seek(0)
    metadata = pd.read_csv(
        text,
        names=names,
        dtype=dict.fromkeys(REQUIRED, str),
        na_values={name: _MISSING for name in names if name not in REQUIRED},
        keep_default_na=False,
        index_col=False,
        low_memory=False,
    )
    place = functools.partial(_place, path, lines)
    _check_ids(metadata, place, [name for name in ("lesion_id", "image_id") if name in required])
    if "dx" in required:
        codes = f"one of {', '.join(CODES)}"
        hint = "Spell the diagnosis as the seven codes are spelled."
        _refuse_cells(~metadata["dx"].isin(CODES), metadata["dx"], place, codes, hint)
    if "age" in metadata:
        years = pd.to_numeric(metadata["age"], errors="coerce")
        hint = "Leave the cell empty where the age is unknown."
        wrong = ~np.isfinite(years) & metadata["age"].notna()
        _refuse_cells(wrong, metadata["age"], place, "years", hint)
        metadata["age"] = years.astype(np.float64)
    return metadata, lines


def _check_rows(
    diagnoses: list[str], lines: Sequence[int], data: LesionDataset, path: Path
) -> None:
    labels = [CODES[label] for label in data.labels.tolist()]
    problem, lengths = f"{path} does not belong to {data.name}", ""
    if len(diagnoses) != len(labels):
        lengths = f" It has {len(diagnoses):,} rows, the data {len(labels):,}."
    order = ""
    if sorted(diagnoses) == sorted(labels):
        order = (
            " It has the same diagnoses in another order, and pixel files have no image ids by "
            "which its rows could be put in order."
        )
    compared = zip(lines, diagnoses, labels, strict=False)
    for row, (line, diagnosis, label) in enumerate(compared):
        if diagnosis != label:
            raise DataError(
                f"{problem}: {row_name(row, line)} says {diagnosis}, the label of image {row:,} "
                f"says {label}.{lengths}{order}",
                _OTHER_METADATA,
            )
    if lengths:
        shorter = min(len(diagnoses), len(labels))
        raise DataError(
            f"{problem}: the first {shorter:,} rows agree, then one of the two files ends."
            f"{lengths}",
            f"If a file was cut off, download or copy it again. {_OTHER_METADATA}",
        )


def _check_columns(names: list[str], path: Path, required: Sequence[str]) -> None:
    # A pixel file named by mistake has thousands of columns.
    some = ", ".join(name[:40] for name in names[:9]) or "none"
    some += f" … ({len(names):,} in all)" if len(names) > 9 else ""
    for name in required:
        if name not in names:
            raise DataError(
                f"{path} has no column {name!r}; its columns are {some}.",
                f"Metadata has the columns {' and '.join(', '.join(required).rsplit(', ', 1))}, "
                f"separated by commas, as in {METADATA_FILE}.",
            )


def _place(path: Path, lines: Sequence[int], row: int) -> str:
    """Return where a row of a file is, counted from 0, for messages."""
    return f"{path}: {row_name(row, lines[row])}"


def _check_ids(metadata: "pd.DataFrame", place: _Place, names: Sequence[str]) -> None:
    for name in names:
        empty = metadata[name].str.strip() == ""
        if empty.any():
            raise DataError(
                f"{place(int(empty.argmax()))}, column {name}: the cell is empty.",
                f"Give every image its {name}.",
            )
        if (long := metadata[name].str.len() > LONGEST_ID).any():
            raise DataError(
                f"{place(int(long.argmax()))}, column {name}: the id has more than {LONGEST_ID} "
                "characters.",
                "Is it a text in the wrong column? Correct it.",
            )
    if "image_id" in names and (repeated := metadata["image_id"].duplicated()).any():
        row = int(repeated.argmax())
        image_ids = metadata["image_id"].tolist()
        raise DataError(
            f"{place(row)} repeats the image_id {image_ids[row]} of row "
            f"{image_ids.index(image_ids[row]):,}.",
            "Each image stands in one row; remove the other, here and in the pixel file.",
        )


def _refuse_cells(
    wrong: "pd.Series[bool]", cells: "pd.Series[Any]", place: _Place, expected: str, hint: str
) -> None:
    if wrong.any():
        row = int(wrong.argmax())
        raise DataError(
            f"{place(row)}, column {cells.name}: found {cells.iloc[row]!r}; expected {expected}.",
            hint,
        )
