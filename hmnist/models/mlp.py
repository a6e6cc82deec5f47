"""The multilayer perceptron: dense layers on the features of a lesion, or on its pixels."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hmnist.augmentation import mixup
from hmnist.models.base import Images, Shape
from hmnist.models.linear import scale_of, standardise
from hmnist.models.network import NetworkModel
from hmnist.models.reader import Reader

if TYPE_CHECKING:
    import keras

__all__ = ["MLP"]


class MLP(NetworkModel):
    """Dense layers on standardised numbers, trained on mixtures of two lesions.

    Parameters
    ----------
    classes, image_shape, random_state, epochs, batch_size, learning_rate, weight_decay, \
label_smoothing, mixing, networks, logit_adjustment
        As in `NetworkModel`.
    features : str
        ``"lesion"`` or ``"pixels"``; see `hmnist.models.reader`.
    widths : sequence of int
        Units of the hidden layers.
    dropout : float
        The share of each hidden layer that is dropped in training; of the inputs a fifth of it.
    """

    def __init__(
        self,
        classes: Sequence[int] | None = None,
        image_shape: Shape | None = None,
        random_state: int | None = None,
        *,
        epochs: int = 30,
        batch_size: int = 128,
        learning_rate: float = 1e-3,
        weight_decay: float = 0.05,
        label_smoothing: float = 0.05,
        mixing: float = 0.2,
        networks: int = 1,
        logit_adjustment: float = 0.0,
        features: str = "pixels",
        widths: Sequence[int] = (256,),
        dropout: float = 0.5,
    ) -> None:
        super().__init__(
            classes,
            image_shape,
            random_state,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            label_smoothing=label_smoothing,
            mixing=mixing,
            networks=networks,
            logit_adjustment=logit_adjustment,
        )
        self.features = features
        self.widths = widths
        self.dropout = dropout

    @property
    def needs_shape(self) -> bool:
        """Pixels may be rows of any length; features are those of an image."""
        return self.features != "pixels"

    def _learn_inputs(self, images: Images, seed: int) -> npt.NDArray[Any]:
        self.reader_ = Reader(self.features, seed).fit(images)
        table = self.reader_.read(images)
        self.centre_, self.scale_ = scale_of(table)
        return standardise(table, self.centre_, self.scale_)

    def _inputs(self, images: Images) -> npt.NDArray[Any]:
        return standardise(self.reader_.read(images), self.centre_, self.scale_)

    def _build(self, shape: tuple[int, ...], outputs: int) -> "keras.Model":
        import keras
        from keras import layers

        inputs = keras.Input(shape)
        x = layers.Dropout(self.dropout / 5)(inputs)
        for width in self.widths:
            x = layers.Dense(width, activation="relu")(x)
            x = layers.Dropout(self.dropout)(x)
        return keras.Model(inputs, layers.Dense(outputs)(x))

    def _augment(
        self, inputs: npt.NDArray[Any], targets: npt.NDArray[Any], rng: np.random.Generator
    ) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        return mixup(inputs, targets, self.mixing, rng)

    def _save_fitted(self, folder: Path) -> dict[str, Any]:
        self.reader_.save(folder)
        np.savez(folder / "scaler.npz", allow_pickle=False, centre=self.centre_, scale=self.scale_)
        return super()._save_fitted(folder)

    def _load_fitted(self, folder: Path, facts: dict[str, Any]) -> None:
        self.reader_ = Reader(self.features, 0).load(folder)
        with (
            (folder / "scaler.npz").open("rb") as file,
            np.load(file, allow_pickle=False) as arrays,
        ):
            self.centre_, self.scale_ = arrays["centre"], arrays["scale"]
        super()._load_fitted(folder, facts)
