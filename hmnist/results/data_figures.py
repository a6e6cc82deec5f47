"""`save_data_figures`: sheets of images, and diagnoses by count, age, sex and site."""

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hmnist.dataset import LesionDataset, check_loaded
from hmnist.diagnoses import CODES
from hmnist.errors import UsageError
from hmnist.patients import FIELDS, read_ages
from hmnist.results import canvas
from hmnist.results.figure_files import save_figures
from hmnist.results.image_figure import describe_data, plot_images
from hmnist.results.suspect_figures import draw_suspects

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_SEXES = (("female", canvas.ACCENT), ("male", canvas.MAIN), ("unknown", canvas.FADED))
_MOST_SITES = 20


def save_data_figures(
    data: LesionDataset,
    out: str | Path,
    *,
    seed: int = 0,
    formats: str | Iterable[str] = ("png",),
    suspects: bool = False,
) -> list[Path]:
    """Write the images, the diagnoses and the metadata of a data set, drawn, into a folder.

    Parameters
    ----------
    data : LesionDataset
        At least one image.
    out : str or pathlib.Path
        The folder for the figures.
    seed : int
        0 or more; fixes which images are drawn for the sheets.
    formats : str or iterable of str
        ``png``, ``svg``, ``pdf``.
    suspects : bool
        Whether images that may be wrong are drawn as well, which takes seconds.

    Returns
    -------
    list of pathlib.Path
        ``sheet-<diagnosis>`` for each diagnosis that occurs, up to 96 images each, of as many
        lesions as possible; ``diagnoses``; and ``age``, ``sex``, ``site`` where the metadata have
        them (see `missing_columns`). With suspects, ``suspects-pairs`` (images of two lesions that
        are alike) and ``suspects-labels`` (improbable labels), where there are any.

    Raises
    ------
    UsageError
        If matplotlib is not installed, the data are not a `LesionDataset`, the seed is negative, a
        format is unknown or there is none, or there are no images; of suspects, if there are too
        few images or they are too small.
    WorkError
        If they cannot be written.
    """
    canvas.check_drawing()
    check_loaded(data)
    figures = draw_data(data, seed)
    if suspects:
        figures = itertools.chain(figures, draw_suspects(data))
    return save_figures(figures, out, formats)


def missing_columns(data: LesionDataset) -> list[str]:
    """Return which of age, sex and localization are unknown for all images."""
    table: Any = {} if data.metadata is None else data.metadata
    return [name for name in FIELDS if name not in table or not table[name].notna().any()]


def draw_data(data: LesionDataset, seed: int) -> "Iterator[tuple[str, Figure]]":
    """Yield the figures that `save_data_figures` writes, each with its name."""
    _check_drawn(data)
    for label in np.unique(data.labels):
        yield f"sheet-{CODES[label]}", plot_images(data, CODES[label], seed=seed)
    yield "diagnoses", plot_diagnoses(data)
    missing = missing_columns(data)
    drawn = (("age", plot_ages), ("sex", plot_sexes), ("site", plot_sites))
    for column, (name, plot) in zip(FIELDS, drawn, strict=True):
        if column not in missing:
            yield name, plot(data)


@canvas.drawing()
def plot_diagnoses(data: LesionDataset) -> "Figure":
    """Draw how many images and lesions each diagnosis has.

    Parameters
    ----------
    data : LesionDataset
        The data set.

    Returns
    -------
    matplotlib.figure.Figure
        A bar for each diagnosis.

    Raises
    ------
    UsageError
        If matplotlib is not installed, the data are not a `LesionDataset`, or hold no images.
    """
    from matplotlib.ticker import MaxNLocator

    _check_drawn(data)
    counts = np.bincount(data.labels, minlength=len(CODES))
    figure = canvas.new_figure(2.5, "Diagnoses: images and lesions", describe_data(data))
    axes = figure.subplots()
    axes.barh(range(len(CODES)), counts, height=0.62, color=canvas.MAIN)
    texts = canvas.count_texts(data.labels, data.lesion_ids)
    for label, count in enumerate(counts.tolist()):
        share = canvas.share_text(count, len(data))
        canvas.label_bar(axes, label, count, f"{texts[label]} ({share})")
    canvas.name_bars(axes, canvas.full_names())
    most = counts.max()
    axes.set_xlim(0, most * 1.85)  # room for the numbers beside the longest bar
    axes.set_xticks(
        [tick for tick in MaxNLocator(5, integer=True).tick_values(0, most) if tick <= most]
    )
    axes.spines["bottom"].set_bounds(0, most)
    axes.grid(visible=True, axis="x")
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.set_xlabel("images")
    return figure


