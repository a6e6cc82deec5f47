"""The options that commands share: each is defined once and means the same everywhere.

An option named ``--rare-to`` is the keyword ``rare_to`` of the library, the variable
``HMNIST_RARE_TO`` and the entry ``rare_to`` of ``hmnist.toml``. Options have no defaults of their
own: where the user gives none, the library's default holds (`hmnist.runs.recipe.Recipe`).
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from hmnist.cli.names import (
    check_column,
    check_model,
    check_new_folder,
    check_path,
    check_split,
    complete_split,
    named,
)
from hmnist.cli.numbers import share, whole_number
from hmnist.runs.recipe import LARGEST_SEED, AuditSettings, Recipe

SETTINGS: set[str] = set()
"""The options that ``hmnist.toml`` may set, with underscores."""


def shared(name: str, metavar: str | None, text: str, *flags: str, **facts: Any) -> Any:
    """Return an option under its name on the command line, in the environment and in the file.

    `name` is the keyword of the library, with underscores; `flags` are further flags such as
    ``-q``; `facts` are further arguments of `typer.Option`, such as ``callback``.
    """
    SETTINGS.add(name)
    return typer.Option(
        f"--{name.replace('_', '-')}",
        *flags,
        help=text,
        metavar=metavar,
        envvar=f"HMNIST_{name.upper()}",
        show_envvar=False,
        show_default=False,
        **facts,
    )


def out(text: str, default: str) -> Any:
    """Return the option ``--out`` of a command that trains."""
    return shared("out", "FOLDER", f"{text} [default: {default}]", callback=check_new_folder)


def printed_as(*formats: str) -> Any:
    """Return the option ``--format`` of a command that has other formats than a benchmark."""
    text = "How the result is printed."
    return typer.Option(
        "--format", metavar="|".join(formats), help=text, **named("format", formats)
    )


def setting(name: str, metavar: str, text: str, default: str = "", **facts: Any) -> Any:
    """Return the option of a field of `Recipe`, with its type; the help names its default."""
    value = getattr(Recipe, name)
    shown = default or (",".join(value) if isinstance(value, tuple) else value)
    # Several names, and yes or no, are given as words.
    kind = str if isinstance(value, tuple | bool) else Recipe.__annotations__[name]
    return Annotated[kind | None, shared(name, metavar, f"{text} [default: {shown}]", **facts)]


Seed = Annotated[
    int | None,
    shared(
        "seed",
        "N",
        f"Fixes everything that is drawn at random. [default: {Recipe.seed}]",
        **whole_number(0, LARGEST_SEED),
    ),
]

OVERSAMPLING = (
    "How rare diagnoses are oversampled in training: random repeats their images; augment turns "
    "the repeated ones; affine distorts them; smote interpolates between neighbours; weights lets "
    "them count more; balanced repeats every diagnosis up to the commonest; none changes nothing"
)
PATIENTS = "Whether models are trained with patient data (age, sex, site)"

RECIPE_OPTIONS: dict[str, Any] = {
    "oversample": setting(
        "oversample", "METHOD", f"{OVERSAMPLING}.", **named("oversampling method", several=True)
    ),
    "rare": setting(
        "rare", "DX,…", "The diagnoses to oversample.", **named("diagnosis", several=True)
    ),
    "rare_to": setting(
        "rare_to",
        "N",
        "To how many training images each of them is oversampled.",
        "the median count",
        **whole_number(1),
    ),
    "decide": setting(
        "decide",
        "natural|balanced|sensitive",
        "The likeliest diagnosis; corrected for rarity; or tuned to find malignant lesions.",
        **named("decision"),
    ),
    "sensitivity": setting(
        "sensitivity",
        "SHARE",
        "The share of malignant images that --decide sensitive finds.",
        **share(),
    ),
    "features": setting(
        "features",
        "lesion|pixels",
        "What mlp, xgboost, hist-gbdt and logistic read: features of the lesion, or raw pixels.",
        **named("set of features"),
    ),
    "patients": setting(
        "patients",
        "no|yes",
        f"{PATIENTS}.",
        "no",
        **named("choice of patient data"),
    ),
    "precision": setting(
        "precision",
        "float32|bfloat16|auto",
        "The numbers that cnn and published systems train in; auto measures which are quicker.",
        "float32; auto on a GPU",
        **named("precision"),
    ),
    "pretrained": setting(
        "pretrained",
        "none|imagenet|PATH",
        "The weights that vgg16, mobilenet and inception-resnet start from.",
    ),
    "effort": setting(
        "effort",
        "quick|standard|best",
        "How long all models train.",
        f"{Recipe.effort}; quick for the sample",
        **named("effort"),
    ),
    "seed": Seed,
    "threads": setting(
        "threads",
        "N",
        "Threads per model; equal threads give equal scores.",
        "all cores",
        **whole_number(1),
    ),
    "device": setting(
        "device",
        "auto|cpu|gpu",
        "Where networks and xgboost run; auto takes an NVIDIA GPU that can be used.",
        **named("device"),
    ),
}
"""The options that are fields of `Recipe`."""

AUDIT_OPTIONS = {
    name: option for name, option in RECIPE_OPTIONS.items() if name in AuditSettings.__annotations__
}
"""Those that a published protocol leaves open."""

_DATA = (
    "A pixel file (.csv, .csv.gz), a DermaMNIST .npz, or the word sample. Without it: "
    "$HMNIST_DATA, then hmnist_28_28_RGB.csv here, then that of hmnist data download"
)


def _data(text: str) -> Any:
    """Return the argument DATA, with what a command does if there are no data."""
    return typer.Argument(metavar="DATA", show_default=False, help=text, callback=check_path)


Data = Annotated[str | None, _data(f"{_DATA}.")]
TrainingData = Annotated[str | None, _data(f"{_DATA}, then the embedded synthetic sample.")]
ModelName = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="The model (see: hmnist models).",
        **{**named("model"), "callback": check_model},
    ),
]
Metadata = Annotated[
    str | None,
    shared(
        "metadata",
        "FILE|none",
        "The metadata that tell which images show one lesion. [default: HAM10000_metadata.csv "
        "beside the pixel file]",
        callback=check_path,
    ),
]
Models = Annotated[
    str | None,
    shared(
        "models",
        "NAME,…",
        "The models to compare (see: hmnist models). [default: all but transfer and the published "
        "systems]",
        **named("model", several=True),
    ),
]
SplitBy = Annotated[
    str | None,
    shared(
        "split",
        "lesion|image|own|published:SYSTEM",
        "Keep the images of a lesion together; split by image (may leak); take the file's own "
        "split; or split as a published system did, leaks included. [default: lesion where "
        "lesions are known]",
        callback=check_split,
        autocompletion=complete_split,
    ),
]
SplitFile = Annotated[
    Path | None,
    shared(
        "split_file",
        "FILE",
        "A split of your own: CSV with image_id or row (0 is the first image), and part (train, "
        "validation or test).",
        callback=check_path,
    ),
]
FeatureFile = Annotated[
    Path | None,
    shared(
        "feature_file",
        "FILE",
        "What models get besides the pixels: CSV with a row per image, in the order of the data.",
        callback=check_path,
    ),
]
Folds = Annotated[
    int | None,
    shared(
        "folds", "K", "Cross-validate in K folds by lesion instead of one split.", **whole_number(2)
    ),
]
Seeds = Annotated[
    int | None,
    shared(
        "seeds", "N", "How many seeds each model is trained with. [default: 1]", **whole_number(1)
    ),
]
Jobs = Annotated[
    int | None,
    shared(
        "jobs",
        "N",
        "How many models are trained at once; they share the cores. [default: 1; in an audit 2]",
        **whole_number(1),
    ),
]
Dask = Annotated[
    str | None,
    shared(
        "dask",
        "ADDRESS",
        "The scheduler of a Dask cluster that trains instead of this machine: tcp://HOST:8786.",
    ),
]
Sort = Annotated[
    str | None,
    shared(
        "sort",
        "COLUMN",
        "The score or cost that orders the rows, such as AUC. [default: balanced_accuracy]",
        **{**named("column"), "callback": check_column},
    ),
]
Format = Annotated[
    str | None,
    shared(
        "format",
        "table|markdown|csv|json|latex",
        "How the result is printed. [default: table]",
        **named("format"),
    ),
]
Report = Annotated[str, printed_as("table", "json")]
Quiet = Annotated[bool, shared("quiet", None, "Print the result only.", "-q")]


def only_given(**options: Any) -> dict[str, Any]:
    """Return the options that are not None, so that the library's defaults hold for the others."""
    return {name: value for name, value in options.items() if value is not None}
