"""The option ``--figures`` of commands that draw."""

from typing import Annotated

from hmnist.cli.names import check_name, split_names
from hmnist.cli.options import shared

Figures = Annotated[
    str | None,
    shared(
        "figures",
        "png|svg|pdf,…",
        "The formats of the figures. [default: png]",
        callback=check_name("figure format", several=True),
    ),
]


def formats_of(figures: str | None) -> list[str]:
    """Return the formats that ``--figures`` names, each once."""
    return list(dict.fromkeys(split_names(figures or ""))) or ["png"]