@canvas.drawing()
def plot_ages(data: LesionDataset) -> "Figure":
    """Draw the ages of the patients by diagnosis.

    Parameters
    ----------
    data : LesionDataset
        The data set.

    Returns
    -------
    matplotlib.figure.Figure
        A panel for each diagnosis: the share of its images by age, on one scale for all.

    Raises
    ------
    UsageError
        If matplotlib is not installed, the data are not a `LesionDataset`, or no age is known.
    """
    from matplotlib.ticker import MultipleLocator, PercentFormatter

    ages = read_ages(_column(data, "age"))
    known = ages[~np.isnan(ages)]
    # The ages of HAM10000 are multiples of five: each is the middle of a bin.
    edges = np.arange(np.floor(known.min() / 5) * 5, known.max() + 7.5, 5) - 2.5
    missing = len(ages) - len(known)
    unknown = [f"The age is unknown for {missing:,} more images."] if missing else []
    title = "Age by diagnosis: share of the images of each"
    figure = canvas.new_figure(3.4, title, [*describe_data(data), *unknown])
    all_axes = canvas.panels(figure, len(CODES), "years", sharex=True, sharey=True)
    is_known = ~np.isnan(ages)
    lesions = None if data.lesion_ids is None else data.lesion_ids[is_known]
    counts = canvas.count_texts(data.labels[is_known], lesions)
    for label, axes in enumerate(all_axes):
        shown = ages[(data.labels == label) & is_known]
        axes.hist(
            shown, bins=edges.tolist(), weights=np.full(len(shown), 1 / max(len(shown), 1)),
            color=canvas.MAIN, edgecolor="white", linewidth=0.4,
        )  # fmt: skip
        canvas.title_panel(axes, label, counts[label])
        axes.grid(visible=False, axis="x")
        axes.xaxis.set_major_locator(MultipleLocator(20))
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    return figure


@canvas.drawing()
def plot_sexes(data: LesionDataset) -> "Figure":
    """Draw the sex of the patients by diagnosis.

    Parameters
    ----------
    data : LesionDataset
        The data set.

    Returns
    -------
    matplotlib.figure.Figure
        A bar for each diagnosis: the share of its images by sex.

    Raises
    ------
    UsageError
        If matplotlib is not installed, the data are not a `LesionDataset`, or no sex is known.
    """
    sexes = _column(data, "sex").fillna("unknown").to_numpy(dtype=str)
    figure = canvas.new_figure(2.9, "Sex by diagnosis: images", describe_data(data))
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
    canvas.name_bars(axes, canvas.name_with_counts(data.labels, data.lesion_ids))
    axes.set_xlim(0, 1)
    canvas.show_shares(axes.xaxis)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=len(_SEXES), borderpad=0)
    return figure


@canvas.drawing()
def plot_sites(data: LesionDataset) -> "Figure":
    """Draw where on the body the lesions are, by diagnosis.

    Parameters
    ----------
    data : LesionDataset
        The data set.

    Returns
    -------
    matplotlib.figure.Figure
        A row for each site, the most frequent first, and a column for each diagnosis.

    Raises
    ------
    UsageError
        If matplotlib is not installed, the data are not a `LesionDataset`, or no site is known.
    """
    sites = _column(data, "localization").fillna("unknown").to_numpy(dtype=str)
    all_names, frequency = np.unique(sites, return_counts=True)
    names = all_names[np.argsort(-frequency, kind="stable")][:_MOST_SITES]
    counts = np.array(
        [np.bincount(data.labels[sites == name], minlength=len(CODES)) for name in names]
    )
    images = np.bincount(data.labels, minlength=len(CODES))
    shares = counts / np.maximum(images, 1)
    note = "Numbers: images; colour: their share of the diagnosis."
    if len(all_names) > _MOST_SITES:
        note += f" The {_MOST_SITES} most frequent of {len(all_names)} sites."
    figure = canvas.new_figure(
        0.8 + 0.25 * len(names), "Site on the body by diagnosis", [*describe_data(data), note]
    )
    texts = [[f"{count:,}" for count in row] for row in counts.tolist()]
    axes = canvas.heat_map(figure, shares, texts, max(shares.max(), 0.01))
    axes.set_yticks(range(len(names)), names)
    numbers = canvas.count_texts(data.labels, data.lesion_ids, "\n")
    headings = [
        f"{name.replace(' ', chr(10), 1)}\n{code}\n{number}"
        for name, code, number in zip(canvas.short_names(), CODES, numbers, strict=True)
    ]
    axes.set_xticks(range(len(CODES)), headings, size=7.5)
    axes.xaxis.tick_top()
    return figure


def _check_drawn(data: LesionDataset) -> None:
    """Refuse data that are not a `LesionDataset`, or hold no images."""
    check_loaded(data)
    if not len(data):
        raise UsageError(f"{data.name} holds no images to draw.")


def _column(data: LesionDataset, name: str) -> "pd.Series[Any]":
    """Return a column of the metadata, refusing one that is missing or empty."""
    check_loaded(data)
    if data.metadata is None or name in missing_columns(data):
        raise UsageError(
            f"{data.name} does not tell the {name} of any patient.",
            "HAM10000_metadata.csv has it: hmnist.load(..., metadata=FILE)",
        )
    return data.metadata[name]
