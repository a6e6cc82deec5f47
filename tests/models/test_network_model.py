"""Networks: what each epoch sees, the same training again, and the state in its files."""

import gc
import json
import pickle
import random
import subprocess
import sys
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pytest

from hmnist.arrays import Images, Shape
from hmnist.errors import TrustError, UsageError
from hmnist.features.steps import OnStep, ignore_steps
from hmnist.models.inputs import Inputs
from hmnist.models.keras_setup import load_keras
from hmnist.models.mlp import MLP
from hmnist.models.network import Network, TrainingPlan
from hmnist.models.network_model import NetworkModel
from hmnist.models.optimizers import make_adamw
from hmnist.models.registry import make_model
from tests.conftest import eagerly

IMAGES = np.random.default_rng(0).integers(0, 256, (70, 4, 4, 3), dtype=np.uint8)
LABELS = np.arange(70) % 3


def build(
    shape: tuple[int, ...],
    classes: int,
    patients: int = 0,
    *,
    units: int = 8,
    dropout: float = 0.1,
) -> Any:
    """Return a network with one small dense layer."""
    keras = load_keras()
    inputs = [keras.Input(shape)]
    x = keras.layers.BatchNormalization(
        center=False, scale=False, trainable=False, name="standardising"
    )(inputs[0])
    x = keras.layers.Flatten()(x)
    if patients:
        inputs.append(keras.Input((patients,)))
        x = keras.layers.Concatenate()([x, inputs[1]])
    x = keras.layers.Dense(units, activation="relu")(x)
    x = keras.layers.Dropout(dropout)(x)
    return keras.Model(inputs if patients else inputs[0], keras.layers.Dense(classes)(x))


def standardise(graph: Any, inputs: npt.NDArray[Any]) -> None:
    pixels = inputs.reshape(-1, inputs.shape[3]).astype(np.float32)
    graph.get_layer("standardising").set_weights([pixels.mean(axis=0), pixels.var(axis=0)])


def add_noise(inputs: npt.NDArray[Any], rng: np.random.Generator) -> npt.NDArray[Any]:
    noise = rng.normal(0, 0.3, size=(len(inputs), 1, 1, 1))
    return inputs + noise.astype(np.float32)


@dataclass(eq=False, repr=False, kw_only=True)
class TinyNetwork(NetworkModel):
    """One small dense layer on rows of any length."""

    takes_patients: ClassVar[bool] = True

    epochs: int = 3
    batch_size: int = 32
    learning_rate: float = 0.05
    weight_decay: float = 0.05
    networks: int = 1
    logit_adjustment: float = 0.0
    units: int = 8
    dropout: float = 0.1

    @property
    def needs_shape(self) -> bool:
        return False

    def make_network(self) -> Network:
        return Network(
            build=partial(build, units=self.units, dropout=self.dropout),
            training=TrainingPlan(
                epochs=self.epochs,
                batch_size=self.batch_size,
                optimizer=partial(make_adamw, self.learning_rate, self.weight_decay),
                networks=self.networks,
                label_smoothing=0.1,
                logit_adjustment=self.logit_adjustment,
            ),
            prepare=standardise,
            augment=add_noise,
        )


class Recorder(TinyNetwork):
    """Records the batches that the training asks for."""

    def make_network(self) -> Network:
        def record(inputs: npt.NDArray[Any], rng: np.random.Generator) -> npt.NDArray[Any]:
            augmented = add_noise(inputs, rng)
            self.__dict__.setdefault("batches", []).append((inputs.copy(), augmented))
            return augmented

        return replace(super().make_network(), augment=record)


class Plain(TinyNetwork):
    """Sees the images as they are, in one batch, without dropout and decay."""

    def __init__(
        self,
        random_state: int | None = 0,
        *,
        logit_adjustment: float = 0.0,
        epochs: int = 1,
        learning_rate: float = 0.05,
        bias: Sequence[float] = (0.0, 0.0, 0.0),
    ) -> None:
        super().__init__(
            random_state=random_state,
            epochs=epochs,
            batch_size=70,
            learning_rate=learning_rate,
            weight_decay=0,
            logit_adjustment=logit_adjustment,
            dropout=0,
        )
        self.bias = bias

    def make_network(self) -> Network:
        bias = self.bias

        def prepare(graph: Any, inputs: npt.NDArray[Any]) -> None:
            standardise(graph, inputs)
            graph.layers[-1].bias.assign(bias)

        return replace(super().make_network(), prepare=prepare, augment=None)


