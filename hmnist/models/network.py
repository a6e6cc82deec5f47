"""`Network`: what a network model trains, as data and functions.

A network says how its graph is built, what it reads (`hmnist.models.inputs`), how it is trained
(`TrainingPlan`), and how its inputs are augmented. `NetworkModel` trains any of them on `Examples`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hmnist.arrays import Float32, Float64
from hmnist.models.inputs import Inputs
from hmnist.patients import PATIENT_COLUMNS
from hmnist.systems.system import Plateau

if TYPE_CHECKING:
    import keras

PATIENT_UNITS = 32
"""Units of the layer that reads patient data."""


@dataclass(frozen=True, kw_only=True)
class TrainingPlan:
    """How networks are trained. The loss is categorical cross-entropy.

    Attributes
    ----------
    epochs : int
        How often the training images are seen.
    batch_size : int
        Images per step.
    optimizer : callable
        Takes the number of all steps of the training and returns a `keras.optimizers.Optimizer`.
    networks : int
        How many networks are trained one after the other, each with its own seed. Predictions
        average their logits.
    label_smoothing : float
        The share of the target that is spread over all classes (Szegedy et al. 2016).
    mixup : float
        How strongly examples are mixed in pairs, 0 for not at all; see `hmnist.augmentation.mixup`.
    distillation : float
        The share of each target that comes from `hmnist.models.distillation` instead of the label,
        0–1. It takes the place of label smoothing. Only the first network is trained with it, so
        that the networks make different mistakes.
    logit_adjustment : float
        τ of Menon et al., *Long-tail learning via logit adjustment*, ICLR 2021: in training τ ·
        log(share of the class among the labels, by weight) is added to the logits, so that the
        network need not learn how rare a class is; 0 for not at all. Unlike there, it is added in
        prediction, too: probabilities keep their usual meaning, and calibration and decision work
        as for every other model.
    class_weights : mapping of label to float
        The weight of the images of a class, beside their own; 1 for classes that are not named.
    plateau : Plateau or None
        When the learning rate falls.
    steps_per_epoch : int or None
        The batches of an epoch; the next epoch goes on where it ended. None: as many as see every
        example once.
    restore_best : bool
        Whether the weights of the epoch with the best validation accuracy are kept, the first of
        equals, instead of the last ones.
    policy : str
        The Keras policy of the training; prediction is always in float32.
    """

    epochs: int
    batch_size: int
    optimizer: "Callable[[int], keras.optimizers.Optimizer]"
    networks: int = 1
    label_smoothing: float = 0.0
    mixup: float = 0.0
    distillation: float = 0.0
    logit_adjustment: float = 0.0
    class_weights: Mapping[Any, float] = field(default_factory=dict)
    plateau: Plateau | None = None
    steps_per_epoch: int | None = None
    restore_best: bool = False
    policy: str = "float32"


@dataclass(frozen=True, kw_only=True)
class Network:
    """A network and everything that its training and prediction need.

    Attributes
    ----------
    build : callable
        ``build(shape, classes)`` returns an untrained `keras.Model` from inputs of that shape to
        logits. ``build(shape, classes, patients)`` returns one with a second input: so many columns
        of patient data. Networks of models that take no patient data need not have it.
    training : TrainingPlan
        How it is trained.
    inputs : Inputs
        Turns images into what the network reads.
    prepare : callable or None
        ``prepare(graph, inputs)`` sets weights of a new graph that are not learnt in training:
        filters that are measured on the training inputs, or pretrained weights.
    augment : callable or None
        ``augment(inputs, rng)`` returns new random versions of a training batch.
    views : callable or None
        Test-time augmentation: yields versions of the inputs, over whose logits predictions are
        averaged.
    prediction_batch : int
        Images per batch of prediction and validation.
    """

    build: "Callable[..., keras.Model]"
    training: TrainingPlan
    inputs: Inputs = field(default_factory=Inputs)
    prepare: "Callable[[keras.Model, npt.NDArray[Any]], None] | None" = None
    augment: Callable[[npt.NDArray[Any], np.random.Generator], npt.NDArray[Any]] | None = None
    views: Callable[[npt.NDArray[Any]], Iterator[npt.NDArray[Any]]] | None = None
    prediction_batch: int = 512

    def build_for(
        self, shape: tuple[int, ...], classes: int, *, uses_patients: bool
    ) -> "keras.Model":
        """Return the untrained graph, with a second input if it uses patient data."""
        if not uses_patients:
            return self.build(shape, classes)
        return self.build(shape, classes, len(PATIENT_COLUMNS))


@dataclass(frozen=True, eq=False)
class Examples:
    """What one network is trained on: inputs, shape (n, …), and the share of each class.

    The examples of `validation` are scored after each epoch. Patient data have the shape
    (n, `PATIENT_COLUMNS`); they are None if the network has no input for them.
    """

    inputs: npt.NDArray[Any]
    targets: Float32
    weights: Float64 | None = None
    validation: "Examples | None" = None
    patients: Float32 | None = None


def read_patients(inputs: list[Any], columns: int) -> list[Any]:
    """Add an input for patient data to those of a graph, and return the small layer that reads it.

    Without columns of patient data nothing is added, and the list that is returned is empty.
    """
    import keras

    if not columns:
        return []
    inputs.append(keras.Input((columns,)))
    return [keras.layers.Dense(PATIENT_UNITS, activation="relu")(inputs[-1])]


def call_graph(graph: "keras.Model", inputs: Any, patients: Any = None, *, training: bool) -> Any:
    """Return the logits of a graph for tensors, with its second input if it has one."""
    return graph(inputs if patients is None else [inputs, patients], training=training)
