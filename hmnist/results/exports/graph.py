"""A network as one graph from pixels to calibrated probabilities, for use outside this package."""

import logging
import math
import warnings
from typing import TYPE_CHECKING, Any

from hmnist.arrays import Shape
from hmnist.decisions.calibration import SMALLEST
from hmnist.patients import PATIENT_COLUMNS

if TYPE_CHECKING:
    from hmnist.models.network_model import NetworkModel

OPSET = 17
"""The version of ONNX's operators, of 2022: old enough for most programs that run ONNX."""


def trace_probabilities(model: "NetworkModel", shape: Shape, temperature: float) -> Any:
    """Return a `tf.function` from images to calibrated probabilities.

    Its inputs are ``images``, uint8, shape (n, h, w, c), and ``patients``, float32, if the model
    uses patient data. Its result is float32, shape (n, 7).
    """
    import tensorflow as tf

    signature = [tf.TensorSpec((None, *shape), tf.uint8, "images")]
    if model.uses_patients_:
        signature.append(tf.TensorSpec((None, len(PATIENT_COLUMNS)), tf.float32, "patients"))

    def probabilities(images: Any, *patients: Any) -> Any:
        logits = model.trace(tf.cast(images, tf.float32), *patients)
        # As `hmnist.decisions.calibration.rescale`, which knows probabilities and no logits.
        logs = tf.maximum(tf.nn.log_softmax(logits), math.log(SMALLEST))
        return tf.nn.softmax(logits if temperature == 1 else logs / temperature)

    return tf.function(probabilities, input_signature=signature, autograph=False)


def to_litert(function: Any) -> bytes:
    """Return the content of a LiteRT file."""
    from hmnist.models.compiled import convert_to_litert

    return convert_to_litert(function)


def to_onnx(function: Any) -> bytes:
    """Return the content of an ONNX file: inputs by their names, the output ``probabilities``."""
    import tf2onnx

    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(action="ignore"):
        model, _ = tf2onnx.convert.from_function(function, function.input_signature, opset=OPSET)
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "n"
    return bytes(model.SerializeToString())
