"""The only list of model names: what there is, what it costs, and how to make one."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hmnist.diagnoses import CODES
from hmnist.errors import UsageError
from hmnist.systems import SYSTEMS
from hmnist.systems.system import System

if TYPE_CHECKING:
    from hmnist.models.base import Model

__all__ = [
    "COMMITTEE",
    "COMPARED",
    "EFFORTS",
    "FEATURES",
    "MAJORITY",
    "MODELS",
    "Entry",
    "find_model",
    "make_model",
]

EFFORTS = ("quick", "standard", "best")
"""One dial for all models: epochs, trees, width."""

COMMITTEE = "committee"
"""The vote of a benchmark's other models; it is composed, not made."""

FEATURES = ("lesion", "pixels")
"""What models of numbers may read: measures of the lesion (`hmnist.features`), or raw pixels."""

MAJORITY = "majority"
"""The model that stands in every table."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What the registry knows of a model.

    Attributes
    ----------
    name : str
        What the user types.
    summary : str
        What it is, in a few words.
    place : str
        Module and class, imported when a model is made; empty for the committee.
    parameters : mapping of str to dict
        Constructor parameters for each effort.
    seconds : mapping of str to float
        Fit time for 7,000 training images on two cores, for the estimate before the work starts.
    published : bool
        Whether it is the rebuilt system of someone else's publication (`hmnist.systems`):
        to be asked for by name.
    """

    name: str
    summary: str
    place: str
    parameters: Mapping[str, Mapping[str, Any]]
    seconds: Mapping[str, float]
    published: bool = False


def _efforts(quick: Any, standard: Any, best: Any) -> dict[str, Any]:
    return dict(zip(EFFORTS, (quick, standard, best), strict=True))


