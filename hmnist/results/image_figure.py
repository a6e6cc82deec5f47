"""`plot_images`: a sheet of the images of one diagnosis."""

from typing import TYPE_CHECKING

import numpy as np

from hmnist.arrays import Indices, Pixels
from hmnist.dataset import LesionDataset, check_loaded, lesion_text
from hmnist.diagnoses import CODES, label_of
from hmnist.errors import UsageError, check_seed, unknown_name
from hmnist.results import canvas
from hmnist.runs.facts import as_line

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_ROWS, _COLUMNS = 8, 12


@canvas.drawing()
def plot_images(data: LesionDataset, diagnosis: str, *, seed: int = 0) -> "Figure":
    """Draw a sheet of images of one diagnosis.

    Parameters
    ----------
    data : LesionDataset
        The data set.
    diagnosis : str
        Its code: ``akiec``, ``bcc``, ``bkl``, ``df``, ``nv``, ``vasc`` or ``mel``.
    seed : int
        0 or more; fixes which images are drawn.

    Returns
    -------
    matplotlib.figure.Figure
        Up to 96 images, of as many lesions as possible.

    Raises
    ------
    UsageError
        If matplotlib is not installed, the data are not a `LesionDataset`, the seed is negative,
        the diagnosis is unknown, or no image has it.

    Examples
    --------
    >>> import hmnist
    >>> figure = hmnist.plot_images(hmnist.load_sample(rows=60), "nv")
    >>> figure.texts[0].get_text()
    'melanocytic naevus (nv): all 24 images'
    """
    check_loaded(data)
    check_seed(seed)
    if diagnosis not in CODES:
        raise unknown_name("diagnosis", diagnosis, CODES)
    label = label_of(diagnosis)
    rows = choose_images(data, label, seed)
    if not len(rows):
        raise UsageError(f"{data.name} holds no images of {diagnosis}.")
    sheet = lay_out(data.images[rows])
    count = int((data.labels == label).sum())
    if len(rows) == count:
        shown, notes = f"all {count:,} images", describe_data(data)
    else:
        lesions = "" if data.lesion_ids is None else " of as many lesions as possible"
        shown = f"{len(rows)} of {count:,} images"
        notes = [*describe_data(data), f"Drawn at random{lesions}, seed {seed}."]
    height = canvas.WIDTH * len(sheet) / sheet.shape[1]
    figure = canvas.new_figure(height, f"{canvas.full_names()[label]}: {shown}", notes)
    axes = figure.subplots()
    grey = sheet.shape[2] == 1
    axes.imshow(
        sheet[..., 0] if grey else sheet, cmap="gray", vmin=0, vmax=255, interpolation="nearest"
    )
    axes.set_axis_off()
    return figure


def choose_images(data: LesionDataset, label: int, seed: int) -> Indices:
    """Draw up to 96 images of a diagnosis, a second image of a lesion only where lesions run out.

    The result are rows of the data set, ascending.
    """
    rows = np.random.default_rng([seed, label]).permutation(np.flatnonzero(data.labels == label))
    if data.lesion_ids is not None:
        _, first = np.unique(data.lesion_ids[rows], return_index=True)
        repeated = np.ones(len(rows), bool)
        repeated[first] = False
        rows = rows[np.argsort(repeated, kind="stable")]
    return np.sort(rows[: _ROWS * _COLUMNS])


def lay_out(images: Pixels) -> Pixels:
    """Return one image in which images stand in rows of twelve, with white between them.

    Images have shape (n, h, w, c), the result (height, width, c).
    """
    count, height, width, channels = images.shape
    gap = max(1, width // 14)
    rows = -(-count // _COLUMNS)
    sheet = np.full(
        (rows * (height + gap) - gap, _COLUMNS * (width + gap) - gap, channels), 255, np.uint8
    )
    for number, image in enumerate(images):
        row, column = divmod(number, _COLUMNS)
        top, left = row * (height + gap), column * (width + gap)
        sheet[top : top + height, left : left + width] = image
    return sheet


def describe_data(data: LesionDataset) -> list[str]:
    """Return the sentences on its data that stand under a figure."""
    lesions = lesion_text(data.lesion_count)
    caption = [f"Data: {as_line(data.name)}, {len(data):,} images, {lesions}."]
    if data.synthetic:
        caption.append("Synthetic sample: generated images, no photographs.")
    return caption
