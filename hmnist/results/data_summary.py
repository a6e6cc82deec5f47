"""`summarise_data`: what a data file contains, in numbers: diagnoses, lesions, metadata."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hmnist.arrays import Shape
from hmnist.dataset import check_loaded
from hmnist.diagnoses import CODES, DIAGNOSES
from hmnist.html import Cells, html_of
from hmnist.runs.facts import describe_data, json_text

if TYPE_CHECKING:
    import pandas as pd

    from hmnist.dataset import LesionDataset

UNKNOWN = "unknown"
"""The word that HAM10000 has in the place of a sex or a site that was not recorded."""


@dataclass(frozen=True)
class MetadataColumn:
    """A column of the metadata.

    Attributes
    ----------
    name : str
    kind : str
        ``text`` or ``number``.
    missing : int
        How many images have no value, or the word ``unknown``.
    distinct : int
        How many different values there are beside these.
    """

    name: str
    kind: str
    missing: int
    distinct: int


@dataclass(frozen=True, kw_only=True, repr=False)
class DataSummary:
    """What a data file contains.

    Attributes
    ----------
    name : str
    images : int
    image_shape : tuple of int
        Height, width and channels.
    lesions : int or None
        None where lesions are unknown; `lesion_text` says it in words.
    lesion_text : str
    images_by_diagnosis : mapping of str to int
    lesions_by_diagnosis : mapping of str to int, or None
    images_by_dx_type : mapping of str to (mapping of str to int), or None
        How diagnoses were confirmed: by diagnosis, then by ``dx_type``.
    metadata : tuple of MetadataColumn, or None
    own_split : bool
        Whether the file brings a split.
    synthetic : bool
    digest : str
    """

    name: str
    images: int
    image_shape: Shape
    lesions: int | None
    lesion_text: str
    images_by_diagnosis: Mapping[str, int]
    lesions_by_diagnosis: Mapping[str, int] | None
    images_by_dx_type: Mapping[str, Mapping[str, int]] | None
    metadata: tuple[MetadataColumn, ...] | None
    own_split: bool
    synthetic: bool
    digest: str

    @property
    def title(self) -> str:
        """What it is, in a line."""
        shape = "×".join(map(str, self.image_shape))
        return f"{self.name}: {self.images:,} images of {shape}, {self.lesion_text}"

    def __repr__(self) -> str:
        return f"DataSummary({self.title!r})"

    def _repr_html_(self) -> str:
        return html_of(self.tables(), title=self.title)

    def tables(self) -> list[Cells]:
        """Return header and cells of each table: diagnoses, how they were confirmed, metadata."""
        tables: list[Cells] = [self._diagnosis_table()]
        if self.images_by_dx_type is not None:
            types = list(next(iter(self.images_by_dx_type.values())))
            rows = [
                [code, *(f"{count:,}" for count in counts.values())]
                for code, counts in self.images_by_dx_type.items()
            ]
            tables.append((["images by dx_type", *types], rows))
        if self.metadata is not None:
            columns = [
                [column.name, column.kind, f"{column.missing:,}", f"{column.distinct:,}"]
                for column in self.metadata
            ]
            tables.append((["metadata", "type", "missing or unknown", "distinct"], columns))
        return tables

    def to_json(self) -> str:
        """Return the summary as a JSON object."""
        return json_text({"schema": "hmnist-data/1", **asdict(self)})

    def _diagnosis_table(self) -> Cells:
        names = {diagnosis.code: diagnosis.name for diagnosis in DIAGNOSES}
        lesions = self.lesions_by_diagnosis
        rows = [
            [
                code,
                f"{count:,}",
                f"{count / max(1, self.images):.1%}",
                "–" if lesions is None else f"{lesions[code]:,}",
                names[code],
            ]
            for code, count in self.images_by_diagnosis.items()
        ]
        return ["diagnosis", "images", "share", "lesions", "name"], rows


def summarise_data(data: "LesionDataset") -> DataSummary:
    """Count images and lesions by diagnosis, how diagnoses were confirmed, and missing metadata.

    Parameters
    ----------
    data : LesionDataset

    Returns
    -------
    DataSummary

    Raises
    ------
    UsageError
        If the data are not a `LesionDataset`.

    Examples
    --------
    >>> from hmnist.sources.sample import load_sample
    >>> summary = summarise_data(load_sample(rows=60))
    >>> summary.images_by_diagnosis["nv"], summary.lesions
    (24, 55)
    """
    check_loaded(data)
    lesions = None
    if data.lesion_ids is not None:
        lesions = {
            code: len(np.unique(data.lesion_ids[data.labels == label]))
            for label, code in enumerate(CODES)
        }
    counts = np.bincount(data.labels, minlength=len(CODES))
    return DataSummary(
        name=data.name,
        images=len(data),
        image_shape=data.image_shape,
        lesions=data.lesion_count,
        lesion_text=describe_data(data).lesion_text,
        images_by_diagnosis=dict(zip(CODES, counts.tolist(), strict=True)),
        lesions_by_diagnosis=lesions,
        images_by_dx_type=_count_dx_types(data),
        metadata=_describe_columns(data.metadata),
        own_split=data.own_split is not None,
        synthetic=data.synthetic,
        digest=data.digest,
    )


def _count_dx_types(data: "LesionDataset") -> dict[str, dict[str, int]] | None:
    if data.metadata is None or "dx_type" not in data.metadata:
        return None
    types = data.metadata["dx_type"].to_numpy(dtype=str)
    return {
        code: {name: int((types[data.labels == label] == name).sum()) for name in np.unique(types)}
        for label, code in enumerate(CODES)
    }


def _describe_columns(metadata: "pd.DataFrame | None") -> tuple[MetadataColumn, ...] | None:
    if metadata is None:
        return None
    return tuple(_describe_column(metadata[name]) for name in metadata.columns)


def _describe_column(column: "pd.Series[Any]") -> MetadataColumn:
    known = column[column.notna() & (column != UNKNOWN)]
    kind = "number" if column.dtype.kind in "fi" else "text"
    return MetadataColumn(str(column.name), kind, len(column) - len(known), known.nunique())
