"""`load_weights`: pretrained weights for transfer models, from a file or through Keras.

Weights are numbers: no configuration is ever read from a file, and a run that was trained with
them holds them itself, so that nothing is read or downloaded to use it.
"""

import contextlib
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hmnist.errors import DataError, DataMissingError, UsageError
from hmnist.files import hash_file

if TYPE_CHECKING:
    from collections.abc import Callable

    import keras

__all__ = ["WEIGHTS", "check_weights", "load_weights"]

WEIGHTS = ("none", "imagenet")
"""What transfer models may start from, beside a file: nothing, or what Keras downloads."""

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
"""How every HDF5 file begins."""

_CURE = "Give a file of your own with --weights PATH, or train from scratch with --weights none."

_FITTING = (
    "The file has to hold those of the same application of Keras without its classifier "
    "(include_top=False)."
)


def check_weights(weights: str) -> str | None:
    """Look whether weights can be had at all, before any work begins.

    Parameters
    ----------
    weights : str
        ``none``, ``imagenet``, or the path of a ``.h5`` file.

    Returns
    -------
    str or None
        The SHA-256 of the file; None if it is no file.

    Raises
    ------
    DataMissingError
        If there is no such file.
    DataError
        If it cannot be read, or is no HDF5 file named ``.h5``.

    Examples
    --------
    >>> check_weights("imagenet") is None
    True
    """
    if weights in WEIGHTS:
        return None
    path = Path(weights)
    if not path.exists():
        raise DataMissingError(
            f"There is no file of weights {path}.",
            f"Name a .weights.h5 or .h5 file, or choose {' or '.join(WEIGHTS)}.",
        )
    try:
        with path.open("rb") as file:
            found = file.read(len(_SIGNATURE))
        digest = hash_file(path)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.", _CURE) from error
    if found != _SIGNATURE or path.suffix != ".h5":
        raise DataError(f"{path} is no .h5 file of weights.", _CURE)
    return digest


def load_weights(
    name: str, weights: str, make_base: "Callable[[str | None], keras.Model]"
) -> "keras.Model":
    """Return the base network of a system with pretrained weights.

    Parameters
    ----------
    name : str
        The system, for messages.
    weights : str
        ``imagenet``, or the path of a ``.weights.h5`` or ``.h5`` file that holds those of the base
        network (without its classifier).
    make_base : callable
        Makes the base network with the weights that Keras knows by a name, or without.

    Returns
    -------
    keras.Model

    Raises
    ------
    DataMissingError
        If the weights cannot be downloaded.
    DataError
        If the file is missing, unreadable or holds no weights.
    UsageError
        If its weights belong to another network.
    """
    if weights == "imagenet":
        return _download(name, make_base)
    check_weights(weights)
    _refuse_without_weights(weights)
    base = make_base(None)
    # Keras passes over what it does not find in some files: what is left of these will show.
    base.set_weights([np.full_like(weight, np.nan) for weight in base.get_weights()])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            base.load_weights(weights)
    except (OSError, KeyError) as error:
        raise _without_weights(weights, error) from error
    except (ValueError, TypeError, IndexError) as error:
        raise UsageError(
            f"The weights in {weights} do not fit {name}: {_first_line(error)}.", _FITTING
        ) from error
    if left := sum(not np.isfinite(weight).all() for weight in base.get_weights()):
        raise UsageError(
            f"The weights in {weights} do not fit {name}: {left} of {len(base.get_weights())} "
            "arrays are not in it, or hold no numbers.",
            _FITTING,
        )
    return base


def _refuse_without_weights(path: str) -> None:
    """Refuse an HDF5 file without any array that Keras would look for."""
    import h5py  # type: ignore[import-untyped]  # Keras brings it along

    found: list[str] = []

    def look(name: str, node: object) -> None:
        if isinstance(node, h5py.Group):
            # Keras's applications list their arrays by name; .weights.h5 files hold them in vars.
            lists = [node.attrs[key] for key in node.attrs if key.startswith("weight_names")]
            found.extend(str(one) for names in lists for one in names)
        elif name.split("/")[-2:-1] == ["vars"]:
            found.append(name)

    try:
        with h5py.File(path) as file:
            file.visititems(look)
    except (OSError, KeyError, RuntimeError, TypeError) as error:
        raise _without_weights(path, error) from error
    if not found:
        raise _without_weights(path)


def _without_weights(path: str, error: Exception | None = None) -> DataError:
    why = "" if error is None else f": {_first_line(error)}"
    return DataError(f"{path} holds no weights of a Keras network{why}.", _CURE)


def _download(name: str, make_base: "Callable[[str | None], keras.Model]") -> "keras.Model":
    try:
        # Keras shows its progress on stdout, where results belong.
        with contextlib.redirect_stdout(sys.stderr):
            return make_base("imagenet")
    except Exception as error:  # what Keras raises here is a bare Exception
        raise DataMissingError(
            f"The ImageNet weights of {name} could not be downloaded: {_first_line(error)}.", _CURE
        ) from error


def _first_line(error: Exception) -> str:
    """Return what an error says, short enough for a sentence."""
    lines = str(error.args[0] if error.args else error).strip().splitlines() or [""]
    return (lines[0][:200] or type(error).__name__).rstrip(".: ")
