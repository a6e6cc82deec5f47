"""`inception-resnet`: InceptionResNetV2 without its last 28 layers, at 299×299 (arXiv 1810.10348).

If it is pretrained, the last 50 layers of the whole network are trained.
"""

from typing import Any

from hmnist.diagnoses import CODES
from hmnist.systems.protocol import Protocol, Resampling, SingleImageDivision
from hmnist.systems.shared import FROM_SCRATCH, REPEATABLE, RESIZED
from hmnist.systems.system import Backbone, Claim, Hyperparameter, Plateau, System, Training


def _hidden_layers(features: Any) -> Any:
    from keras import layers

    return layers.Flatten()(layers.Dropout(0.25)(features))


SYSTEM = System(
    name="inception-resnet",
    summary="published: truncated InceptionResNetV2 at 299×299",
    size=(299, 299),
    resizes=True,
    smallest_side=75,
    hidden_layers=_hidden_layers,
    backbone=Backbone(
        application="InceptionResNetV2",
        module="inception_resnet_v2",
        # The source reads layer 28 from the end of the whole network: 27 follow it. Two of them,
        # the mean and the classifier, are not part of the application here.
        cut=25,
        # Three of the 50 are the dropout, the Flatten and the dense layer behind the backbone.
        trained_layers=47,
    ),
    training=Training(
        optimizer="SGD",
        learning_rate=1e-3,
        batch_size=10,
        epochs=25,
        steps_per_epoch=908,
        class_weights={"mel": 3.0},
        plateau=Plateau(factor=0.5, patience=2, floor=1e-5),
    ),
    augmentation="offline, to some 6,000 images of each diagnosis but nv: rotated by up to 180°, "
    "shifted and zoomed by up to a tenth, mirrored; part of its protocol, not of the model",
    protocol=Protocol(
        description="17 % of the lesions with one image, stratified by diagnosis, validate and "
        "test",
        division=SingleImageDivision(0.17),
        training=Resampling("affine", tuple(code for code in CODES if code != "nv"), 6000),
        notes=(
            (
                "Ours: no diagnosis is raised beyond nv, which has some 6,000 training images in "
                "the full file and fewer in a part of it."
            ),
        ),
    ),
    claim=Claim(".89", "macro F1 .64 besides"),
    layers=(
        Hyperparameter(
            "backbone", "InceptionResNetV2, ImageNet weights, without its last 28 layers", "stated"
        ),
        Hyperparameter("trained", "the last 50 layers", "stated"),
        Hyperparameter("dropout", ".25 behind the backbone", "stated"),
        Hyperparameter("dense layers", "7 behind a Flatten", "stated"),
    ),
    origins=dict.fromkeys(
        (
            *("size", "optimizer", "learning rate", "learning rate falls", "batch size", "epochs"),
            *("steps of an epoch", "class weights", "augmentation", "protocol"),
        ),
        "stated",
    ),
    notes=(
        (
            "Ours: the 28 layers are counted from the classifier of the whole network, in the "
            "order of today's Keras; the output of what is left has the shape 8×8×192."
        ),
        "Ours: dropout, Flatten and Dense 7 are three of the last 50 layers.",
        (
            "Different from the source: frozen batch normalisation uses its stored moments, as "
            "today's Keras does."
        ),
        FROM_SCRATCH,
        RESIZED,
        *REPEATABLE,
    ),
    seconds_per_epoch=1500,
)
