"""The options that several commands share: each means the same wherever it stands."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hmnist.errors import UsageError

if TYPE_CHECKING:
    from hmnist.dataset import LesionDataset

__all__ = [
    "Data",
    "Decide",
    "Effort",
    "Features",
    "Folds",
    "Format",
    "Jobs",
    "Metadata",
    "Models",
    "Out",
    "Oversample",
    "Quiet",
    "Rare",
    "RareTo",
    "Report",
    "Seed",
    "Seeds",
    "Sensitivity",
    "Sort",
    "SplitBy",
    "SplitFile",
    "Threads",
    "Weights",
    "effort_for",
    "load_data",
    "names",
    "say",
    "split_kind",
]

Data = Annotated[
    str | None,
    typer.Argument(
        metavar="DATA",
        show_default=False,
        help="A pixel file (.csv, .csv.gz), a MedMNIST .npz, or the word sample. Without it: "
        "$HMNIST_DATA, then hmnist_28_28_RGB.csv here; benchmark and train have the embedded "
        "synthetic sample to fall back on.",
    ),
]
Metadata = Annotated[
    str | None,
    typer.Option(
        metavar="FILE|none",
        envvar="HMNIST_METADATA",
        show_envvar=False,
        show_default=False,
        help="The metadata that tell which images show one lesion. "
        "[default: HAM10000_metadata.csv beside the pixel file]",
    ),
]
Models = Annotated[
    str,
    typer.Option(
        metavar="NAME,…",
        envvar="HMNIST_MODELS",
        show_envvar=False,
        help="The models to compare (see: hmnist models).",
    ),
]
SplitBy = Annotated[
    str | None,
    typer.Option(
        "--split",
        metavar="lesion|image|own|published:SYSTEM",
        envvar="HMNIST_SPLIT",
        show_envvar=False,
        show_default=False,
        help="Deal whole lesions, single images (may leak), take the file's own split, or deal as "
        "a published system did, leaks included. "
        "[default: lesion where lesions are known]",
    ),
]
SplitFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        envvar="HMNIST_SPLIT_FILE",
        show_envvar=False,
        show_default=False,
        help="A split of your own: CSV with image_id or row (0 is the first image), and part.",
    ),
]
Folds = Annotated[
    int | None,
    typer.Option(
        metavar="K",
        min=2,
        envvar="HMNIST_FOLDS",
        show_envvar=False,
        show_default=False,
        help="Cross-validate in K folds by lesion instead of one split.",
    ),
]
Oversample = Annotated[
    str,
    typer.Option(
        metavar="METHOD,…",
        envvar="HMNIST_OVERSAMPLE",
        show_envvar=False,
        help="none, random, augment, smote, weights or balanced; several are compared.",
    ),
]
Rare = Annotated[
    str,
    typer.Option(
        metavar="DX,…", envvar="HMNIST_RARE", show_envvar=False, help="The diagnoses to oversample."
    ),
]
RareTo = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        envvar="HMNIST_RARE_TO",
        show_envvar=False,
        show_default=False,
        help="How many training images each of them is raised to. [default: the median diagnosis]",
    ),
]
Decide = Annotated[
    str,
    typer.Option(
        metavar="natural|balanced|sensitive",
        envvar="HMNIST_DECIDE",
        show_envvar=False,
        help="The likeliest diagnosis; corrected for rarity; or tuned to find malignant lesions.",
    ),
]
Sensitivity = Annotated[
    float,
    typer.Option(
        metavar="SHARE",
        envvar="HMNIST_SENSITIVITY",
        show_envvar=False,
        help="The share of malignant lesions that --decide sensitive is to find.",
    ),
]
Features = Annotated[
    str,
    typer.Option(
        metavar="lesion|pixels",
        envvar="HMNIST_FEATURES",
        show_envvar=False,
        help="What trees, the linear model and the MLP read: measures, or raw pixels.",
    ),
]
Weights = Annotated[
    str,
    typer.Option(
        metavar="none|imagenet|PATH",
        envvar="HMNIST_WEIGHTS",
        show_envvar=False,
        help="What vgg16, mobilenet and inception-resnet start from.",
    ),
]
Effort = Annotated[
    str | None,
    typer.Option(
        metavar="quick|standard|best",
        envvar="HMNIST_EFFORT",
        show_envvar=False,
        show_default=False,
        help="How long all models train. [default: standard; quick for the sample]",
    ),
]
Seed = Annotated[
    int,
    typer.Option(
        metavar="N",
        min=0,
        max=2**32 - 1,
        envvar="HMNIST_SEED",
        show_envvar=False,
        help="What fixes split and training.",
    ),
]
Seeds = Annotated[
    int,
    typer.Option(
        metavar="N",
        min=1,
        envvar="HMNIST_SEEDS",
        show_envvar=False,
        help="Models of each kind on that one split.",
    ),
]
Jobs = Annotated[
    int,
    typer.Option(
        metavar="N",
        min=1,
        envvar="HMNIST_JOBS",
        show_envvar=False,
        help="Models trained side by side, in processes.",
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        envvar="HMNIST_THREADS",
        show_envvar=False,
        show_default=False,
        help="Threads per model; equal threads give equal scores. [default: all cores]",
    ),
]
Sort = Annotated[
    str,
    typer.Option(
        metavar="COLUMN",
        envvar="HMNIST_SORT",
        show_envvar=False,
        help="The score that orders the rows.",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        envvar="HMNIST_OUT",
        show_envvar=False,
        show_default=False,
        help="Where the runs go. [default: hmnist-runs/<time>]",
    ),
]
Format = Annotated[
    str,
    typer.Option(
        "--format",
        metavar="table|markdown|csv|json|latex",
        envvar="HMNIST_FORMAT",
        show_envvar=False,
        help="How the result is printed.",
    ),
]
Report = Annotated[
    str,
    typer.Option("--format", metavar="table|json", help="How the result is printed."),
]
Quiet = Annotated[
    bool,
    typer.Option(
        "--quiet", "-q", envvar="HMNIST_QUIET", show_envvar=False, help="Print the result only."
    ),
]


def load_data(
    named: str | None,
    metadata: str | None,
    *,
    quiet: bool = False,
    sample_allowed: bool = True,
) -> "LesionDataset":
    """Find and read the data that a command works on, saying which.

    The sample stands in for data that nobody named only where `sample_allowed`.

    Raises
    ------
    DataError
        If it is missing or malformed.
    """
    from hmnist.sources import find_data, load

    place = find_data(named, sample_allowed=sample_allowed)
    if not quiet:
        say(_sample_line(named) if place == "sample" else f"Reading {place} …")
    data = load(place, metadata=metadata)
    if not quiet:
        say(f"{data!r}")
    return data


def effort_for(data: "LesionDataset", chosen: str | None) -> str:
    """Return the effort: the one chosen, or what suits the data."""
    return chosen or ("quick" if data.synthetic else "standard")


def names(text: str) -> list[str]:
    """Split a comma-separated option.

    Examples
    --------
    >>> names("cnn, mlp")
    ['cnn', 'mlp']
    """
    return [name.strip() for name in text.split(",") if name.strip()]


def say(text: str) -> None:
    """Print a line on stderr."""
    typer.echo(text, err=True)


def split_kind(by: str | None, file: Path | None) -> str | Path | None:
    """Return what `hmnist.split` is to be told.

    Raises
    ------
    UsageError
        If both a kind and a file are given.
    """
    if by is not None and file is not None:
        raise UsageError("--split and --split-file exclude each other.", "Give one of them.")
    return by if file is None else file.absolute()


def _sample_line(named: str | None) -> str:
    if named:
        return "The embedded synthetic sample: generated images, no photographs."
    return (
        "No data found, so this is the embedded synthetic sample: generated images, no "
        "photographs. Name a pixel file to use it: hmnist_28_28_RGB.csv"
    )
