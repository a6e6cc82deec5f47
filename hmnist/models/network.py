"""`NetworkModel`: a Keras network as a scikit-learn classifier.

The state of a network is its weights and this package's code: the graph is built anew wherever the
model goes, so clones, pickles and run folders never carry a configuration that someone else could
have written.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from hmnist.errors import UsageError
from hmnist.hardware import configure_tensorflow
from hmnist.models.base import Images, Labels, Model, Shape, Validation, Weights
from hmnist.models.schedule import averaging, warm_cosine
from hmnist.models.training import (
    load_keras,
    policy,
    recalls,
    reporter,
    seeded,
    training_batches,
    without_unknown,
)

if TYPE_CHECKING:
    import keras

__all__ = ["NetworkModel"]

SEEDS_APART = 2**32  # between the networks of one model, so that no two models share one


class NetworkModel(Model):
    """The base of the Keras models: training loop, prediction, state.

    Subclasses build the network, and may augment batches and average views.

    Parameters
    ----------
    classes, image_shape, random_state
        As in `Model`.
    epochs : int
        How often the training images are seen.
    batch_size : int
        Images per step.
    learning_rate : float
        The peak of the schedule: a linear warm-up, then a half cosine to zero.
    weight_decay : float
        AdamW's decoupled decay (Loshchilov & Hutter 2019).
    label_smoothing : float
        The share of the target that is spread over all classes (Szegedy et al. 2016).
    mixing : float
        How strongly examples are mixed in pairs, 0 for not at all; see `hmnist.augmentation.mixup`.
    networks : int
        How many networks are trained one after the other, with seeds of their own; predictions
        average their logits.
    logit_adjustment : float
        τ of Menon et al., *Long-tail learning via logit adjustment*, ICLR 2021: in training τ ·
        log(share of the class among the labels, by weight) is added to the logits, so that the
        network itself need not learn how rare a class is; 0 for not at all. Unlike there, it is
        added in prediction as well: probabilities keep their natural meaning, and calibration and
        decision are as for every other model. Their own decision, for the largest bare logit, is
        that of probabilities divided by the shares to the power τ, as ``balanced`` does.

    Attributes
    ----------
    weights_ : list of list of numpy.ndarray
        For each network, the fitted weights in their order.
    history_ : dict of list of float
        Loss and accuracy of each epoch of the first network, and those on validation if it was
        given, with ``val_recall_<class>`` for each class that occurs in it. They belong to the
        weights as they stand at the end of the epoch, before any averaging.
    offset_ : numpy.ndarray of float64, shape (classes,)
        What is added to the logits: τ · log(share); zeros without `logit_adjustment`.
    """

    at_once: ClassVar[int] = 512  # images per batch of prediction and validation

    def __init__(
        self,
        classes: Sequence[int] | None = None,
        image_shape: Shape | None = None,
        random_state: int | None = None,
        *,
        epochs: int = 30,
        batch_size: int = 128,
        learning_rate: float = 2e-3,
        weight_decay: float = 0.05,
        label_smoothing: float = 0.1,
        mixing: float = 0.0,
        networks: int = 1,
        logit_adjustment: float = 0.0,
    ) -> None:
        super().__init__(classes, image_shape, random_state)
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.label_smoothing = label_smoothing
        self.mixing = mixing
        self.networks = networks
        self.logit_adjustment = logit_adjustment

    # What subclasses fill in.

    def _build(self, shape: tuple[int, ...], outputs: int) -> "keras.Model":
        """Return an untrained network from inputs of that shape to logits."""
        raise NotImplementedError

    def _learn_inputs(self, images: Images, seed: int) -> npt.NDArray[Any]:  # noqa: ARG002
        """Return what the network sees of the training images, and learn how to make it."""
        return images

    def _inputs(self, images: Images) -> npt.NDArray[Any]:
        """Return what the network sees of other images."""
        return images

    def _targets(
        self,
        images: Images,  # noqa: ARG002 - the plain network believes the labels
        labels: Labels,
        weights: Weights | None,  # noqa: ARG002
        seed: int,  # noqa: ARG002
        number: int,  # noqa: ARG002
    ) -> tuple[npt.NDArray[np.float32], float]:
        """Return what a network (from 0) is to answer, (n, classes), and the label smoothing."""
        return np.eye(len(self.classes_), dtype=np.float32)[labels], self.label_smoothing

    def _prepare(self, network: "keras.Model", inputs: npt.NDArray[Any]) -> None:
        """Set what is measured on the training images rather than learnt: scales, filters."""

    def _augment(
        self,
        inputs: npt.NDArray[Any],
        targets: npt.NDArray[Any],
        rng: np.random.Generator,  # noqa: ARG002 - the plain network draws nothing
    ) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """Return new views of a training batch, and the targets that go with them."""
        return inputs, targets

    def _views(self, inputs: npt.NDArray[Any]) -> Iterator[npt.NDArray[Any]]:
        """Yield the views over whose logits predictions are averaged."""
        yield inputs

    def _precision(self) -> str:
        """Return the Keras policy to train with; prediction is always in float32."""
        return "float32"

    def _settled(self) -> Self:
        """Return this model with no number left open, to train with: itself, or a copy."""
        return self

    def _callbacks(self) -> "list[keras.callbacks.Callback]":
        """Return what Keras is to call during one training, beside what reports its steps."""
        return []

    # Training and prediction.

    def _fit(
        self,
        images: Images,
        labels: Labels,
        weights: Weights | None,
        validation: Validation | None,
    ) -> None:
        if len(self.classes_) < 2:
            raise UsageError("A network needs at least two classes; the labels hold one class.")
        if self.networks < 1:
            raise UsageError(f"{self.networks} networks cannot be trained; expected 1 or more.")
        load_keras()
        configure_tensorflow()
        seed = self._seed()
        inputs = self._learn_inputs(images, seed)
        self.input_shape_ = inputs.shape[1:]
        self.precision_ = self._precision()
        self.offset_ = self._measure_offset(labels, weights)
        held_out = None
        if validation is not None:
            eye = np.eye(len(self.classes_), dtype=np.float32)
            held_out = self._inputs(validation[0]).astype(np.float32), eye[validation[1]]
        settled = self._settled()
        trained = [
            settled._train(  # noqa: SLF001 - the model itself, or its copy
                seed + number * SEEDS_APART,
                number,
                inputs,
                *self._targets(images, labels, weights, seed, number),
                weights,
                held_out,
            )
            for number in range(self.networks)
        ]
        self.weights_ = [weights for weights, _ in trained]
        self.history_ = trained[0][1]
        # The trained networks would keep their optimisers: three more copies of the weights.
        self.networks_ = self._rebuild()

    def _measure_offset(self, labels: Labels, weights: Weights | None) -> npt.NDArray[np.float64]:
        if not self.logit_adjustment:
            return np.zeros(len(self.classes_))
        counts = np.bincount(labels, weights, minlength=len(self.classes_))
        # A class without images counts as the rarest that has some: log 0 cannot be learnt from.
        counts = np.where(counts > 0, counts, counts[counts > 0].min())
        return np.asarray(self.logit_adjustment * np.log(counts / counts.sum()))

    def _train(  # noqa: PLR0917 - what one network needs
        self,
        seed: int,
        number: int,
        inputs: npt.NDArray[Any],
        targets: npt.NDArray[np.float32],
        smoothing: float,
        weights: Weights | None,
        held_out: tuple[npt.NDArray[Any], npt.NDArray[Any]] | None,
    ) -> tuple[list[npt.NDArray[Any]], dict[str, list[float]]]:
        """Return the weights and the history of one network."""
        keras = load_keras()
        with seeded(seed):
            with policy(self.precision_):
                network = self._build(self.input_shape_, len(self.classes_))
                trained = self._adjusted(network)
            self._prepare(network, inputs)
            batches = training_batches(self, inputs, targets, weights, seed)
            loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing)
            trained.compile(
                optimizer=self._optimizer(batches.num_batches),
                loss=loss,
                metrics=[recalls([f"recall_{name}" for name in self.classes_])],
                weighted_metrics=["accuracy"],
            )
            history = trained.fit(
                batches,
                epochs=self.epochs,
                shuffle=False,
                verbose=0,
                validation_data=held_out,
                validation_batch_size=self.at_once,
                callbacks=[reporter(self, number * self.epochs), *self._callbacks()],
            )
            batches.release()
        found = {name: [float(x) for x in values] for name, values in history.history.items()}
        return network.get_weights(), without_unknown(found, held_out, self.classes_)

    def _adjusted(self, network: "keras.Model") -> "keras.Model":
        """Return the network as its loss sees it; the weights are shared."""
        if not self.logit_adjustment:
            return network
        keras = load_keras()
        logits = keras.ops.add(network.output, self.offset_.astype(np.float32))
        return keras.Model(network.input, logits)

    def _optimizer(self, steps_per_epoch: int) -> "keras.optimizers.Optimizer":
        import keras

        steps = self.epochs * steps_per_epoch
        rate = warm_cosine(self.learning_rate, steps)
        return keras.optimizers.AdamW(rate, weight_decay=self.weight_decay, **averaging(steps))

    def _predict(self, images: Images) -> npt.NDArray[Any]:
        from scipy.special import softmax

        if not hasattr(self, "networks_"):  # this model came through a pickle
            self.networks_ = self._rebuild()
        inputs = self._inputs(images)
        logits = np.zeros((len(images), len(self.classes_)))
        answers = 0
        for view in self._views(inputs):
            for start in range(0, len(view), self.at_once):
                place = slice(start, start + self.at_once)
                batch = np.ascontiguousarray(view[place], dtype=np.float32)
                for network in self.networks_:
                    # Called, not predict(): that would trace a graph for every model there is.
                    logits[place] += np.asarray(network(batch, training=False))
            answers += len(self.networks_)
        return np.asarray(softmax(logits / answers + self.offset_, axis=1))

    def _rebuild(self) -> "list[keras.Model]":
        """Return the networks, built anew, with the fitted weights."""
        load_keras()
        networks = []
        for weights in self.weights_:
            with seeded(0), policy("float32"):
                network = self._build(self.input_shape_, len(self.classes_))
            network.set_weights(weights)
            networks.append(network)
        return networks

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__().items()
        return {name: value for name, value in state if name != "networks_"}

    @property
    def parameter_count(self) -> int:
        """The number of weights, trainable or not."""
        return sum(weight.size for weights in self.weights_ for weight in weights)

    def _save_fitted(self, folder: Path) -> dict[str, Any]:
        arrays = {
            f"network{number}-{place:03d}": weight
            for number, weights in enumerate(self.weights_)
            for place, weight in enumerate(weights)
        }
        np.savez(folder / "weights.npz", allow_pickle=False, **arrays)
        return {
            "history": self.history_,
            "input_shape": self.input_shape_,
            "precision": self.precision_,
            "offset": self.offset_.tolist(),
        }

    def _load_fitted(self, folder: Path, facts: dict[str, Any]) -> None:
        self.history_ = facts["history"]
        self.input_shape_ = tuple(facts["input_shape"])
        self.precision_ = facts["precision"]
        self.offset_ = np.array(facts["offset"])
        with (folder / "weights.npz").open("rb") as file:
            arrays = np.load(file, allow_pickle=False)
            names = sorted(arrays.files)
            self.weights_ = [
                [arrays[name] for name in names if name.startswith(f"network{number}-")]
                for number in range(self.networks)
            ]
        self.networks_ = self._rebuild()
