"""``hmnist data from-images``."""

import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hmnist.cli import options
from hmnist.cli.names import check_new_file, check_path, named
from hmnist.cli.numbers import whole_number
from hmnist.cli.output import say
from hmnist.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable


def from_images(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="FOLDER… METADATA",
            help="Where the photographs are, called <image_id>.jpg, folders inside included; and "
            "HAM10000_metadata.csv: its rows say which photographs, in which order.",
            callback=check_path,
        ),
    ],
    size: Annotated[
        str, typer.Option(metavar="HxW", help="Height × width in pixels; photographs are squeezed.")
    ] = "28x28",
    mode: Annotated[
        str,
        typer.Option(
            metavar="RGB|L", help="Colour, or grey (luminance).", **named("mode", ("RGB", "L"))
        ),
    ] = "RGB",
    file: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            show_default=False,
            help="The pixel file to write, .csv or .csv.gz; its name tells the size where the "
            "number of columns does not. [default: hmnist_<height>_<width>_<mode>.csv]",
            callback=check_new_file,
        ),
    ] = None,
    jobs: Annotated[
        int | None,
        options.shared(
            "jobs",
            "N",
            "How many photographs are read at once. [default: all cores]",
            **whole_number(1),
        ),
    ] = None,
    quiet: options.Quiet = False,
) -> None:
    """Make a pixel file of any size from the HAM10000 photographs.

    Without METADATA, FOLDER holds a training and a test part, as train/nv/<image_id>.jpg; then a
    split file is written as well.
    """
    shape = _read_size(size)
    folders, metadata = (paths, None) if paths[-1].is_dir() else (paths[:-1], paths[-1])
    from hmnist.cli.watching import watch_steps
    from hmnist.sources.class_folders import from_class_folders, has_class_folders
    from hmnist.sources.photographs import from_images as from_images_of

    make: Callable[..., tuple[Path, ...]]
    if len(folders) == 1 and has_class_folders(folders[0]):
        make = partial(from_class_folders, folders[0], metadata)
    elif folders and metadata is not None:
        make = partial(from_images_of, folders, metadata)
    else:
        raise UsageError(
            "FOLDER or METADATA is missing.",
            "Type hmnist data from-images FOLDER HAM10000_metadata.csv. Only a folder with train "
            "and test in it needs no metadata.",
        )
    with watch_steps("photographs", quiet=quiet) as on_step:
        written = make(file, size=shape, mode=mode, jobs=jobs, on_progress=on_step)
    if not quiet:
        say(f"Wrote {' and '.join(map(str, written))}.")


def _read_size(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"\s*(\d{1,5})\s*[x×]\s*(\d{1,5})\s*", text, re.ASCII | re.IGNORECASE)
    if found is None:
        raise UsageError(f"{text!r} is not a size.", "Type height x width in pixels: --size 75x100")
    return int(found[1]), int(found[2])
