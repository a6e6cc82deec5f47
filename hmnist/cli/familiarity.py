"""Saying which images are unlike the training data."""

from typing import TYPE_CHECKING

from hmnist.cli.output import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hmnist.arrays import Booleans
    from hmnist.runs.familiarity import KnowsTrainingImages
    from hmnist.sources.images import ImagesToPredict

_NAMED = 10


def tell_unfamiliar(
    run: "KnowsTrainingImages",
    sources: "Sequence[ImagesToPredict]",
    unfamiliar: "Sequence[Booleans | None]",
) -> None:
    """Say which images are unlike the training data, and how often that is a false alarm."""
    names = [
        name
        for source, flags in zip(sources, unfamiliar, strict=True)
        if flags is not None
        for row, name in enumerate(source.names)
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