class DarkestInputs(Inputs):
    """Subtracts the darkest training pixel, in another shape."""

    epochs = 2

    def fit_transform(
        self, images: Images, seed: int, on_step: OnStep = ignore_steps
    ) -> npt.NDArray[Any]:
        on_step(1, 2)
        self.darkest = images.min()
        return self.transform(images)

    def transform(self, images: Images) -> npt.NDArray[Any]:
        return np.asarray(images.reshape(len(images), 8, 2, 3) - self.darkest, np.float64)

    def save(self, folder: Path) -> None:
        np.save(folder / "darkest.npy", self.darkest)

    def load(self, folder: Path, shape: Shape) -> tuple[int, ...]:
        self.darkest = np.load(folder / "darkest.npy")
        return 8, 2, 3


def with_mirror(inputs: npt.NDArray[Any]) -> Iterator[npt.NDArray[Any]]:
    yield inputs
    yield inputs[:, ::-1]


class TwoViews(TinyNetwork):
    """Reads inputs that it fits in training, and predicts from two views of them."""

    def make_network(self) -> Network:
        network = super().make_network()
        plan = replace(network.training, policy="mixed_bfloat16")
        return replace(network, training=plan, inputs=DarkestInputs(), views=with_mirror)


def fit(**parameters: Any) -> TinyNetwork:
    return TinyNetwork(**{"random_state": 0, **parameters}).fit(IMAGES, LABELS)


@pytest.fixture(scope="module")
def fitted() -> TinyNetwork:
    return fit()


def row_of(image: npt.NDArray[np.uint8]) -> int:
    return int(np.flatnonzero((image == IMAGES).all(axis=(1, 2, 3)))[0])


@eagerly
def test_every_epoch_has_another_order_and_other_views() -> None:
    model = Recorder(random_state=3, epochs=4).fit(IMAGES, LABELS)
    seen: list[Any] = model.__dict__["batches"]
    steps = 3
    assert len(seen) == 4 * steps
    epochs = [seen[steps * epoch :][:steps] for epoch in range(4)]
    for epoch, batches in enumerate(epochs):
        order = [row_of(image) for images, _ in batches for image in images]
        expected = np.random.default_rng([3, epoch]).permutation(70)
        assert order == expected.tolist()
    noise = [
        np.concatenate([(augmented - images)[:, 0, 0, 0] for images, augmented in batches])
        for batches in epochs
    ]
    assert not any(np.array_equal(noise[0], other) for other in noise[1:])
    assert np.unique(np.concatenate(noise).round(4)).size > 250  # none is repeated


def test_the_seed_fixes_the_training(fitted: TinyNetwork) -> None:
    again, other = fit(), fit(random_state=1)
    for first, second in zip(fitted.weights_[0], again.weights_[0], strict=True):
        np.testing.assert_array_equal(first, second)
    assert not np.array_equal(fitted.weights_[0][-2], other.weights_[0][-2])


@eagerly
def test_without_a_seed_each_training_is_another() -> None:
    first, second = fit(random_state=None, epochs=1), fit(random_state=None, epochs=1)
    assert not np.array_equal(first.weights_[0][-2], second.weights_[0][-2])


def test_the_callers_generators_and_session_are_left_alone(fitted: TinyNetwork) -> None:
    keras = load_keras()
    import tensorflow as tf

    keras.config.set_dtype_policy("float32")
    theirs = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    before = theirs.predict_on_batch(np.ones((1, 3)))
    python, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002
    tf.random.set_seed(11)
    expected = [tf.random.uniform([2]).numpy() for _ in range(2)]
    tf.random.set_seed(11)
    first = tf.random.uniform([2]).numpy()
    fit(epochs=1)
    pickle.loads(pickle.dumps(fitted)).predict_proba(IMAGES)
    np.testing.assert_array_equal([first, tf.random.uniform([2]).numpy()], expected)
    assert random.getstate() == python
    after = np.random.get_state()  # noqa: NPY002
    np.testing.assert_equal(after, numpy_state)
    np.testing.assert_array_equal(theirs.predict_on_batch(np.ones((1, 3))), before)


