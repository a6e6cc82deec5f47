"""The options that commands share: each is defined once and means the same everywhere.

An option named ``--rare-to`` is the keyword ``rare_to`` of the library, the variable
``HMNIST_RARE_TO`` and the entry ``rare_to`` of ``hmnist.toml``. Options have no defaults of their
own: where the user gives none, the library's default holds (`hmnist.runs.recipe.Recipe`). Names
that must be one of a list are checked when the line is parsed, whatever their case.
"""

import functools
import inspect
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from hmnist.diagnoses import CODES
from hmnist.errors import UsageError, unknown_name
from hmnist.runs.recipe import AuditSettings, Recipe

if TYPE_CHECKING:
    from hmnist.dataset import LesionDataset

__all__ = [
    "AUDIT_SETTINGS",
    "RECIPE_OPTIONS",
    "SETTINGS",
    "Data",
    "Folds",
    "Format",
    "Jobs",
    "Metadata",
    "ModelName",
    "Models",
    "Out",
    "Quiet",
    "Report",
    "Seed",
    "Seeds",
    "Sort",
    "SplitBy",
    "SplitFile",
    "check_name",
    "effort_for",
    "load_data",
    "model_names",
    "only_given",
    "say",
    "shared",
    "split_kind",
    "split_names",
    "with_settings",
]

Command = TypeVar("Command", bound=Callable[..., None])
Names = Callable[[], Iterable[str]]
Check = Callable[[str | None], str | None]

SETTINGS: set[str] = set()
"""The options that ``hmnist.toml`` may set, with underscores."""


def shared(
    name: str,
    help: str,  # noqa: A002 - typer's word
    *flags: str,
    kind: str = "",
    names: Names | None = None,
    default: str = "",
    metavar: str | None = None,
    check: Check | None = None,
    min: int | None = None,  # noqa: A002 - typer's word
    max: int | None = None,  # noqa: A002 - typer's word
) -> Any:
    """Return an option under its name on the command line, in the environment and in the file.

    Parameters
    ----------
    name : str
        The keyword of the library, with underscores.
    help : str
        What it does.
    *flags : str
        Further flags, such as ``-q``.
    kind, names
        What a value should be in a word, and the function that lists the known names: the value,
        or each of several values with commas, must be one of them.
    default : str
        What the help says of the default.
    check : callable or None
        Checks a value that is not one of a list of names.
    metavar, min, max
        As in typer.
    """
    SETTINGS.add(name)
    return typer.Option(
        f"--{name.replace('_', '-')}",
        *flags,
        help=f"{help} [default: {default}]" if default else help,
        metavar=metavar,
        envvar=f"HMNIST_{name.upper()}",
        show_envvar=False,
        show_default=False,
        min=min,
        max=max,
        callback=check if names is None else check_name(kind, names),
    )


def check_name(kind: str, names: Names) -> Check:
    """Return a function that checks names with commas, and corrects their case.

    Raises
    ------
    UsageError
        By the function: if a name is none of the known ones.
    """

    def check(value: str | None) -> str | None:
        return value if value is None else ",".join(_known(kind, value, list(names())))

    return check


def _known(kind: str, value: str, names: Sequence[str]) -> Iterable[str]:
    by_lower_case = {name.lower(): name for name in names}
    for name in split_names(value):
        if name.lower() not in by_lower_case:
            raise unknown_name(kind, name, names)
        yield by_lower_case[name.lower()]


def model_names() -> Iterable[str]:
    """Return the names of all models."""
    from hmnist.models.registry import MODELS

    return MODELS


def _check_split(value: str | None) -> str | None:
    """Check the name of a split; the path of a file is checked when it is read."""
    from hmnist.systems import SYSTEMS

    if value is None or Path(value).suffix:
        return value
    kinds = ["lesion", "image", "own", *(f"published:{name}" for name in SYSTEMS)]
    if value.lower() not in kinds:
        raise unknown_name("split", value, kinds)
    return value.lower()


def _methods() -> Iterable[str]:
    from hmnist.oversampling import METHODS

    return METHODS


def _decisions() -> Iterable[str]:
    from hmnist.decisions.decision import KINDS

    return KINDS


