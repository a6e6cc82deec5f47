"""`refuse_other_data`: whether a split that was made before is one of these data."""

from typing import TYPE_CHECKING

from hmnist.dataset import LesionDataset
from hmnist.errors import UsageError

if TYPE_CHECKING:
    from hmnist.arrays import Array

SPLITS = "Give what hmnist.split returns for these data, a Split of your own, or a split file."


def refuse_other_data(data: LesionDataset, other: LesionDataset) -> None:
    """Refuse a split of `other`, unless it holds the same images as `data`: UsageError.

    Examples
    --------
    >>> from hmnist.sources.sample import load_sample
    >>> refuse_other_data(load_sample(rows=60), load_sample(rows=70))
    Traceback (most recent call last):
        ...
    hmnist.errors.UsageError: The split is one of 70 images; the data hold 60. Give what \
hmnist.split returns for these data, a Split of your own, or a split file.
    """
    if other is data:
        return
    if len(other) != len(data):
        raise UsageError(
            f"The split is one of {len(other):,} images; the data hold {len(data):,}.", SPLITS
        )
    columns: dict[str, tuple[Array, Array]] = {"has the label": (other.labels, data.labels)}
    if other.image_ids is not None and data.image_ids is not None:
        columns = {"is": (other.image_ids, data.image_ids)}
    elif other.lesion_ids is not None and data.lesion_ids is not None:
        columns["shows the lesion"] = (other.lesion_ids, data.lesion_ids)
    for verb, (of_split, of_data) in columns.items():
        differs = of_split != of_data
        if differs.any():
            row = int(differs.argmax())
            raise UsageError(
                f"The split is one of other data: row {row:,} {verb} {of_split[row]} in its data "
                f"and {of_data[row]} in these.",
                SPLITS,
            )
