"""Saying which images are unlike the training data."""

from typing import TYPE_CHECKING

from hmnist.cli.output import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hmnist.arrays import Booleans
    from hmnist.runs.run import Run
    from hmnist.sources.images import ImagesToPredict

_NAMED = 10


def tell_unfamiliar(
    run: "Run", sources: "Sequence[ImagesToPredict]", unfamiliar: "Sequence[Booleans | None]"
) -> None:
    """Say which images are unlike the training data, and how often that is a false alarm."""
    names = [
        name
        for source, flags in zip(sources, unfamiliar, strict=True)
        if flags is not None
        for row, name in enumerate(names_of(source))
        if flags[row]
    ]
    if not names or run.familiarity is None:
        return
    count = sum(len(source.images) for source in sources)
    more = len(names) - _NAMED
    named = ", ".join(names[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")
    verb, each = (
        ("is", "Its prediction means") if len(names) == 1 else ("are", "Their predictions mean")
    )
    say(
        f"Warning: {len(names):,} of {count:,} images {verb} unlike the training data: {named}. "
        f"{each} nothing. About {100 * run.familiarity.false_alarms:.0f} % of images like "
        "the training data are named, too."
    )


def names_of(source: "ImagesToPredict") -> list[str]:
    """Return a name for each image of a source."""
    if source.image_ids is not None:
        return list(source.image_ids.tolist())
    return [f"row {row} of {source.source}" for row in range(len(source.images))]
