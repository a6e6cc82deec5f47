"""`JointCNN`: a convolutional network, and perceptrons on features, as one model.

The two kinds make different mistakes: one learns its filters from a few thousand lesions, the other
reads colours, texture and shape that are known to matter. Each is trained by itself, and their
logits are averaged, the convolutional networks counting for one half. The perceptrons cost a few
seconds.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hmnist.arrays import Float32, Float64, Images
from hmnist.models.cnn import CNN
from hmnist.models.labelled_images import LabelledImages
from hmnist.models.mlp import MLP
from hmnist.models.parameters import CountOrNone
from hmnist.models.saved_networks import PERCEPTRON


@dataclass(eq=False, repr=False, kw_only=True)
class JointCNN(CNN):
    """A `CNN` and multilayer perceptrons on the features of the lesion; their logits are averaged.

    Parameters
    ----------
    perceptrons : int
        How many perceptrons, the networks of one `MLP`; with 0 it is a `CNN`.
    classes, image_shape, random_state, epochs, batch_size, learning_rate, weight_decay, \
label_smoothing, mixup, distillation, networks, logit_adjustment, widths, dropout, shift, precision
        As in `CNN`; for the convolutional networks alone.

    Attributes
    ----------
    perceptron_ : MLP
        The fitted perceptrons, if there are any.
    """

    perceptrons: CountOrNone = 0

    def stages(self) -> dict[str, float]:
        """Return the stages of a training: all perceptrons take about as long as one more epoch."""
        return {**super().stages(), "perceptrons": 1 if self.perceptrons else 0}

    def _fit(self, training: LabelledImages, validation: LabelledImages | None) -> None:
        super()._fit(training, validation)
        if self.perceptrons:
            perceptron = self._make_perceptron()
            perceptron.on_step = self.reporter("perceptrons")
            if self.state_folder is not None:
                perceptron.state_folder = self.state_folder / PERCEPTRON
            self.perceptron_ = perceptron.fit(
                training.images,
                training.labels,
                sample_weight=training.weights,
                patients=training.patients,
            )

    def _make_perceptron(self) -> MLP:
        return MLP(
            classes=tuple(range(len(self.classes_))),
            image_shape=self.image_shape_,
            random_state=self.random_state,
            features="lesion",
            networks=self.perceptrons,
        )

    def logits(self, images: Images, patients: Float32 | None) -> Float64:
        """Return the mean of both kinds' logits: float64, shape (n, classes)."""
        own = super().logits(images, patients)
        if not self.perceptrons:
            return own
        return (own + self.perceptron_.logits(images, patients)) / 2

    @property
    def is_traceable(self) -> bool:
        """Whether everything from pixels to logits can be one graph: not with perceptrons."""
        return super().is_traceable and not self.perceptrons

    @property
    def parameter_count(self) -> int:
        """The number of weights, trainable or not."""
        others = self.perceptron_.parameter_count if self.perceptrons else 0
        return super().parameter_count + others

    def _save_fitted(self, folder: Path) -> dict[str, Any]:
        if self.perceptrons:
            (folder / PERCEPTRON).mkdir()
            self.perceptron_.save_state(folder / PERCEPTRON)
        return super()._save_fitted(folder)

    def _load_fitted(self, folder: Path, facts: dict[str, Any]) -> None:
        super()._load_fitted(folder, facts)
        if self.perceptrons:
            self.perceptron_ = self._make_perceptron()
            self.perceptron_.load_state(folder / PERCEPTRON)