def test_a_model_that_is_gone_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    load_keras()
    from hmnist.models.batches import TrainingBatches

    kept: list[weakref.ref[Any]] = []

    class Noted(TrainingBatches):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            kept.extend(map(weakref.ref, (self.examples.inputs, self.examples.targets)))

    monkeypatch.setattr("hmnist.models.training.TrainingBatches", Noted)
    model = TinyNetwork(epochs=1).fit(IMAGES.copy(), LABELS)
    kept += [weakref.ref(model), weakref.ref(model.networks_[0])]
    del model
    gc.collect()
    assert [part() for part in kept] == [None] * 4


@eagerly
def test_the_averaged_weights_are_the_fitted_ones() -> None:
    optimizers = []

    class Averaged(TinyNetwork):
        def make_network(self) -> Network:
            network = super().make_network()

            def note(steps: int) -> Any:
                optimizers.append(network.training.optimizer(steps))
                return optimizers[-1]

            return replace(network, training=replace(network.training, optimizer=note))

    model = Averaged(random_state=0).fit(IMAGES, LABELS)
    averages = optimizers[0]._model_variables_moving_average
    assert len(averages) == 4
    for average, weight in zip(averages, model.weights_[0][2:], strict=True):
        np.testing.assert_array_equal(np.asarray(average), weight)


@eagerly
def test_history_has_an_entry_per_epoch(fitted: TinyNetwork) -> None:
    assert {name: len(values) for name, values in fitted.history_.items()} == {
        "accuracy": 3,
        "loss": 3,
    }
    model = TinyNetwork(random_state=0, epochs=2)
    model.fit(IMAGES, LABELS, validation=(IMAGES[:9], LABELS[:9]))
    recalls = {f"val_recall_{label}" for label in range(3)}
    expected = {"accuracy", "loss", "val_accuracy", "val_loss", "val_recall"} | recalls
    assert set(model.history_) == expected
    assert all(len(values) == 2 for values in model.history_.values())


def test_validation_does_not_touch_the_weights(fitted: TinyNetwork) -> None:
    model = TinyNetwork(random_state=0).fit(
        IMAGES, LABELS, validation=(IMAGES[:9].reshape(9, -1), LABELS[:9])
    )
    np.testing.assert_array_equal(model.weights_[0][-2], fitted.weights_[0][-2])


@eagerly
def test_validation_comes_in_batches_of_the_networks_size() -> None:
    keras = load_keras()
    import tensorflow as tf

    sizes: list[int] = []

    class Measure(keras.layers.Layer):  # type: ignore[name-defined,misc] # keras has no types
        def call(self, inputs: Any, *, training: bool = False) -> Any:
            if not training and tf.executing_eagerly():
                sizes.append(len(inputs))
            return inputs

    def build_measured(shape: tuple[int, ...], classes: int) -> Any:
        inputs = keras.Input(shape)
        x = keras.layers.Flatten()(Measure()(inputs))
        return keras.Model(inputs, keras.layers.Dense(classes)(x))

    class Measured(TinyNetwork):
        def make_network(self) -> Network:
            network = replace(super().make_network(), build=build_measured, prepare=None)
            return replace(network, prediction_batch=20)

    Measured(epochs=1).fit(IMAGES, LABELS, validation=(IMAGES, LABELS))
    assert sizes[-4:] == [20, 20, 20, 10]


def test_sample_weights_count() -> None:
    y = np.arange(70) % 2
    same = np.repeat(IMAGES[:1], 70, axis=0)
    for favoured in (0, 1):
        model = TinyNetwork(random_state=0, epochs=15)
        model.fit(same, y, sample_weight=np.where(y == favoured, 1.0, 0.0))
        assert model.predict_proba(same[:1])[0, favoured] > 0.7


@eagerly
def test_steps_are_reported_and_not_carried_along() -> None:
    steps: list[tuple[float, float]] = []
    model = TinyNetwork(random_state=0)
    model.on_step = lambda done, total: steps.append((done, total))
    model.fit(IMAGES, LABELS)
    assert steps == [(1, 3), (2, 3), (3, 3)]
    assert pickle.loads(pickle.dumps(model)).on_step is None


@eagerly
def test_the_first_network_reports_its_loss_on_validation() -> None:
    losses: list[tuple[float, float]] = []
    model = TinyNetwork(random_state=0, networks=2)
    model.on_loss = lambda done, loss: losses.append((done, loss))
    model.fit(IMAGES, LABELS, validation=(IMAGES, LABELS))
    assert losses == list(zip((1 / 3, 2 / 3, 1), model.history_["val_loss"], strict=True))
    assert pickle.loads(pickle.dumps(model)).on_loss is None


