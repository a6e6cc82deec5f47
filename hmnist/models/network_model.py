"""`NetworkModel`: the estimator that trains, predicts with, saves and loads any `Network`.

The state of a network is its weights; the code of this package builds its graph again. So clones,
pickles and run folders never contain a graph that someone else could have written.
"""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import convert

from hmnist.arrays import Array, Float32, Float64, Images, Labels, softmax
from hmnist.errors import UsageError
from hmnist.guarded import read_arrays, write_arrays
from hmnist.hardware import configure_tensorflow
from hmnist.large_arrays import chunks_of, release
from hmnist.models.base import Model
from hmnist.models.distillation import soft_targets
from hmnist.models.keras_setup import load_keras
from hmnist.models.labelled_images import LabelledImages
from hmnist.models.litert import LARGEST, write_litert
from hmnist.models.network import Examples, Network, TrainingPlan
from hmnist.models.weights import as_row, build_with

if TYPE_CHECKING:
    from hmnist.models.compiled import CompiledNetworks

_FILE = "weights.npz"

_LARGEST_WEIGHTS = 2**32  # bytes; networks on large images have hundreds of millions of weights

SEED_DISTANCE = 2**32  # between the networks of one model, so that no two models share a seed


class NetworkModel(Model):
    """The estimator of all networks. Subclasses have parameters and `make_network`.

    Attributes
    ----------
    inputs_ : Inputs
        Turns images into what the networks read.
    weights_ : list of list of numpy.ndarray
        For each network, the fitted weights in their order.
    networks_ : list of keras.Model
        The networks with these weights; built again after a pickle.
    compiled_ : CompiledNetworks
        The same networks with all views, as one function.
    history_ : dict of list of float
        Loss and accuracy of each epoch of the first network. With validation images, those on
        validation, too, and ``val_recall_<class>`` for each class that occurs there. They belong to
        the weights at the end of the epoch, before any averaging.
    offset_ : numpy.ndarray of float64, shape (classes,)
        Added to the logits: τ · log(share); zeros without logit adjustment.
    policy_ : str
        The Keras policy of the training.
    input_shape_ : tuple of int
        The shape of one input.
    """

    def make_network(self) -> Network:
        """Return the network that the parameters describe."""
        raise NotImplementedError

    @property
    def needs_shape(self) -> bool:
        """Whether the network's inputs need the shape of the images."""
        return self.make_network().inputs.needs_shape

    def stages(self) -> dict[str, float]:
        """Return the stages of a training: soft targets take about as long as four epochs."""
        network = self.make_network()
        plan = network.training
        return {
            "features": network.inputs.epochs,
            "soft targets": 4 if plan.distillation else 0,
            "epochs": plan.networks * plan.epochs,
        }

    def _fit(self, training: LabelledImages, validation: LabelledImages | None) -> None:
        network = self.make_network()
        plan = network.training
        if len(self.classes_) < 2:
            raise UsageError("A network needs at least two classes; the labels hold one class.")
        if plan.networks < 1:
            raise UsageError(f"{plan.networks} networks cannot be trained; expected 1 or more.")
        load_keras()
        configure_tensorflow()
        seed = self._seed()
        inputs = network.inputs.fit_transform(training.images, seed, self.reporter("features"))
        self.inputs_ = network.inputs
        self.input_shape_ = inputs.shape[1:]
        self.policy_ = plan.policy
        weights = self._apply_class_weights(plan, training.labels, training.weights)
        training = replace(training, weights=weights)
        self.offset_ = self._measure_offset(plan, training.labels, weights)
        held_out = None
        if validation is not None:
            held_out = Examples(
                self.inputs_.transform(validation.images),
                self._one_hot(validation.labels),
                patients=validation.patients,
            )
        targets = self._one_hot(training.labels)
        examples = Examples(inputs, targets, weights, held_out, training.patients)
        trained = [
            self._train_one(number, network, examples, training, seed)
            for number in range(plan.networks)
        ]
        self.weights_ = [weights for weights, _ in trained]
        self.history_ = trained[0][1]
        # The trained networks would keep their optimisers: three more copies of the weights.
        self._rebuild()

    def _train_one(
        self,
        number: int,
        network: Network,
        examples: Examples,
        training: LabelledImages,
        seed: int,
    ) -> tuple[list[Array], dict[str, list[float]]]:
        """Train one of the networks; return its weights and its history.

        The first one learns from soft targets, too, if the plan asks for distillation.
        """
        from hmnist.models.training import train_network

        plan = network.training
        smoothing = plan.label_smoothing
        if plan.distillation and number == 0:
            soft = soft_targets(
                training,
                classes=len(self.classes_),
                seed=seed,
                on_step=self.reporter("soft targets"),
            )
            mixed = (1 - plan.distillation) * examples.targets + plan.distillation * soft
            examples, smoothing = replace(examples, targets=np.asarray(mixed, np.float32)), 0.0
        return train_network(
            network,
            examples,
            classes=self.classes_,
            offset=self.offset_,
            label_smoothing=smoothing,
            seed=seed + number * SEED_DISTANCE,
            on_epoch=partial(self._after_epoch, plan, number),
            state_file=self._state_file(number),
            note=partial(self._note_network, plan, number),
        )

    def _one_hot(self, labels: Labels) -> Float32:
        return np.eye(len(self.classes_), dtype=np.float32)[labels]

    def _state_file(self, number: int) -> Path | None:
        return None if self.state_folder is None else self.state_folder / f"network{number}.npz"

    def _note_network(self, plan: TrainingPlan, number: int, sentence: str) -> None:
        which = f" (network {number + 1} of {plan.networks})" if plan.networks > 1 else ""
        self.note(f"{sentence}{which}")

    def _after_epoch(
        self, plan: TrainingPlan, number: int, epochs: int, logs: dict[str, float]
    ) -> None:
        self._report_epochs(plan, number, epochs)
        if number == 0 and "val_loss" in logs:
            self.report_loss(epochs / plan.epochs, logs["val_loss"])

    def _report_epochs(self, plan: TrainingPlan, number: int, epochs: int) -> None:
        self.report_step(number * plan.epochs + epochs, plan.networks * plan.epochs, "epochs")

    def _apply_class_weights(
        self, plan: TrainingPlan, labels: Labels, weights: Float64 | None
    ) -> Float64 | None:
        if not plan.class_weights:
            return weights
        classes = self.classes_.tolist()
        of_class = np.array([plan.class_weights.get(label, 1.0) for label in classes])
        return of_class[labels] if weights is None else weights * of_class[labels]

    def _measure_offset(
        self, plan: TrainingPlan, labels: Labels, weights: Float64 | None
    ) -> Float64:
        if not plan.logit_adjustment:
            return np.zeros(len(self.classes_))
        counts = np.bincount(labels, weights, minlength=len(self.classes_))
        # A class without images counts like the rarest class with images, since log 0 is infinite.
        counts = np.where(counts > 0, counts, counts[counts > 0].min())
        return np.asarray(plan.logit_adjustment * np.log(counts / counts.sum()))

    def _predict(self, images: Images, patients: Float32 | None) -> Float64:
        return softmax(self.logits(images, patients))

    def logits(self, images: Images, patients: Float32 | None) -> Float64:
        """Return the mean logits of the networks and views: float64, shape (n, classes).

        Images and patient data are those that `predict_proba` has checked.
        """
        compiled = self._compiled()
        logits = np.empty((len(images), len(self.classes_)))
        for part in chunks_of(images):
            inputs = self.inputs_.transform(images[part])
            logits[part] = compiled(inputs, None if patients is None else patients[part])
            release(images)
        return logits

    @property
    def is_traceable(self) -> bool:
        """Whether everything from pixels to logits can be one TensorFlow graph (`trace`)."""
        return self.inputs_.is_traceable

    def trace(self, images: Any, *patients: Any) -> Any:
        """Return the logits of a float32 tensor of images, as a part of a TensorFlow graph.

        Models with patient data take a tensor of these, too.
        """
        return self._compiled().mean_logits(self.inputs_.trace(images), *patients)

    def _compiled(self) -> "CompiledNetworks":
        if not hasattr(self, "compiled_"):  # this model comes from a pickle
            self._rebuild()
        return self.compiled_

    def _rebuild(self) -> None:
        """Build the networks again, with the fitted weights; a ValueError if they do not fit."""
        load_keras()
        from hmnist.models.compiled import CompiledNetworks

        network = self.make_network()
        build = partial(
            network.build_for,
            self.input_shape_,
            len(self.classes_),
            uses_patients=self.uses_patients_,
        )
        self.networks_ = [build_with(build, as_row(weights)) for weights in self.weights_]
        self.compiled_ = CompiledNetworks(network, self.networks_, self.offset_, self.input_shape_)

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__().items()
        return {name: value for name, value in state if name not in {"networks_", "compiled_"}}

    @property
    def parameter_count(self) -> int:
        """The number of weights, trainable or not."""
        fitted = sum(weight.size for weights in self.weights_ for weight in weights)
        return fitted + self.inputs_.parameter_count

    def _save_fitted(self, folder: Path) -> dict[str, Any]:
        self.inputs_.save(folder)
        rows = np.stack([as_row(weights) for weights in self.weights_])
        write_arrays(folder / _FILE, {"weights": rows})
        if self.parameter_count <= LARGEST:
            write_litert(folder, self._compiled().to_litert())
        return {
            "history": self.history_,
            "policy": self.policy_,
            "offset": self.offset_.tolist(),
        }

    def _load_fitted(self, folder: Path, facts: dict[str, Any]) -> None:
        network = self.make_network()
        self.inputs_ = network.inputs
        self.input_shape_ = self.inputs_.load(folder, self.shape_)
        self.history_ = convert(facts["history"], dict[str, list[float]])
        self.policy_ = convert(facts["policy"], str)
        self.offset_ = np.array(convert(facts["offset"], list[float]))
        if len(self.offset_) != len(self.classes_):
            raise ValueError(f"it has {len(self.offset_)} offsets of {len(self.classes_)} classes")
        kind = (np.float32, (network.training.networks, None))
        rows = read_arrays(folder / _FILE, {"weights": kind}, _LARGEST_WEIGHTS)["weights"]
        self.weights_ = [[row] for row in rows]
        self._rebuild()
        self.weights_ = [graph.get_weights() for graph in self.networks_]
