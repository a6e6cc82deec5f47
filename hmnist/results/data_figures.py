"""`plot_data`: the figures of a data set.

A sheet of images for each diagnosis, and diagnoses by count, age, sex and site.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hmnist.arrays import Indices, Pixels
from hmnist.dataset import LesionDataset
from hmnist.diagnoses import CODES
from hmnist.errors import UsageError
from hmnist.results import canvas

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_ROWS, _COLUMNS = 8, 12
_SEXES = (("female", canvas.ACCENT), ("male", canvas.MAIN), ("unknown", canvas.FADED))
_METADATA = ("age", "sex", "localization")
_MOST_SITES = 20


def plot_data(data: LesionDataset, out: str | Path, *, seed: int = 0) -> list[Path]:
    """Draw the images, the diagnoses and the metadata of a data set into PNG files.

    Parameters
    ----------
    data : LesionDataset
        At least one image.
    out : str or pathlib.Path
        The folder for the figures.
    seed : int
        0 or more; fixes which images are drawn for the sheets.

    Returns
    -------
    list of pathlib.Path
        ``sheet-<diagnosis>.png`` for each diagnosis that occurs, up to 96 images each, of as many
        lesions as possible; ``diagnoses.png``; and ``age.png``, ``sex.png``, ``site.png`` where
        the metadata have them (see `missing_columns`).

    Raises
    ------
    UsageError
        If matplotlib is not installed, or there are no images.
    WorkError
        If they cannot be written.
    """
    canvas.check_drawing()
    if not len(data):
        raise UsageError(f"{data.name} holds no images to draw.")
    return canvas.save_figures(draw_data(data, seed), Path(out))


def missing_columns(data: LesionDataset) -> list[str]:
    """Return which of age, sex and localization are unknown for all images."""
    table: Any = {} if data.metadata is None else data.metadata
    return [name for name in _METADATA if name not in table or not table[name].notna().any()]


def draw_data(data: LesionDataset, seed: int) -> "Iterator[tuple[str, Figure]]":
    """Yield the figures that `plot_data` writes, each with its name; call it within `drawing`."""
    lesions = "lesions unknown" if data.lesion_ids is None else f"{data.lesion_count:,} lesions"
    caption = [f"Data: {data.name}, {len(data):,} images, {lesions}."]
    if data.synthetic:
        caption.append("Synthetic sample: generated images, no photographs.")
    for label in np.unique(data.labels):
        yield f"sheet-{CODES[label]}", _draw_sheet(data, int(label), seed, caption)
    yield "diagnoses", _draw_diagnoses(data, caption)
    missing = missing_columns(data)
    drawn = (("age", _draw_ages), ("sex", _draw_sexes), ("site", _draw_sites))
    for column, (name, draw) in zip(_METADATA, drawn, strict=True):
        if data.metadata is not None and column not in missing:
            yield name, draw(data, data.metadata[column], caption)


def _draw_sheet(data: LesionDataset, label: int, seed: int, caption: Sequence[str]) -> "Figure":
    rows = choose_images(data, label, seed)
    sheet = lay_out(data.images[rows])
    count = int((data.labels == label).sum())
    if len(rows) == count:
        shown, notes = f"all {count:,} images", list(caption)
    else:
        lesions = "" if data.lesion_ids is None else " of as many lesions as possible"
        shown = f"{len(rows)} of {count:,} images"
        notes = [*caption, f"Drawn at random{lesions}, seed {seed}."]
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


def _draw_diagnoses(data: LesionDataset, caption: Sequence[str]) -> "Figure":
    counts = np.bincount(data.labels, minlength=len(CODES))
    figure = canvas.new_figure(2.5, "Diagnoses: images and lesions", caption)
    axes = figure.subplots()
    axes.barh(range(len(CODES)), counts, height=0.62, color=canvas.MAIN)
    for label, count in enumerate(counts.tolist()):
        text = f"{count:,} ({canvas.share_text(count, len(data))})"
        if data.lesion_ids is not None:
            lesions = len(np.unique(data.lesion_ids[data.labels == label]))
            text += f", {lesions:,} lesion{'s' if lesions != 1 else ''}"
        canvas.label_bar(axes, label, count, text)
    canvas.name_bars(axes, canvas.full_names())
    axes.set_xlim(0, counts.max() * 1.62)
    axes.grid(visible=True, axis="x")
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.set_xlabel("images")
    return figure


def _draw_ages(data: LesionDataset, column: "pd.Series[Any]", caption: Sequence[str]) -> "Figure":
    from matplotlib.ticker import MultipleLocator

    ages = column.to_numpy(dtype=np.float64)
    known = ages[~np.isnan(ages)]
    # The ages of HAM10000 are multiples of five: each is the middle of a bin.
    edges = np.arange(np.floor(known.min() / 5) * 5, known.max() + 7.5, 5) - 2.5
    missing = len(ages) - len(known)
    unknown = [f"The age is unknown for {missing:,} more images."] if missing else []
    figure = canvas.new_figure(3.4, "Age by diagnosis", [*caption, *unknown])
    for label, axes in enumerate(canvas.panels(figure, len(CODES), "years", sharex=True)):
        shown = ages[(data.labels == label) & ~np.isnan(ages)]
        axes.hist(shown, bins=edges.tolist(), color=canvas.MAIN, edgecolor="white", linewidth=0.4)
        axes.set_title(f"{canvas.short_names()[label]}\n{CODES[label]} · {len(shown):,} images")
        axes.grid(visible=False, axis="x")
        axes.xaxis.set_major_locator(MultipleLocator(20))
        canvas.whole_counts(axes)
    return figure


def _draw_sexes(data: LesionDataset, column: "pd.Series[Any]", caption: Sequence[str]) -> "Figure":
    sexes = column.fillna("unknown").to_numpy(dtype=str)
    figure = canvas.new_figure(2.5, "Sex by diagnosis", caption)
    axes = figure.subplots()
    known = [name for name, _ in _SEXES[:-1]]
    start = np.zeros(len(CODES))
    images = np.bincount(data.labels, minlength=len(CODES))
    for name, colour in _SEXES:
        rows = sexes == name if name in known else ~np.isin(sexes, known)
        counts = np.bincount(data.labels[rows], minlength=len(CODES))
        shares = counts / np.maximum(images, 1)
        axes.barh(range(len(CODES)), shares, left=start, height=0.62, color=colour, label=name)
        for label, share in enumerate(shares):
            if share > 0.08:
                text = f"{counts[label]:,} ({share:.0%})"
                ink = "#222222" if colour == canvas.FADED else "white"
                middle = start[label] + share / 2
                axes.text(middle, label, text, ha="center", va="center", color=ink, size=7.5)
        start += shares
    names = [f"{name}, {count:,}" for name, count in zip(canvas.full_names(), images, strict=True)]
    canvas.name_bars(axes, names)
    axes.set_xlim(0, 1)
    canvas.show_shares(axes.xaxis)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=len(_SEXES), borderpad=0)
    return figure


def _draw_sites(data: LesionDataset, column: "pd.Series[Any]", caption: Sequence[str]) -> "Figure":
    sites = column.fillna("unknown").to_numpy(dtype=str)
    all_names, frequency = np.unique(sites, return_counts=True)
    names = all_names[np.argsort(-frequency, kind="stable")][:_MOST_SITES]
    counts = np.array(
        [np.bincount(data.labels[sites == name], minlength=len(CODES)) for name in names]
    )
    images = np.bincount(data.labels, minlength=len(CODES))
    shares = counts / np.maximum(images, 1)
    note = "Each column is a diagnosis. Numbers: images; colour: their share of the diagnosis."
    if len(all_names) > _MOST_SITES:
        note += f" The {_MOST_SITES} most frequent of {len(all_names)} sites."
    figure = canvas.new_figure(
        0.8 + 0.25 * len(names), "Site on the body by diagnosis", [*caption, note]
    )
    texts = [[f"{count:,}" for count in row] for row in counts.tolist()]
    axes = canvas.heat_map(figure, shares, texts, max(shares.max(), 0.01))
    axes.set_yticks(range(len(names)), names)
    headings = [
        name.replace(" ", "\n", 1) + f"\n{code}, {count:,}"
        for name, code, count in zip(canvas.short_names(), CODES, images, strict=True)
    ]
    axes.set_xticks(range(len(CODES)), headings, size=7.5)
    axes.xaxis.tick_top()
    return figure