def test_predictions_average_the_logits_of_views_in_full_precision(tmp_path: Path) -> None:
    keras = load_keras()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = TwoViews(random_state=0, epochs=1).fit(IMAGES, LABELS, validation=(IMAGES, LABELS))
        assert keras.config.dtype_policy().name == "mixed_float16"
    finally:
        keras.config.set_dtype_policy("float32")
    assert model.policy_ == "mixed_bfloat16"
    assert model.input_shape_ == (8, 2, 3)
    assert {layer.compute_dtype for layer in model.networks_[0].layers} == {"float32"}
    assert {weight.dtype for weight in model.weights_[0]} == {np.dtype("float32")}
    pixels = model.inputs_.transform(IMAGES).astype(np.float32)
    logits = [np.asarray(model.networks_[0](view), float) for view in with_mirror(pixels)]
    powers = np.exp((logits[0] + logits[1]) / 2)
    expected = powers / powers.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model.predict_proba(IMAGES), expected, rtol=1e-6)
    model.save_state(tmp_path)
    again = TwoViews()
    again.load_state(tmp_path)
    assert again.policy_ == "mixed_bfloat16"
    assert again.history_ == model.history_
    np.testing.assert_array_equal(again.predict_proba(IMAGES), model.predict_proba(IMAGES))


def test_networks_are_trained_apart_and_averaged(fitted: TinyNetwork, tmp_path: Path) -> None:
    steps: list[tuple[float, float]] = []
    model = TinyNetwork(random_state=0, networks=2)
    model.on_step = lambda done, total: steps.append((done, total))
    model.fit(IMAGES, LABELS)
    assert steps == [(step, 6) for step in range(1, 7)]
    np.testing.assert_array_equal(model.weights_[0][-2], fitted.weights_[0][-2])
    assert not np.array_equal(model.weights_[1][-2], fitted.weights_[0][-2])
    assert model.parameter_count == 2 * fitted.parameter_count
    pixels = IMAGES.astype(np.float32)
    logits = [np.asarray(network(pixels), float) for network in model.networks_]
    powers = np.exp(np.mean(logits, axis=0))
    expected = powers / powers.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model.predict_proba(IMAGES), expected, rtol=1e-6)
    model.save_state(tmp_path)
    again = TinyNetwork(networks=2)
    again.load_state(tmp_path)
    np.testing.assert_array_equal(again.predict_proba(IMAGES), model.predict_proba(IMAGES))
    with pytest.raises(TrustError, match=r"weights is <f4 of shape \(2, "):
        TinyNetwork(networks=3).load_state(tmp_path)


def test_a_single_class_is_refused() -> None:
    with pytest.raises(UsageError, match="one class"):
        TinyNetwork().fit(IMAGES, np.zeros(70))


def test_a_fresh_process_predicts_the_same_bits(fitted: TinyNetwork, tmp_path: Path) -> None:
    (tmp_path / "model.pickle").write_bytes(pickle.dumps(fitted))
    np.save(tmp_path / "images.npy", IMAGES)
    program = (
        "import pickle, sys, numpy as np\n"
        "sys.path[:0] = sys.argv[2:]\n"
        "model = pickle.load(open(sys.argv[1] + '/model.pickle', 'rb'))\n"
        "images = np.load(sys.argv[1] + '/images.npy')\n"
        "np.save(sys.argv[1] + '/there.npy', model.predict_proba(images))\n"
    )
    here = Path(__file__).parent
    command = [sys.executable, "-c", program, str(tmp_path), str(here.parents[1]), str(here)]
    subprocess.run(command, check=True)
    np.testing.assert_array_equal(np.load(tmp_path / "there.npy"), fitted.predict_proba(IMAGES))


