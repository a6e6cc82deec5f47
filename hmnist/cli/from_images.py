"""``hmnist data from-images``."""

import re
from pathlib import Path
from typing import Annotated

import typer

from hmnist.cli import options
from hmnist.cli.output import say
from hmnist.errors import UsageError


def from_images(
    folders: Annotated[
        list[Path],
        typer.Argument(
            metavar="FOLDER",
            help="Where the photographs are, called <image_id>.jpg; folders inside count, too.",
        ),
    ],
    metadata_file: Annotated[
        Path,
        typer.Argument(
            metavar="METADATA", help="HAM10000_metadata.csv: who is in it, in which order."
        ),
    ],
    size: Annotated[
        str, typer.Option(metavar="HxW", help="Height × width in pixels; photographs are squeezed.")
    ] = "28x28",
    mode: Annotated[
        str, typer.Option(metavar="RGB|L", help="Colour, or grey (luminance).")
    ] = "RGB",
    file: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            show_default=False,
            help="The pixel file to write, .csv or .csv.gz; its name tells the size where the "
            "number of columns does not. [default: hmnist_<height>_<width>_<mode>.csv]",
        ),
    ] = None,
    jobs: Annotated[
        int | None,
        options.shared("jobs", "N", "Photographs read side by side. [default: all cores]", min=1),
    ] = None,
    quiet: options.Quiet = False,
) -> None:
    """Make a pixel file of any size from the HAM10000 photographs."""
    shape = _read_size(size)
    from hmnist.cli.watching import watch_steps
    from hmnist.sources import photographs

    with watch_steps("photographs", quiet=quiet) as on_step:
        pixels, metadata = photographs.from_images(
            folders, metadata_file, file, size=shape, mode=mode, jobs=jobs, on_progress=on_step
        )
    if not quiet:
        say(f"Wrote {pixels}; {metadata} beside it tells its lesions.")


def _read_size(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"\s*(\d{1,5})\s*[x×]\s*(\d{1,5})\s*", text, re.ASCII | re.IGNORECASE)
    if found is None:
        raise UsageError(f"{text!r} is no size.", "Type height x width in pixels: --size 75x100")
    return int(found[1]), int(found[2])
