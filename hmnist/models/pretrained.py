"""`load_pretrained`: pretrained weights for backbones, from a file or through Keras.

Only numbers are read from a file, never the configuration of a network. A run that was trained
with pretrained weights contains them, so that nothing is read or downloaded to use it.
"""

import contextlib
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hmnist.errors import DataError, DataMissingError, UsageError, did_you_mean
from hmnist.files import expand_home, hash_file
from hmnist.models.hdf5 import count_weights
from hmnist.models.isolation import IsolationError

if TYPE_CHECKING:
    from collections.abc import Callable

    import keras

PRETRAINED = ("none", "imagenet")
"""What a backbone may start from, beside a file: nothing, or the weights that Keras downloads."""

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
"""The first bytes of every HDF5 file."""

_CURE = (
    "Give a file of your own with --pretrained PATH, or train from scratch with --pretrained none."
)
_FITTING = (
    "The file has to contain those of the same application of Keras without its classifier "
    "(include_top=False)."
)


def check_weights_name(pretrained: str) -> None:
    """Refuse a word that is neither a name of weights nor the path of a file.

    Whether the file is there is not checked: models that take no weights never read it.

    Examples
    --------
    >>> for name in ("imagenet", "vgg.h5", "weights/vgg"):
    ...     check_weights_name(name)
    """
    is_path = len(Path(pretrained).parts) > 1 or Path(pretrained).suffix
    if pretrained not in PRETRAINED and not is_path:
        raise UsageError(
            f"There are no pretrained weights called {pretrained!r}.",
            f"{did_you_mean(pretrained, PRETRAINED)}Choose {', '.join(PRETRAINED)} or the path of "
            "an .h5 file.",
        )


def check_pretrained(pretrained: str) -> str | None:
    """Return the SHA-256 of a file of pretrained weights, None for ``none`` and ``imagenet``.

    Raises
    ------
    DataMissingError
        If there is no such file.
    DataError
        If it cannot be read, or is not an HDF5 file named ``.h5``.
    """
    if pretrained in PRETRAINED:
        return None
    path = expand_home(pretrained)
    if not path.exists():
        raise DataMissingError(
            f"There is no file of weights {path}.",
            f"Name a .weights.h5 or .h5 file, or choose {' or '.join(PRETRAINED)}.",
        )
    try:
        with path.open("rb") as file:
            signature = file.read(len(_SIGNATURE))
        digest = hash_file(path)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.", _CURE) from error
    if signature != _SIGNATURE or path.suffix != ".h5":
        raise DataError(f"{path} is no .h5 file of weights.", _CURE)
    return digest


def load_pretrained(
    name: str, pretrained: str, make_application: "Callable[[str | None], keras.Model]"
) -> "keras.Model":
    """Return the application of Keras that a system starts from, with pretrained weights.

    They are those of ``imagenet``, or of a ``.weights.h5`` or ``.h5`` file that contains the
    weights of the application without its classifier. `make_application` makes the application
    with the weights that Keras knows by a name, or without. The name is the system's.

    Raises
    ------
    DataMissingError
        If the weights cannot be downloaded, or there is no such file.
    DataError
        If the file is unreadable or contains no weights.
    UsageError
        If its weights belong to another network.
    """
    if pretrained == "imagenet":
        return _download(name, make_application)
    check_pretrained(pretrained)
    _refuse_without_weights(pretrained)
    application = make_application(None)
    # Keras leaves out what is missing in some files: the NaN that remain will show it.
    application.set_weights([np.full_like(array, np.nan) for array in application.get_weights()])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            application.load_weights(expand_home(pretrained))
    except (OSError, KeyError) as error:
        raise _without_weights(pretrained, error) from error
    except (ValueError, TypeError, IndexError) as error:
        raise UsageError(
            f"The weights in {pretrained} do not fit {name}: {_first_line(error)}.", _FITTING
        ) from error
    arrays = application.get_weights()
    if missing := sum(not np.isfinite(array).all() for array in arrays):
        raise UsageError(
            f"The weights in {pretrained} do not fit {name}: {missing} of {len(arrays)} arrays are "
            "not in it, or contain values that are not numbers.",
            _FITTING,
        )
    return application


def _refuse_without_weights(path: str) -> None:
    """Refuse an HDF5 file without any array that Keras would look for, or with anything else."""
    try:
        count = count_weights(expand_home(path))
    except IsolationError as error:
        raise _without_weights(path, error) from error
    if not count:
        raise _without_weights(path)


def _without_weights(path: str, error: Exception | None = None) -> DataError:
    reason = "" if error is None else f": {_first_line(error)}"
    return DataError(f"{path} holds no weights of a Keras network{reason}.", _CURE)


def _download(name: str, make_application: "Callable[[str | None], keras.Model]") -> "keras.Model":
    try:
        # Keras shows its progress on stdout, where results belong.
        with contextlib.redirect_stdout(sys.stderr):
            return make_application("imagenet")
    except Exception as error:  # Keras raises a bare Exception here
        raise DataMissingError(
            f"The ImageNet weights of {name} could not be downloaded: {_first_line(error)}.", _CURE
        ) from error


def _first_line(error: Exception) -> str:
    """Return the message of an error, short enough for a sentence."""
    lines = str(error.args[0] if error.args else error).strip().splitlines() or [""]
    return (lines[0][:200] or type(error).__name__).rstrip(".: ")
