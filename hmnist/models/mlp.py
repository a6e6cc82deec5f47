"""`MLP`: a multilayer perceptron on the features of a lesion, or on its pixels."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from hmnist.models.inputs import StandardisedFeatures
from hmnist.models.network import Network, TrainingPlan
from hmnist.models.network_model import NetworkModel
from hmnist.models.optimizers import make_adamw
from hmnist.models.parameters import Amount, Count, DroppedShare, Rate, Share, Widths
from hmnist.models.search_space import Choice, Interval, SearchSpace

if TYPE_CHECKING:
    import keras


@dataclass(eq=False, repr=False, kw_only=True)
class MLP(NetworkModel):
    """Dense layers on standardised features, trained on mixtures of two lesions.

    Parameters
    ----------
    classes, image_shape, random_state
        As in `Model`.
    epochs, batch_size, networks, label_smoothing, mixup, logit_adjustment
        As in `TrainingPlan`.
    learning_rate : float
        The largest learning rate, after a linear warm-up; a half cosine to zero follows.
    weight_decay : float
        AdamW's decoupled decay (Loshchilov & Hutter 2019).
    features : str
        ``"lesion"`` or ``"pixels"``; see `FeatureExtractor`.
    widths : sequence of int
        Units of the hidden layers.
    dropout : float
        The share of each hidden layer that is dropped in training; a fifth of it for the inputs.
    """

    takes_patients: ClassVar[bool] = True

    # Label smoothing would change the loss by which searches stop trials early.
    search_space: ClassVar[SearchSpace] = {
        "learning_rate": Interval(2e-4, 1e-2, log=True),
        "weight_decay": Interval(1e-3, 0.5, log=True),
        "dropout": Interval(0.1, 0.8),
        "mixup": Interval(0.0, 0.6),
        "widths": Choice(((128,), (256,), (512,), (256, 128))),
    }

    epochs: Count = 30
    batch_size: Count = 128
    learning_rate: Rate = 1e-3
    weight_decay: Amount = 0.05
    label_smoothing: Share = 0.05
    mixup: Amount = 0.2
    networks: Count = 1
    logit_adjustment: Amount = 0.0
    features: str = "pixels"
    widths: Widths = (256,)
    dropout: DroppedShare = 0.5

    def make_network(self) -> Network:
        """Return the network that the parameters describe."""
        return Network(
            build=partial(build_mlp, widths=self.widths, dropout=self.dropout),
            inputs=StandardisedFeatures(self.features),
            training=TrainingPlan(
                epochs=self.epochs,
                batch_size=self.batch_size,
                optimizer=partial(make_adamw, self.learning_rate, self.weight_decay),
                networks=self.networks,
                label_smoothing=self.label_smoothing,
                mixup=self.mixup,
                logit_adjustment=self.logit_adjustment,
            ),
        )


def build_mlp(
    shape: tuple[int, ...],
    classes: int,
    patients: int = 0,
    *,
    widths: Sequence[int],
    dropout: float,
) -> "keras.Model":
    """Return the untrained network from rows of numbers to logits.

    It has a second input if there are columns of patient data. They are not dropped in training:
    the training hides some patients as a whole.
    """
    import keras
    from keras import layers

    inputs = [keras.Input(shape)]
    x = layers.Dropout(dropout / 5)(inputs[0])
    if patients:
        inputs.append(keras.Input((patients,)))
        x = layers.Concatenate()([x, inputs[1]])
    for width in widths:
        x = layers.Dense(width, activation="relu")(x)
        x = layers.Dropout(dropout)(x)
    return keras.Model(inputs if patients else inputs[0], layers.Dense(classes)(x))
