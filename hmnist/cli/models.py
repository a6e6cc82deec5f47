"""``hmnist models``."""

import json

import typer

from hmnist.cli import options
from hmnist.cli.output import check_format, print_rich

__all__ = ["models"]


def models(report: options.Report = "table") -> None:
    """List the models and what they cost."""
    check_format(report, ("table", "json"))
    from hmnist.models.registry import EFFORTS, MODELS

    if report == "json":
        listed = [
            {
                "name": entry.name,
                "summary": entry.summary,
                "parameters": dict(entry.parameters),
                "seconds": dict(entry.seconds),
                "published": entry.published,
            }
            for entry in MODELS.values()
        ]
        typer.echo(json.dumps(listed, indent=1))
        return
    from hmnist.table import plain_table

    body = [
        [entry.name, *(f"{entry.seconds[effort]:,.0f} s" for effort in EFFORTS), entry.summary]
        for entry in MODELS.values()
    ]
    print_rich(plain_table(["model", *EFFORTS, "what it is"], body, text=["what it is"]))
    typer.echo("Seconds to fit 7,000 images on two cores, by effort.")
    typer.echo(
        "Published systems have their own epochs at every effort but quick, which has a fifth of "
        "them;\ntheir seconds are estimates, those of transfer models without pretrained weights."
    )
