"""``hmnist predict``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hmnist.cli import options
from hmnist.cli.output import say

if TYPE_CHECKING:
    import pandas as pd

    from hmnist.runs.run import Run


def predict(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT",
            help="Pixel files, MedMNIST .npz files, photographs, or folders of them.",
        ),
    ],
    file: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Write the CSV there instead of to stdout."),
    ] = None,
    quiet: options.Quiet = False,
) -> None:
    """Predict diagnoses for images: CSV with a row per image."""
    from hmnist.files import write_file
    from hmnist.hardware import use_threads
    from hmnist.runs.run import open_run

    opened = open_run(run)
    use_threads(opened.manifest.recipe.threads or 1)
    table = _predict_all(opened, inputs)
    if not quiet:
        say("Research software, no medical device.")
    if file is None:
        typer.echo(table.to_csv(index=False), nl=False)
    else:
        with write_file(file) as temporary:
            table.to_csv(temporary, index=False)


def _predict_all(run: "Run", inputs: list[str]) -> "pd.DataFrame":
    """Return source, row, image_id, predicted diagnosis and one probability per diagnosis."""
    import pandas as pd

    from hmnist.diagnoses import CODES
    from hmnist.sources.images import load_images

    shape = run.manifest.data.image_shape
    tables = []
    # All inputs are read before the first is predicted: a wrong one loses no work.
    for source, images, image_ids in [load_images(path, shape) for path in inputs]:
        probabilities = run.predict_proba(images)
        predicted = run.decision.decide(probabilities)
        table = pd.DataFrame({"source": source, "row": range(len(images))})
        table["image_id"] = "" if image_ids is None else image_ids
        table["predicted"] = [CODES[label] for label in predicted]
        table[list(CODES)] = probabilities
        tables.append(table)
    return pd.concat(tables)
