"""One graph from pixels to calibrated probabilities: those of model and decision."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hmnist.decisions.decision import Decision
from hmnist.models.cnn import CNN
from hmnist.models.litert import LiteNetworks
from hmnist.results.exports.graph import to_litert, to_onnx, trace_probabilities
from hmnist.results.exports.onnx import OnnxNetworks
from hmnist.sources.sample import load_sample

DATA = load_sample().take(np.arange(0, 2500, 30))

FORMATS: dict[str, tuple[Any, Any]] = {
    "litert": (to_litert, LiteNetworks),
    "onnx": (to_onnx, OnnxNetworks),
}


@pytest.fixture(scope="module")
def model() -> CNN:
    return CNN(epochs=1, widths=(4, 6), random_state=0).fit(DATA.images, DATA.labels)


@pytest.mark.parametrize("temperature", [1.0, 9.0])
@pytest.mark.parametrize("form", FORMATS)
def test_the_graph_calibrates(form: str, temperature: float, model: CNN, tmp_path: Path) -> None:
    convert, load = FORMATS[form]
    path = tmp_path / "graph"
    path.write_bytes(convert(trace_probabilities(model, DATA.image_shape, temperature)))
    found = load(path)(DATA.images)  # several batches, the last one short
    expected = Decision("natural", temperature).calibrate(model.predict_proba(DATA.images))
    assert found.shape == (len(DATA), 7)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_allclose(load(path)(DATA.images[:1]), expected[:1], atol=1e-5)


def test_probabilities_of_nearly_zero_are_calibrated_as_by_the_decision(model: CNN) -> None:
    certain = pickle.loads(pickle.dumps(model))
    certain.weights_ = [
        [*weights[:-2], 50 * weights[-2], weights[-1]] for weights in model.weights_
    ]
    certain._rebuild()
    expected = Decision("natural", 9.0).calibrate(certain.predict_proba(DATA.images))
    assert certain.predict_proba(DATA.images).min() < 1e-12
    found = trace_probabilities(certain, DATA.image_shape, 9.0)(DATA.images)
    np.testing.assert_allclose(found, expected, atol=1e-4)
