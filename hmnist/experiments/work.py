"""`Work`: a cell as it travels to another process: paths and digests instead of images."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hmnist.experiments.stored import StoredData
from hmnist.experiments.training import train_cell
from hmnist.features.steps import OnStep
from hmnist.runs.recipe import Recipe
from hmnist.splits.split import Split

if TYPE_CHECKING:
    from hmnist.experiments.cells import Cell


@dataclass(frozen=True, kw_only=True, eq=False)
class Work:
    """What a process has to know to train a cell.

    Attributes
    ----------
    data : StoredData
        Where the data set lies.
    split : mapping
        The fields of the `Split`, without the data set.
    recipe : Recipe
    folder : pathlib.Path
        The run folder to be written.
    side_by_side : bool
        Whether other cells run at the same time.
    """

    data: StoredData
    split: Mapping[str, Any]
    recipe: Recipe
    folder: Path
    side_by_side: bool

    def do(self, on_step: OnStep, on_note: Callable[[str], None]) -> None:
        """Train the cell and write its run folder; `on_step` and `on_note` as in `train_cell`."""
        train_cell(
            Split(data=self.data.open(), **self.split),
            self.recipe,
            self.folder,
            on_step,
            on_note,
            side_by_side=self.side_by_side,
        )


def make_work(cell: "Cell", data: StoredData, *, side_by_side: bool) -> Work:
    """Return the work on a cell whose data set is stored; it is needed from now on."""
    data.note_use()
    own = [field.name for field in fields(Split) if field.name != "data"]
    return Work(
        data=data,
        split={name: getattr(cell.split, name) for name in own},
        recipe=cell.recipe,
        folder=cell.folder.absolute(),
        side_by_side=side_by_side,
    )