def _feature_sets() -> Iterable[str]:
    from hmnist.models.registry import FEATURES

    return FEATURES


def _efforts() -> Iterable[str]:
    from hmnist.models.registry import EFFORTS

    return EFFORTS


def _columns() -> Iterable[str]:
    from hmnist.results.table import COLUMNS

    return COLUMNS


def _formats() -> Iterable[str]:
    from hmnist.results.table import FORMATS

    return FORMATS


Seed = Annotated[
    int | None,
    shared(
        "seed",
        "Fixes everything that is drawn at random.",
        default=str(Recipe.seed),
        metavar="N",
        min=0,
        max=2**32 - 1,
    ),
]
RECIPE_OPTIONS: dict[str, Any] = {
    "oversample": Annotated[
        str | None,
        shared(
            "oversample",
            "none, random, augment, smote, weights or balanced; a benchmark compares several.",
            kind="oversampling method",
            names=_methods,
            default=Recipe.oversample,
            metavar="METHOD",
        ),
    ],
    "rare": Annotated[
        str | None,
        shared(
            "rare",
            "The diagnoses to oversample.",
            kind="diagnosis",
            names=lambda: CODES,
            default=",".join(Recipe.rare),
            metavar="DX,…",
        ),
    ],
    "rare_to": Annotated[
        int | None,
        shared(
            "rare_to",
            "How many training images each of them is raised to.",
            default="the median diagnosis",
            metavar="N",
            min=1,
        ),
    ],
    "decide": Annotated[
        str | None,
        shared(
            "decide",
            "The likeliest diagnosis; corrected for rarity; or tuned to find malignant lesions.",
            kind="decision",
            names=_decisions,
            default=Recipe.decide,
            metavar="natural|balanced|sensitive",
        ),
    ],
    "sensitivity": Annotated[
        float | None,
        shared(
            "sensitivity",
            "The share of malignant lesions that --decide sensitive should find.",
            default=str(Recipe.sensitivity),
            metavar="SHARE",
        ),
    ],
    "features": Annotated[
        str | None,
        shared(
            "features",
            "What trees, the linear model and the MLP read: features of the lesion, or raw pixels.",
            kind="set of features",
            names=_feature_sets,
            default=Recipe.features,
            metavar="lesion|pixels",
        ),
    ],
    "pretrained": Annotated[
        str | None,
        shared(
            "pretrained",
            "The weights that vgg16, mobilenet and inception-resnet start from.",
            default=Recipe.pretrained,
            metavar="none|imagenet|PATH",
        ),
    ],
    "effort": Annotated[
        str | None,
        shared(
            "effort",
            "How long all models train.",
            kind="effort",
            names=_efforts,
            default=f"{Recipe.effort}; quick for the sample",
            metavar="quick|standard|best",
        ),
    ],
    "seed": Seed,
    "threads": Annotated[
        int | None,
        shared(
            "threads",
            "Threads per model; equal threads give equal scores.",
            default="all cores",
            metavar="N",
            min=1,
        ),
    ],
}
"""The options that are fields of `Recipe`."""