@pytest.mark.parametrize("damage", ["truncated", "missing", "fewer", "two", "NaN", "objects"])
def test_damaged_weights_are_refused(fitted: TinyNetwork, tmp_path: Path, damage: str) -> None:
    fitted.save_state(tmp_path)
    file = tmp_path / "weights.npz"
    with np.load(file) as stored:
        weights = stored["weights"]
    assert weights.shape == (1, fitted.parameter_count)
    if damage == "truncated":
        file.write_bytes(file.read_bytes()[:-100])
    elif damage == "missing":
        file.unlink()
    elif damage == "fewer":
        np.savez(file, weights=weights[:, :-1])
    elif damage == "two":
        np.savez(file, weights=np.repeat(weights, 2, axis=0))
    elif damage == "NaN":
        np.savez(file, weights=weights + np.float32(np.nan))
    else:
        np.savez(file, weights=np.array([{"a": 1}], dtype=object))
    with pytest.raises(TrustError, match="weights") as caught:
        TinyNetwork().load_state(tmp_path)
    assert caught.value.hint == "Train it again."


@eagerly
def test_weights_are_counted_before_there_is_memory_for_them(tmp_path: Path) -> None:
    MLP(epochs=1, widths=(4,), random_state=0).fit(IMAGES, LABELS).save_state(tmp_path)
    with pytest.raises(TrustError, match="the network has 40,0"):
        MLP(widths=(200_000, 200_000)).load_state(tmp_path)  # 160 gigabytes
    again = MLP(widths=(4,))  # Keras has forgotten the large one
    again.load_state(tmp_path)
    assert again.predict_proba(IMAGES).shape == (70, 3)


@pytest.mark.parametrize(
    "facts",
    [
        {"offset": [0.0]},
        {"offset": ["a", "b", "c"]},
        {"history": [1]},
        {"policy": None},
        {"image_shape": [3, 4, 4]},
    ],
)
def test_facts_that_do_not_fit_the_network_are_refused(
    fitted: TinyNetwork, tmp_path: Path, facts: dict[str, Any]
) -> None:
    fitted.save_state(tmp_path)
    path = tmp_path / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | facts), "utf-8")
    with pytest.raises(TrustError, match="TinyNetwork"):
        TinyNetwork().load_state(tmp_path)


def test_no_networks_are_refused() -> None:
    with pytest.raises(UsageError, match="0 networks"):
        fit(networks=0)


@eagerly
def test_models_of_neighbouring_seeds_share_no_network() -> None:
    model, neighbour = fit(networks=2, random_state=0), fit(networks=2, random_state=1)
    first = {network[-2].tobytes() for network in model.weights_}
    second = {network[-2].tobytes() for network in neighbour.weights_}
    assert len(first | second) == 4


# Logit adjustment

RARE = np.clip(np.arange(70) // 30, 0, 2)  # 30, 30 and 10
WEIGHTS = np.where(RARE == 2, 1.5, np.where(RARE == 1, 0.5, 1.0))


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_the_loss_is_that_of_logits_and_log_shares(weights: npt.NDArray[Any] | None) -> None:
    model = Plain(logit_adjustment=1.5, learning_rate=0.0)
    model.fit(IMAGES, RARE, sample_weight=weights, validation=(IMAGES[20:], RARE[20:]))
    # 30 · 1, 30 · 0.5 and 10 · 1.5 of 60
    shares = np.array([3, 3, 1]) / 7 if weights is None else np.array([0.5, 0.25, 0.25])
    np.testing.assert_allclose(model.offset_, 1.5 * np.log(shares), rtol=1e-12)
    logits = np.asarray(model.networks_[0](IMAGES.astype(np.float32)), float)
    powers = np.exp(logits) * shares**1.5
    probabilities = powers / powers.sum(axis=1, keepdims=True)
    smoothed = np.eye(3)[RARE] * 0.9 + 0.1 / 3
    losses = -(smoothed * np.log(probabilities)).sum(axis=1)
    counted = 1 if weights is None else weights
    # With a learning rate of 0 the weights of the only step are still there.
    assert model.history_["loss"][0] == pytest.approx((losses * counted).mean(), rel=1e-5)
    assert model.history_["val_loss"][0] == pytest.approx(losses[20:].mean(), rel=1e-5)
    right = probabilities[20:].argmax(axis=1) == RARE[20:]
    assert model.history_["val_accuracy"][0] == pytest.approx(right.mean())
    np.testing.assert_allclose(model.predict_proba(IMAGES), probabilities, rtol=1e-6)


def test_adjusted_logits_start_at_the_shares() -> None:
    # The same training by other means: the sum of bias and offset is learnt.
    adjusted = Plain(logit_adjustment=1.0, epochs=8).fit(IMAGES, RARE)
    biased = Plain(epochs=8, bias=adjusted.offset_.tolist()).fit(IMAGES, RARE)
    assert np.abs(adjusted.weights_[0][-1]).max() > 0.01  # it has moved
    np.testing.assert_allclose(
        adjusted.weights_[0][-1] + adjusted.offset_, biased.weights_[0][-1], atol=1e-4
    )
    np.testing.assert_allclose(
        adjusted.predict_proba(IMAGES), biased.predict_proba(IMAGES), atol=1e-4
    )


def test_without_adjustment_nothing_is_added(fitted: TinyNetwork) -> None:
    model = fit(logit_adjustment=0.0)
    np.testing.assert_array_equal(model.offset_, np.zeros(3))
    assert model.history_ == fitted.history_
    np.testing.assert_array_equal(model.predict_proba(IMAGES), fitted.predict_proba(IMAGES))
    adjusted = TinyNetwork(random_state=0, logit_adjustment=1.0).fit(IMAGES, RARE)
    plain = TinyNetwork(random_state=0).fit(IMAGES, RARE)
    assert not np.array_equal(adjusted.weights_[0][-1], plain.weights_[0][-1])


@eagerly
def test_the_offset_is_part_of_the_state(tmp_path: Path) -> None:
    from sklearn.base import clone

    model = TinyNetwork(random_state=0, epochs=1, networks=2, logit_adjustment=2.0)
    probabilities = model.fit(IMAGES, RARE).predict_proba(IMAGES)
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.predict_proba(IMAGES), probabilities)
    model.save_state(tmp_path)
    again = TinyNetwork(networks=2, logit_adjustment=2.0)
    again.load_state(tmp_path)
    np.testing.assert_array_equal(again.offset_, model.offset_)
    np.testing.assert_array_equal(again.predict_proba(IMAGES), probabilities)
    repeated = clone(model).fit(IMAGES, RARE)
    np.testing.assert_array_equal(repeated.predict_proba(IMAGES), probabilities)