def _published(system: System) -> Entry:
    """Return the entry of a published system.

    Its numbers are its own at every effort, and stand among the parameters, where manifests and
    keys of runs find them; only ``quick`` has a fifth of its epochs.
    """
    training = system.training
    own: dict[str, Any] = {
        "batch_size": training.batch_size,
        "learning_rate": training.learning_rate,
    }
    if system.backbone is not None:
        own["weights"] = "none"
    epochs = _efforts(max(1, training.epochs // 5), training.epochs, training.epochs)
    return Entry(
        system.name,
        system.summary,
        _CLASSES[system.name],
        {effort: {"epochs": count, **own} for effort, count in epochs.items()},
        # Two digits: these are estimates.
        {
            effort: float(f"{count * system.seconds_per_epoch + 5:.2g}")
            for effort, count in epochs.items()
        },
        published=True,
    )


_CLASSES = {
    "lenet": "hmnist.models.published:LeNet",
    "deep-cnn": "hmnist.models.published:DeepCNN",
    "deep-cnn-bn": "hmnist.models.published:DeepCNNBN",
    "small-cnn": "hmnist.models.published:SmallCNN",
    "pixel-mlp": "hmnist.models.published:PixelMLP",
    "skin-pamper": "hmnist.models.published:SkinPamper",
    "vgg16": "hmnist.models.pretrained:VGG16",
    "mobilenet": "hmnist.models.pretrained:MobileNet",
    "inception-resnet": "hmnist.models.pretrained:InceptionResNet",
}

_LESION = {"features": "lesion"}

_STARTED = {"features": "lesion", "linear_start": True}

_ENTRIES = (
    Entry(
        "cnn",
        "residual convolutional network (Keras)",
        "hmnist.models.cnn:CNN",
        _efforts(
            {"epochs": 15, "widths": (32, 96, 96), "mixing": 0.0},
            {"epochs": 32, "teaching": 0.5},
            {"epochs": 36, "teaching": 0.5, "networks": 2},
        ),
        _efforts(70, 255, 545),
    ),
    Entry(
        "mlp",
        "multilayer perceptron on features (Keras)",
        "hmnist.models.mlp:MLP",
        _efforts({**_LESION}, {**_LESION, "networks": 2}, {**_LESION, "networks": 3}),
        _efforts(25, 45, 60),
    ),
    Entry(
        "xgboost",
        "boosted trees on a linear start (xgboost)",
        "hmnist.models.boosting_xgboost:XGBoost",
        _efforts(
            {**_STARTED, "n_estimators": 40, "learning_rate": 0.12},
            {**_STARTED, "n_estimators": 300},
            {**_STARTED, "n_estimators": 600, "learning_rate": 0.03},
        ),
        _efforts(35, 50, 70),
    ),
    Entry(
        "hist-gbdt",
        "boosted trees on a linear start (scikit-learn)",
        "hmnist.models.boosting_sklearn:HistGBDT",
        _efforts(
            {**_STARTED, "max_iter": 40, "learning_rate": 0.12},
            {**_STARTED, "max_iter": 300},
            {**_STARTED, "max_iter": 600, "learning_rate": 0.03},
        ),
        _efforts(35, 50, 70),
    ),
    Entry(
        "logistic",
        "multinomial logistic regression on features (scikit-learn)",
        "hmnist.models.logistic:Logistic",
        _efforts(_LESION, _LESION, _LESION),
        _efforts(20, 20, 20),
    ),
    Entry(
        COMMITTEE,
        "weighted vote of a benchmark's other models, at no extra training",
        "",
        _efforts({}, {}, {}),
        _efforts(0, 0, 0),
    ),
    Entry(
        MAJORITY,
        "the share of each diagnosis, whatever the image shows",
        "hmnist.models.majority:Majority",
        _efforts({}, {}, {}),
        _efforts(0, 0, 0),
    ),
    *(_published(system) for system in SYSTEMS.values() if not system.variant_of),
)

MODELS: dict[str, Entry] = {entry.name: entry for entry in _ENTRIES}

COMPARED = tuple(entry.name for entry in _ENTRIES if not entry.published)
"""What a benchmark compares if nobody says otherwise."""


def find_model(name: str) -> Entry:
    """Return the registry's entry of a model.

    Raises
    ------
    UsageError
        If there is no model of that name.
    """
    if name not in MODELS:
        raise UsageError(f"There is no model called {name!r}.", f"Choose {', '.join(MODELS)}.")
    return MODELS[name]


def make_model(
    name: str,
    *,
    effort: str = "standard",
    random_state: int | None = None,
    **parameters: Any,
) -> "Model":
    """Make a model by its name, unfitted, with one column for each of the seven diagnoses.

    Parameters
    ----------
    name : str
        One of `MODELS`.
    effort : str
        ``quick``, ``standard`` or ``best``.
    random_state : int or None
        What fixes its training.
    **parameters
        Constructor parameters of the model's class; they take precedence over the effort's.

    Returns
    -------
    Model
        A scikit-learn classifier of uint8 pixels.

    Raises
    ------
    UsageError
        If the model, the effort or a parameter is unknown.

    Examples
    --------
    >>> make_model("majority", random_state=0).get_params()["classes"]
    (0, 1, 2, 3, 4, 5, 6)
    """
    entry = find_model(name)
    if effort not in EFFORTS:
        raise UsageError(f"There is no effort called {effort!r}.", f"Choose {', '.join(EFFORTS)}.")
    if not entry.place:
        raise UsageError(
            f"A {name} is not trained by itself: it is composed of a benchmark's other models.",
            f"Try: hmnist benchmark --models cnn,xgboost,{name}",
        )
    module, _, class_name = entry.place.partition(":")
    model_class: type[Model] = getattr(importlib.import_module(module), class_name)
    chosen = {
        "classes": tuple(range(len(CODES))),
        "random_state": random_state,
        **entry.parameters[effort],
        **parameters,
    }
    if unknown := sorted(set(chosen) - set(model_class().get_params())):
        raise UsageError(
            f"The model {name} has no parameter {unknown[0]!r}.",
            f"It has {', '.join(sorted(model_class().get_params()))}.",
        )
    return model_class(**chosen)
