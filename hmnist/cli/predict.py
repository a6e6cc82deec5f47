"""``hmnist predict``."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hmnist.cli import options

if TYPE_CHECKING:
    import pandas as pd

    from hmnist.runs import Run

__all__ = ["predict"]


def predict(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT", help="Pixel files, MedMNIST .npz files, or images (.jpg, .png)."
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the CSV there instead of to stdout."),
    ] = None,
    quiet: options.Quiet = False,
) -> None:
    """Predict diagnoses for images: CSV with a row per image."""
    from hmnist.files import write_file
    from hmnist.runs import SampleWarning, open_run

    opened = open_run(run)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", SampleWarning)
        table = _predict_all(opened, inputs)
    for sentence in dict.fromkeys(str(one.message) for one in caught):
        options.say(f"Warning: {sentence}")
    if not quiet:
        options.say("Research software, no medical device.")
    if out is None:
        typer.echo(table.to_csv(index=False), nl=False)
    else:
        with write_file(out) as temporary:
            table.to_csv(temporary, index=False)


def _predict_all(run: "Run", inputs: list[str]) -> "pd.DataFrame":
    """Return source, row, image_id, decision and one probability per diagnosis."""
    import pandas as pd

    from hmnist.diagnoses import CODES
    from hmnist.sources.images import load_images

    height, width, channels = run.manifest["data"]["image_shape"]
    tables = []
    # All inputs are read before the first is predicted: a wrong one loses no work.
    for source, images, image_ids in [
        load_images(path, (height, width, channels)) for path in inputs
    ]:
        probabilities = run.predict_proba(images)
        decisions = run.decision.decide(probabilities)
        table = pd.DataFrame({"source": source, "row": range(len(images))})
        if image_ids is not None:
            table["image_id"] = image_ids
        table["decision"] = [CODES[label] for label in decisions]
        table[list(CODES)] = probabilities
        tables.append(table)
    return pd.concat(tables)
