"""``hmnist runs show``."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hmnist.cli import options
from hmnist.cli.names import check_path
from hmnist.cli.output import print_json, print_rich

if TYPE_CHECKING:
    from hmnist.runs.manifest import Manifest
    from hmnist.runs.run import Run


def show(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.", callback=check_path)],
    report: options.Report = "table",
) -> None:
    """Print what a run is and how it scored.

    As JSON: its whole manifest and its scores.
    """
    from hmnist.runs.facts import as_json
    from hmnist.runs.run import open_run

    opened = open_run(run)
    if report == "json":
        print_json({**opened.manifest.to_dict(), "scores": as_json(opened.scores)})
    else:
        _print_summary(opened)


def _print_summary(run: "Run") -> None:
    from rich.console import Group

    from hmnist.files import short_path
    from hmnist.results.formatting import plain_table
    from hmnist.runs.report import make_report
    from hmnist.scores.scoring import SCORES
    from hmnist.scores.text import interval_text, score_text

    manifest, estimates = run.manifest, make_report(run.part("test")).scores
    scores = [
        [score.title, score_text(value.mean), interval_text(value.low, value.high)]
        for score in SCORES
        if score.diagnosis is None and (value := estimates[score.name])
    ]
    facts = [[name, text] for name, text in _facts(manifest)]
    summary = manifest.recipe.entry.summary
    typer.echo(f"{short_path(run.folder)}\n")  # whole, whatever the width
    print_rich(
        Group(
            plain_table([manifest.model, summary], facts, text=[summary]),
            plain_table(["score on the test part", "value", "[low, high]"], scores),
        )
    )


def _facts(manifest: "Manifest") -> Iterator[tuple[str, str]]:
    """Yield what a run is, line by line."""
    from hmnist.results.formatting import byte_text, count_text
    from hmnist.scores.text import score_text

    data, split, recipe = manifest.data, manifest.split, manifest.recipe
    shape = "×".join(map(str, data.image_shape))
    synthetic = " (synthetic)" if data.synthetic else ""
    yield "data", f"{data.name}{synthetic}, {data.rows:,} images of {shape}, {data.lesion_text}"
    seed = "" if split.seed is None else f", seed {split.seed}"
    sizes = " / ".join(f"{size:,}" for size in split.sizes.values())
    yield (
        "split",
        f"{split.description}{split.fold_text}{seed}: {sizes} images train / validate / test",
    )
    yield "", split.proof
    patients = f"with{'' if recipe.patients else 'out'} patient data"
    training = f"effort {recipe.effort}, oversampling {recipe.oversample}, seed {recipe.seed}"
    yield "training", f"{training}, {patients}"
    chosen = {name: value for name, value in recipe.parameters.items() if name != "members"}
    if chosen:
        yield "parameters", ", ".join(f"{name} {value}" for name, value in chosen.items())
    for number, member in enumerate(manifest.members):
        yield "" if number else "members", f"{score_text(member.weight)} {member.run}"
    yield "decision", manifest.decision.describe()
    side = ", beside other models" if manifest.side_by_side else ""
    speed = f"predicts 1,000 images in {manifest.predict_ms_per_1000:,.0f} ms"
    yield "time", f"fitted in {manifest.fit_seconds:,.1f} s; {speed}{side}"
    threads = f"{recipe.threads} thread{'' if recipe.threads == 1 else 's'}"
    yield "machine", f"{manifest.device}, {threads}, {recipe.precision}"
    size = byte_text(sum(stored.bytes for stored in manifest.files.values()))
    numbers = f"{count_text(manifest.parameter_count)} fitted numbers"
    yield "files", f"{len(manifest.files)} of {size} in all; {numbers}"
    yield "written", f"{manifest.written} by hmnist {manifest.versions['hmnist']}"