AUDIT_SETTINGS = tuple(name for name in RECIPE_OPTIONS if name in AuditSettings.__annotations__)
"""Those that a published protocol leaves open."""

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
ModelName = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="The model (see: hmnist models).",
        callback=check_name("model", model_names),
    ),
]
Metadata = Annotated[
    str | None,
    shared(
        "metadata",
        "The metadata that tell which images show one lesion.",
        default="HAM10000_metadata.csv beside the pixel file",
        metavar="FILE|none",
    ),
]
Models = Annotated[
    str | None,
    shared(
        "models",
        "The models to compare (see: hmnist models).",
        kind="model",
        names=model_names,
        default="all but the published systems",
        metavar="NAME,…",
    ),
]
SplitBy = Annotated[
    str | None,
    shared(
        "split",
        "Keep the images of a lesion together; split by image (may leak); take the file's own "
        "split; or split as a published system did, leaks included.",
        default="lesion where lesions are known",
        metavar="lesion|image|own|published:SYSTEM",
        check=_check_split,
    ),
]
SplitFile = Annotated[
    Path | None,
    shared(
        "split_file",
        "A split of your own: CSV with image_id or row (0 is the first image), and part.",
        metavar="FILE",
    ),
]
Folds = Annotated[
    int | None,
    shared(
        "folds",
        "Cross-validate in K folds by lesion instead of one split.",
        metavar="K",
        min=2,
    ),
]
Seeds = Annotated[
    int | None,
    shared("seeds", "Models of each kind on that one split.", default="1", metavar="N", min=1),
]
Jobs = Annotated[
    int | None,
    shared("jobs", "How many run side by side.", metavar="N", min=1),
]
Sort = Annotated[
    str | None,
    shared(
        "sort",
        "The score that orders the rows.",
        kind="column",
        names=_columns,
        default="balanced_accuracy",
        metavar="COLUMN",
    ),
]
Out = Annotated[
    Path | None,
    shared("out", "Where the runs go.", default="hmnist-runs/<time>", metavar="FOLDER"),
]
Format = Annotated[
    str | None,
    shared(
        "format",
        "How the result is printed.",
        kind="format",
        names=_formats,
        default="table",
        metavar="table|markdown|csv|json|latex",
    ),
]
Report = Annotated[
    str,
    typer.Option(
        "--format",
        metavar="table|json",
        help="How the result is printed.",
        callback=check_name("format", lambda: ("table", "json")),
    ),
]
Quiet = Annotated[bool, shared("quiet", "Print the result only.", "-q")]


def with_settings(names: Iterable[str] = RECIPE_OPTIONS) -> Callable[[Command], Command]:
    """Add the options of a recipe to a command that takes ``**settings``.

    They stand in the help before the keyword-only parameters of the command. Options that the user
    does not give are left out of `settings`.
    """

    def decorate(command: Command) -> Command:
        signature = inspect.signature(command)
        own = [one for one in signature.parameters.values() if one.name != "settings"]
        options = [
            inspect.Parameter(
                name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=RECIPE_OPTIONS[name]
            )
            for name in names
        ]
        positional = [one for one in own if one.kind is not inspect.Parameter.KEYWORD_ONLY]
        keywords = [one for one in own if one.kind is inspect.Parameter.KEYWORD_ONLY]

        @functools.wraps(command)
        def call(**given: Any) -> None:
            settings = {name: given.pop(name) for name in names}
            if settings.get("rare") is not None:
                settings["rare"] = split_names(settings["rare"])
            command(**given, **only_given(**settings))

        call.__signature__ = signature.replace(  # type: ignore[attr-defined]  # inspect reads it
            parameters=[*positional, *options, *keywords]
        )
        return call  # type: ignore[return-value]  # typer calls it with the new signature

    return decorate


def load_data(
    named: str | None,
    metadata: str | None,
    *,
    quiet: bool = False,
    sample_allowed: bool = True,
) -> "LesionDataset":
    """Find and read the data that a command works on, and print which.

    The sample stands in for data that nobody named only where `sample_allowed`.

    Raises
    ------
    DataError
        If it is missing or malformed.
    """
    from hmnist.sources import find_data, load

    source = find_data(named, sample_allowed=sample_allowed)
    if not quiet:
        say(_sample_line(named) if source == "sample" else f"Reading {source} …")
    data = load(source, metadata=metadata)
    if not quiet:
        say(f"{data!r}")
    return data


def effort_for(data: "LesionDataset", chosen: str | None) -> str:
    """Return the effort: the one chosen, or what suits the data."""
    return chosen or ("quick" if data.synthetic else Recipe.effort)


def only_given(**options: Any) -> dict[str, Any]:
    """Return the options that are not None, so that the library's defaults hold for the others.

    Examples
    --------
    >>> only_given(seeds=3, jobs=None)
    {'seeds': 3}
    """
    return {name: value for name, value in options.items() if value is not None}


def split_names(text: str) -> list[str]:
    """Split a comma-separated option.

    Examples
    --------
    >>> split_names("cnn, mlp")
    ['cnn', 'mlp']
    """
    return [name.strip() for name in text.split(",") if name.strip()]


def say(text: str) -> None:
    """Print a line on stderr."""
    typer.echo(text, err=True)


def split_kind(by: str | None, file: Path | None) -> str | Path | None:
    """Return the split that the library is asked for.

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
