"""What to do about a file that is missing: where it was downloaded to, or which name was meant."""

import difflib
from pathlib import Path

from hmnist.files import downloads_folder

PIXEL_FILE = "hmnist_28_28_RGB.csv"
"""The pixel file that commands look for where no data are named."""

FETCHED_BY = {
    PIXEL_FILE: "hmnist data download",
    "HAM10000_metadata.csv": "hmnist data download",
    "dermamnist.npz": "hmnist data download dermamnist",
}
"""The files that can be downloaded, and the commands that do it."""


def advise_on_missing(path: Path) -> str:
    """Return the hint for a file that does not exist."""
    if (downloaded := downloads_folder() / path.name).is_file():
        left_out = " (on the command line, DATA may be left out)"
        return (
            f"The downloaded file is {downloaded}: name that path"
            f"{left_out if path.name == PIXEL_FILE else ''}."
        )
    hints = [_similar_names(path)]
    if path.name in FETCHED_BY:
        hints.append(f"{FETCHED_BY[path.name]} fetches {path.name}.")
    return " ".join(hints)


def names_in(folder: Path) -> list[str]:
    """Return the names in a folder, in order; none if it cannot be read."""
    try:
        return sorted(entry.name for entry in folder.iterdir())
    except OSError:
        return []


def _similar_names(path: Path) -> str:
    if not path.parent.is_dir():
        return f"There is no folder {path.parent} either."
    names = names_in(path.parent)
    if len(path.parts) == 1 and not path.suffix:
        names.append("sample")  # the word
    similar = difflib.get_close_matches(_without_ending(path.name), map(_without_ending, names), 3)
    found = [
        name for stem in dict.fromkeys(similar) for name in names if _without_ending(name) == stem
    ]
    if found:
        return f"Did you mean {' or '.join(str(path.with_name(name)) for name in found[:3])}?"
    return f"The folder is {path.parent.resolve()}: check the name and the folder."


def _without_ending(name: str) -> str:
    """Return a name without its ending: all pixel files end alike, which makes no two alike."""
    return Path(name.removesuffix(".gz")).stem
