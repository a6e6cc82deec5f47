"""Muon against the singular value decomposition, and against Keras' own on matrices."""

from typing import Any

import numpy as np
import pytest

from hmnist.models.keras_setup import load_keras


@pytest.fixture(scope="module")
def keras() -> Any:
    return load_keras()


def make(**options: Any) -> Any:
    from hmnist.models.muon import ConvolutionMuon

    return ConvolutionMuon(**options)


SHAPES = [(3, 3, 2, 8), (3, 3, 1, 24), (2, 2, 2, 8)]  # tall, wide and square when flattened


@pytest.mark.parametrize("shape", SHAPES)
def test_a_step_is_nearly_orthogonal(
    keras: Any, shape: tuple[int, ...], rng: np.random.Generator
) -> None:
    gradient = rng.normal(size=shape).astype(np.float32)
    kernel = keras.Variable(np.zeros(shape, np.float32))
    optimizer = make(learning_rate=0.1, weight_decay=None)
    optimizer.apply([keras.ops.convert_to_tensor(gradient)], [kernel])
    left, _, right = np.linalg.svd(gradient.reshape(-1, shape[-1]), full_matrices=False)
    # Liu et al. 2025: steps as large as Adam's, by 0.2 times the root of the longer side.
    scale = 0.1 * 0.2 * np.sqrt(max(left.shape[0], right.shape[1]))
    step = -np.asarray(kernel).reshape(-1, shape[-1]) / scale
    sizes = np.linalg.svd(step, compute_uv=False)
    assert 0.6 < sizes.min() <= sizes.max() < 1.3
    factor = left @ right
    likeness = (step * factor).sum() / np.linalg.norm(step) / np.linalg.norm(factor)
    assert likeness > 0.98


@pytest.mark.parametrize("shape", SHAPES)
def test_steps_are_those_of_keras_on_the_flattened_kernel(
    keras: Any, shape: tuple[int, ...], rng: np.random.Generator
) -> None:
    options: dict[str, Any] = {"learning_rate": 0.05, "weight_decay": 0.3}
    optimizers = [make(**options), keras.optimizers.Muon(**options)]
    start = rng.normal(size=shape).astype(np.float32)
    variables = [keras.Variable(start), keras.Variable(start.reshape(-1, shape[-1]))]
    for _ in range(4):
        gradient = rng.normal(size=shape).astype(np.float32)
        for optimizer, variable in zip(optimizers, variables, strict=True):
            optimizer.apply([keras.ops.reshape(gradient, variable.shape)], [variable])
    ours, theirs = (np.asarray(variable).ravel() for variable in variables)
    np.testing.assert_allclose(ours, theirs, atol=2e-4)


def test_the_iteration_is_that_of_keras(keras: Any, rng: np.random.Generator) -> None:
    for shape in ((40, 12), (12, 40), (16, 16)):
        matrix = keras.ops.convert_to_tensor(rng.normal(size=shape).astype(np.float32))
        ours = make().zeropower_via_newtonschulz5(matrix, 5)
        theirs = keras.optimizers.Muon().zeropower_via_newtonschulz5(matrix, 5)
        np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), atol=2e-3)


def test_gradients_of_nothing_move_nothing(keras: Any) -> None:
    kernel = keras.Variable(np.ones((3, 3, 2, 4), np.float32))
    optimizer = make(learning_rate=0.1, weight_decay=None)
    optimizer.apply([keras.ops.zeros((3, 3, 2, 4))], [kernel])
    np.testing.assert_array_equal(np.asarray(kernel), 1)


@pytest.mark.parametrize("shape", [(6, 3), (5,), (2, 3, 4)])
def test_everything_else_moves_by_adamw(
    keras: Any, shape: tuple[int, ...], rng: np.random.Generator
) -> None:
    optimizers = [
        make(learning_rate=0.05, weight_decay=0.9, adam_weight_decay=0.3),
        keras.optimizers.AdamW(learning_rate=0.05, weight_decay=0.3, beta_2=0.999),
    ]
    start = rng.normal(size=shape).astype(np.float32)
    variables = [keras.Variable(start), keras.Variable(start)]
    for _ in range(4):
        gradient = keras.ops.convert_to_tensor(rng.normal(size=shape).astype(np.float32))
        for optimizer, variable in zip(optimizers, variables, strict=True):
            optimizer.apply([gradient], [variable])
    ours, theirs = map(np.asarray, variables)
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
    assert np.abs(ours - start).max() > 0.05
