"""`Transfer`: EfficientNet-Lite0, fine-tuned from ImageNet weights.

Images are enlarged, since the network halves them five times. All layers are trained, the last one
at a larger rate. Training sees the images in random orientations, shifted by whole pixels, in
another light, and mixed in pairs. Prediction averages the orientations.
"""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from hmnist.augmentation import all_orientations, view_anew
from hmnist.models.backbone import PREDICTION_BATCH, resize_in_colour
from hmnist.models.efficientnet import build_backbone, find_imagenet, set_imagenet
from hmnist.models.labelled_images import LabelledImages
from hmnist.models.network import Network, TrainingPlan, read_patients
from hmnist.models.network_model import NetworkModel
from hmnist.models.optimizers import make_adamw
from hmnist.models.parameters import Amount, Count, DroppedShare, Rate, Share, Shift, Side

if TYPE_CHECKING:
    import keras


@dataclass(eq=False, repr=False, kw_only=True)
class Transfer(NetworkModel):
    """A network that was trained on ImageNet, and is trained further on lesions.

    The ImageNet weights are read in training (`hmnist.models.efficientnet`). The fitted weights are
    among ``weights_``, so that a fitted model needs nothing else.

    Parameters
    ----------
    classes, image_shape, random_state
        As in `Model`.
    epochs, batch_size, networks, label_smoothing, mixup, distillation, logit_adjustment
        As in `TrainingPlan`.
    side : int
        The side in pixels to which images are resized, bilinearly.
    learning_rate : float
        The largest learning rate of the pretrained layers, after a linear warm-up; a half cosine to
        zero follows.
    head_rate : float
        How many times as quickly the last layer learns.
    weight_decay : float
        AdamW's decoupled decay (Loshchilov & Hutter 2019).
    dropout : float
        The share of the last layer's inputs that is dropped in training.
    shift : int
        Training images are shifted by up to this many pixels of 28 in each direction, before they
        are resized; larger images by more, smaller ones by fewer.
    """

    takes_patients: ClassVar[bool] = True

    epochs: Count = 15
    batch_size: Count = 64
    learning_rate: Rate = 3e-4
    head_rate: Rate = 5.0
    weight_decay: Amount = 0.05
    label_smoothing: Share = 0.1
    mixup: Amount = 0.2
    distillation: Share = 0.0
    networks: Count = 1
    logit_adjustment: Amount = 0.0
    side: Side = 64
    dropout: DroppedShare = 0.2
    shift: Shift = 2

    def make_network(self) -> Network:
        """Return the network that the parameters describe."""
        return Network(
            build=partial(
                build_transfer, side=self.side, dropout=self.dropout, head_rate=self.head_rate
            ),
            training=TrainingPlan(
                epochs=self.epochs,
                batch_size=self.batch_size,
                optimizer=partial(make_adamw, self.learning_rate, self.weight_decay),
                networks=self.networks,
                label_smoothing=self.label_smoothing,
                mixup=self.mixup,
                distillation=self.distillation,
                logit_adjustment=self.logit_adjustment,
            ),
            prepare=lambda graph, _: set_imagenet(graph.get_layer("backbone")),
            augment=partial(view_anew, shift=self.shift),
            views=all_orientations,
            prediction_batch=4 * PREDICTION_BATCH,
        )

    def _fit(self, training: LabelledImages, validation: LabelledImages | None) -> None:
        find_imagenet()  # to fail before features are computed for distillation
        super()._fit(training, validation)


def build_transfer(
    shape: tuple[int, ...],
    classes: int,
    patients: int = 0,
    *,
    side: int,
    dropout: float,
    head_rate: float,
) -> "keras.Model":
    """Return the untrained network from pixels 0–255 to logits.

    If there are columns of patient data, they are a second input, as in `build_cnn`.
    """
    import keras
    from keras import layers

    inputs = [keras.Input(shape)]
    backbone = build_backbone((side, side, 3))
    x = layers.GlobalAveragePooling2D()(backbone(resize_in_colour(inputs[0], (side, side))))
    if known := read_patients(inputs, patients):
        x = layers.Concatenate()([x, *known])
    x = layers.Dense(classes, kernel_initializer="zeros")(layers.Dropout(dropout)(x))
    # A step of AdamW moves every weight by about the learning rate. So what the last layer learns
    # in a step is multiplied, and the optimiser needs no groups of weights.
    return keras.Model(inputs if patients else inputs[0], layers.Rescaling(head_rate)(x))
