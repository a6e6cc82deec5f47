"""Pixel files in the Kaggle format: ``pixel0000 … pixel2351, label``, one image per row.

`read_pixel_csv` reads a file that it has seen before from the cache. A new file goes to pandas;
where pandas stumbles, `hmnist.sources.malformed` reads what can be read and names the first cell
that cannot.
"""

from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from hmnist.diagnoses import CODES
from hmnist.sources.cache import Table, remembered
from hmnist.sources.header import check_header, image_shape, read_header
from hmnist.sources.malformed import read_carefully
from hmnist.sources.opening import opened

__all__ = ["read_pixel_csv"]

_BLOCK = 1 << 18
"""Bytes read at once where a file is only read to its end."""


def read_pixel_csv(path: Path) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    r"""Read a pixel file, plain or packed by gzip.

    Parameters
    ----------
    path : pathlib.Path
        A CSV file with the columns ``pixel0000`` … and ``label``. Pixels run row by row, the
        channels of a pixel side by side.

    Returns
    -------
    images : numpy.ndarray of uint8, shape (n, h, w, c)
        The shape of an image follows from the number of columns, and from the file's name where
        that is not enough (`hmnist.sources.header.image_shape`).
    labels : numpy.ndarray of int64, shape (n,)
        0–6 in the Kaggle order.

    Raises
    ------
    DataMissingError
        If there is no such file.
    DataError
        If it cannot be read or is malformed; the message names the first offence.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "two.csv"
    >>> _ = path.write_text("pixel0,pixel1,pixel2,label\n1,2,3,4\n5,6,7,6\n")
    >>> images, labels = read_pixel_csv(path)
    >>> images.shape, labels
    ((2, 1, 1, 3), array([4, 6]))
    """
    pixels, labels = remembered(path, _parse)
    return pixels.reshape(len(pixels), *image_shape(pixels.shape[1], path)), labels


def _parse(path: Path) -> Table:
    with opened(path) as file:
        names = read_header(file, path)
        check_header(names, path)
        table = _parse_plain(file, len(names))
    if table is None:
        _read_to_the_end(path)
        with opened(path) as file:
            table = read_carefully(file, path, names)
    return table


def _read_to_the_end(path: Path) -> None:
    # A damaged gzip file is to be reported as such, not as the nonsense that it unpacks to.
    with opened(path) as file:
        while file.read(_BLOCK):
            pass


def _parse_plain(file: BinaryIO, columns: int) -> Table | None:
    """Let pandas parse the rows behind the header; None if anything is out of the ordinary."""
    import warnings

    import pandas as pd

    try:
        with warnings.catch_warnings():
            # A cell that is cast to something else is no pixel: pandas makes "inf" a 0, and warns.
            warnings.simplefilter("error", RuntimeWarning)
            # No index column: where all rows have a cell too many, pandas would take the first.
            rows = pd.read_csv(
                file, header=None, dtype=np.uint8, index_col=False, skip_blank_lines=False
            ).to_numpy()
    except (ValueError, OverflowError, RuntimeWarning):
        return None
    if rows.shape[1] != columns or rows[:, -1].max() >= len(CODES):
        return None
    return np.ascontiguousarray(rows[:, :-1]), rows[:, -1].astype(np.int64)
