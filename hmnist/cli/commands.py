"""The commands by name, and the settings that they share."""

import os
from typing import Any

import typer

from hmnist.cli import (
    audit,
    benchmark,
    compare,
    data,
    evaluate,
    explain,
    export,
    models,
    predict,
    report,
    runs,
    train,
    tune,
)
from hmnist.cli.output import say
from hmnist.cli.settings import find_unknown_variables, read_settings

app = typer.Typer(
    name="hmnist",
    help="Train and compare classifiers on the 28×28 skin-lesion pixel file of HAM10000.",
    epilog="Options may also be set in the environment (HMNIST_SEEDS=3) or in a file hmnist.toml "
    "(seeds = 3). Research software, not a medical device.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("benchmark")(benchmark.benchmark)
app.command("train")(train.train)
app.command("tune")(tune.tune)
app.command("evaluate")(evaluate.evaluate)
app.command("compare")(compare.compare)
app.command("audit")(audit.audit)
app.command("report")(report.report)
app.command("predict")(predict.predict)
app.command("export")(export.export)
app.command("explain")(explain.explain)
app.command("models")(models.models)
app.add_typer(runs.app, name="runs")
app.add_typer(data.app, name="data")


def _print_version(wanted: bool) -> None:
    if wanted:
        from hmnist import __version__

        typer.echo(f"hmnist {__version__}")
        raise typer.Exit


@app.callback()
def _settings(
    context: typer.Context,
    version: bool = typer.Option(
        False, "--version", callback=_print_version, is_eager=True, help="Print the version."
    ),
) -> None:
    del version
    settings = read_settings()
    for sentence in find_unknown_variables(os.environ):
        say(sentence)

    def defaults_of(command: Any) -> dict[str, Any]:
        commands = getattr(command, "commands", None)  # those of a group
        if commands is None:
            return settings  # a command picks those that are options of its own
        return {name: defaults_of(member) for name, member in commands.items()}

    context.default_map = defaults_of(context.command)
