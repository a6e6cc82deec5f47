"""The embedded sample: a data set of generated lesions, for use without a data file.

`hmnist.sources.cohort` makes its lesions and metadata, `hmnist.sources.painter` its images. As in
the Kaggle file, rows of one diagnosis stand together, so the last rows are not a random part of it.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

from hmnist.dataset import LesionDataset
from hmnist.errors import DataError, UsageError
from hmnist.files import expand_home, refuse_to_overwrite, write_file
from hmnist.sources.brushes import SIZE
from hmnist.sources.cohort import SAMPLE_PREFIX, Plan, describe, plan_rows
from hmnist.sources.metadata import METADATA_FILE
from hmnist.sources.painter import paint
from hmnist.sources.tables import read_table
from hmnist.sources.writing import check_pixel_file_name, format_rows, write_pixel_file

if TYPE_CHECKING:
    import pandas as pd

DEFAULT_ROWS = 2500  # images of the sample if no number is given


def load_sample(rows: int = DEFAULT_ROWS, seed: int = 0) -> LesionDataset:
    """Generate the embedded sample: 28×28 RGB images with lesions and seven columns of metadata.

    Parameters
    ----------
    rows : int
        Images, at least 42 (six of each diagnosis).
    seed : int
        0 or more. The same rows and seed give the same data set.

    Raises
    ------
    UsageError
        If `rows` is below 42, or `seed` is no whole number from 0.

    Examples
    --------
    >>> data = load_sample(rows=60)
    >>> data.name, data.images.shape, data.synthetic
    ('synthetic sample', (60, 28, 28, 3), True)
    """
    return _make(plan_rows(rows, seed), seed)


def generate(
    rows: int = DEFAULT_ROWS, seed: int = 0, chunk_rows: int = 2048
) -> Iterator[LesionDataset]:
    """Generate the sample in chunks, so that a million rows need little memory.

    Together the chunks are the data set that `load_sample` returns, whatever the number of rows in
    a chunk. A lesion may have images in two chunks. Raises UsageError if `rows` is below 42,
    `chunk_rows` below 1, or `seed` no whole number from 0.
    """
    if chunk_rows < 1:
        raise UsageError(f"A chunk has at least 1 row, not {chunk_rows}.")
    return (_make(part, seed) for part in plan_rows(rows, seed).parts(chunk_rows))


def write_sample(
    path: str | Path,
    rows: int = DEFAULT_ROWS,
    seed: int = 0,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[Path, Path]:
    """Write the sample as a pixel file in the Kaggle format, and its metadata beside it.

    Parameters
    ----------
    path : str or pathlib.Path
        The pixel file, ``.csv`` or ``.csv.gz``: columns ``pixel0000 … pixel2351, label``. It must
        not exist yet.
    rows, seed : int
        As for `load_sample`.
    on_progress : callable, optional
        Called with the number of rows written so far, and of all.

    Returns
    -------
    tuple of pathlib.Path
        The pixel file and ``HAM10000_metadata.csv`` in the same folder.

    Raises
    ------
    UsageError
        If `path` is not a name for a pixel file, one of the two files exists, `rows` is below 42,
        or `seed` is no whole number from 0.
    WorkError
        If a file cannot be written.
    """
    path = expand_home(path)
    metadata_path = path.with_name(METADATA_FILE)
    check_pixel_file_name(path, example="sample.csv.gz")
    refuse_to_overwrite(path, metadata_path)
    chunks = generate(rows, seed)
    with (
        write_file(metadata_path) as temporary,
        write_pixel_file(path, SIZE * SIZE * 3) as pixel_file,
        temporary.open("w", encoding="utf-8", newline="") as metadata_file,
    ):
        done = 0
        for chunk in chunks:
            pixel_file.write(format_rows(chunk.images, chunk.labels))
            metadata = cast("pd.DataFrame", chunk.metadata)
            metadata.to_csv(metadata_file, index=False, header=done == 0, lineterminator="\n")
            done += len(chunk)
            if on_progress is not None:
                on_progress(done, rows)
    return path, metadata_path


def is_sample(metadata: "pd.DataFrame | None") -> bool:
    """Return whether metadata contains rows of a sample: their image ids start with ``SAMPLE_``."""
    if metadata is None or "image_id" not in metadata:
        return False
    return bool(metadata["image_id"].astype(str).str.startswith(SAMPLE_PREFIX).any())


def is_sample_file(path: Path) -> bool:
    """Return whether all rows of a metadata file are a sample's; False if it cannot be read."""
    try:
        rows = (cells[0] for _, cells in read_table(path))
        return next(rows, "") == "lesion_id" and all(
            lesion.startswith(SAMPLE_PREFIX) for lesion in rows
        )
    except DataError:
        return False


def _make(plan: Plan, seed: int) -> LesionDataset:
    metadata = describe(plan, seed)
    return LesionDataset(
        images=paint(plan.labels, plan.lesions, plan.image_numbers, seed),
        labels=plan.labels,
        lesion_ids=metadata["lesion_id"].to_numpy(dtype=str),
        metadata=metadata,
        name="synthetic sample",
        synthetic=True,
    )
