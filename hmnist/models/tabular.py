"""`TabularModel`: what models of numbers rather than images have in common.

Logistic regression and boosted trees read a table: a row per image, a column per feature. Which
features is a parameter; they are fitted on the training images only.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy.typing as npt

from hmnist.models.base import Images, Labels, Model, Shape, Validation, Weights
from hmnist.models.reader import Reader, Table

__all__ = ["Table", "TabularModel"]


class TabularModel(Model):
    """The base of the models that read a table of features.

    Parameters
    ----------
    classes, image_shape, random_state
        As in `Model`.
    features : str
        ``"lesion"`` or ``"pixels"``; see `hmnist.models.reader`.

    Attributes
    ----------
    reader_ : Reader
        What makes the table.
    """

    def __init__(
        self,
        classes: Sequence[int] | None = None,
        image_shape: Shape | None = None,
        random_state: int | None = None,
        *,
        features: str = "pixels",
    ) -> None:
        super().__init__(classes, image_shape, random_state)
        self.features = features

    @property
    def needs_shape(self) -> bool:
        """Pixels may be rows of any length; features are those of an image."""
        return self.features != "pixels"

    def _fit_table(
        self,
        table: Table,
        labels: Labels,
        weights: Weights | None,
        validation: tuple[Table, Labels] | None,
    ) -> None:
        raise NotImplementedError

    def _predict_table(self, table: Table) -> npt.NDArray[Any]:
        raise NotImplementedError

    def _fit(
        self,
        images: Images,
        labels: Labels,
        weights: Weights | None,
        validation: Validation | None,
    ) -> None:
        self.reader_ = Reader(self.features, self._seed()).fit(images)
        held_out = None
        if validation is not None:
            held_out = (self.reader_.read(validation[0]), validation[1])
        self._fit_table(self.reader_.read(images), labels, weights, held_out)

    def _predict(self, images: Images) -> npt.NDArray[Any]:
        return self._predict_table(self.reader_.read(images))

    def _save_fitted(self, folder: Path) -> dict[str, Any]:
        self.reader_.save(folder)
        return {}

    def _load_fitted(self, folder: Path, facts: dict[str, Any]) -> None:  # noqa: ARG002
        self.reader_ = Reader(self.features, 0).load(folder)