@eagerly
def test_a_class_without_images_counts_as_the_rarest() -> None:
    model = TinyNetwork(classes=range(4), random_state=0, epochs=1, logit_adjustment=1.0)
    model.fit(IMAGES, RARE, sample_weight=np.where(RARE == 1, 0.0, 1.0))
    expected = np.log(np.array([30, 10, 10, 10]) / 60)
    np.testing.assert_allclose(model.offset_, expected)
    assert np.isfinite(model.predict_proba(IMAGES)).all()
    assert np.isfinite(model.history_["loss"]).all()


@pytest.mark.parametrize("name", ["cnn", "mlp"])
def test_every_network_can_be_adjusted(name: str) -> None:
    model = make_model(name, logit_adjustment=0.5)
    assert model.get_params()["logit_adjustment"] == 0.5
    assert make_model(name).get_params()["logit_adjustment"] == 0


@eagerly
def test_the_history_has_the_recall_of_every_class_on_validation() -> None:
    chosen = LABELS != 1
    model = TinyNetwork(random_state=0)
    model.fit(IMAGES, LABELS, validation=(IMAGES[chosen], LABELS[chosen]))
    assert set(model.history_) == {
        "accuracy", "loss", "val_accuracy", "val_loss", "val_recall", "val_recall_0",
        "val_recall_2",
    }  # fmt: skip
    shares = np.bincount(LABELS[chosen], minlength=3)[[0, 2]] / chosen.sum()
    recalls = np.array([model.history_["val_recall_0"], model.history_["val_recall_2"]])
    np.testing.assert_allclose(shares @ recalls, model.history_["val_accuracy"], rtol=1e-5)
    assert set(TinyNetwork().fit(IMAGES, LABELS).history_) == {"accuracy", "loss"}


def test_large_arrays_are_predicted_in_parts(
    fitted: TinyNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = fitted.predict_proba(IMAGES)
    lengths: list[int] = []
    transform = fitted.inputs_.transform

    def note(images: Images) -> npt.NDArray[Any]:
        lengths.append(len(images))
        return transform(images)

    monkeypatch.setattr(fitted.inputs_, "transform", note)
    monkeypatch.setattr("hmnist.large_arrays.CHUNK", 30 * IMAGES[0].nbytes)
    np.testing.assert_allclose(fitted.predict_proba(IMAGES), expected, rtol=1e-6)
    assert lengths == [30, 30, 10]
