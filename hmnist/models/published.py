"""`PublishedNetwork`: the estimator that trains the network of any published system."""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from hmnist.diagnoses import CODES
from hmnist.errors import UsageError
from hmnist.models.backbone import PREDICTION_BATCH, BackboneBuilder, BackboneOutputs
from hmnist.models.keras_setup import load_keras
from hmnist.models.network import Network, TrainingPlan
from hmnist.models.network_model import NetworkModel
from hmnist.models.parameters import Count, Rate, Side
from hmnist.models.precision import policy_of
from hmnist.systems import find_system
from hmnist.systems.system import System

if TYPE_CHECKING:
    import keras


@dataclass(eq=False, repr=False, kw_only=True)
class PublishedNetwork(NetworkModel):
    """A published system, trained as its source trained it.

    The weights of a frozen backbone are those of ``inputs_``, not among ``weights_``.

    Parameters
    ----------
    classes, image_shape, random_state
        As in `Model`.
    system : str
        A name of `hmnist.systems.SYSTEMS`.
    epochs : int or None
        How often the training images are seen; None for the system's own number.
    batch_size : int or None
        Images per step; None for the system's own number.
    learning_rate : float or None
        None for the system's own.
    pretrained : str
        The weights that the backbone of the system starts from: ``none``, ``imagenet``
        (downloaded by Keras), or the path of a file with the weights of the same application of
        Keras without its classifier. With ``none`` all layers are trained.
    side : int or None
        The side in pixels to which a system with a backbone resizes images; None for its own. A
        smaller one is quicker, and another system.
    restore_best : bool
        Whether the weights of the epoch with the best validation accuracy are kept, the first of
        equals, instead of the last ones. Without validation images the last ones are kept.
    precision : str
        ``"float32"`` or ``"bfloat16"``, in training; see `hmnist.models.precision`.
    """

    system: str = "lenet"
    epochs: Count | None = None
    batch_size: Count | None = None
    learning_rate: Rate | None = None
    pretrained: str = "none"
    side: Side | None = None
    restore_best: bool = False
    precision: str = "float32"

    def make_network(self) -> Network:
        """Return the network of the system, with the numbers of its source unless others are given.

        It raises a UsageError if there is no such system, if the side is too small, or if a system
        without a backbone is given a side or pretrained weights.
        """
        system = find_system(self.system)
        network = partial(
            Network, training=self._make_plan(system), prediction_batch=PREDICTION_BATCH
        )
        size = self._choose_size(system)
        if system.backbone is None:
            return network(build=partial(_build, system))
        builder = BackboneBuilder(system, system.backbone, size)
        if self.pretrained == "none":
            return network(build=partial(builder.build_network, freeze=False))
        if system.backbone.frozen:
            return network(build=system.build, inputs=BackboneOutputs(builder, self.pretrained))
        return network(
            build=partial(builder.build_network, freeze=True),
            prepare=lambda graph, _: builder.set_pretrained(graph, self.pretrained),
        )

    def _make_plan(self, system: System) -> TrainingPlan:
        training = system.training
        rate = training.learning_rate if self.learning_rate is None else self.learning_rate
        return TrainingPlan(
            epochs=training.epochs if self.epochs is None else self.epochs,
            batch_size=training.batch_size if self.batch_size is None else self.batch_size,
            # The rate is constant, whatever the number of steps.
            optimizer=lambda _: getattr(load_keras().optimizers, training.optimizer)(rate),
            # Labels are numbers or codes, as `fit` was given them.
            class_weights={
                label: weight
                for code, weight in training.class_weights.items()
                for label in (CODES.index(code), code)
            },
            plateau=training.plateau,
            steps_per_epoch=training.steps_per_epoch,
            restore_best=self.restore_best,
            policy=policy_of(self.precision),
        )

    def _choose_size(self, system: System) -> tuple[int, int]:
        """Return the height and width to which images are resized, if the system does that."""
        if system.backbone is None and (self.side is not None or self.pretrained != "none"):
            raise UsageError(
                f"{system.name} starts from no application of Keras, so it takes neither side nor "
                "pretrained weights.",
                "Leave them out, or choose a model that starts from ImageNet weights: mobilenet.",
            )
        if self.side is None:
            return system.size
        if self.side < system.smallest_side:
            raise UsageError(
                f"Images of {self.side}×{self.side} pixels are too small for {system.name}, "
                f"which needs {system.smallest_side}×{system.smallest_side} at least.",
                f"Choose a side of {system.smallest_side} or more.",
            )
        return self.side, self.side


def _build(system: System, shape: Any, classes: int) -> "keras.Model":
    system.check_size(*shape[:2])
    return system.build(shape, classes)
