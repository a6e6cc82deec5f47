"""What can go wrong, and the exit code that tells it.

::

    HmnistError                      exit code
    ├── WorkError                        1      the work failed: a full disk, no permission
    ├── UsageError      (ValueError)     2      unknown names, unsuitable sizes or options
    ├── DataError       (ValueError)     3      data missing, unreadable or malformed
    │   └── DataMissingError (FileNotFoundError)
    └── TrustError      (ValueError)     4      a run folder or a download is damaged

Every error carries one sentence that says what happened and where, and a hint that says what to
do next. All but WorkError inherit from the built-in kind as well, so that callers may catch either.
The warnings, `SampleWarning` and `DataWarning`, stand here too.
"""

import operator
import os
from collections.abc import Iterable, Sequence
from typing import ClassVar


class HmnistError(Exception):
    """The root of every error that this package raises on purpose.

    Parameters
    ----------
    message : str
        One sentence: what happened, where, and what was expected.
    hint : str
        What to type or change next; empty if the message says it all.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __reduce__(self) -> tuple[type["HmnistError"], tuple[str, str]]:
        # Worker processes send errors back pickled; the default would drop the hint.
        return type(self), (self.message, self.hint)

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class WorkError(HmnistError):
    """The work itself failed, with sound input."""


class UsageError(HmnistError, ValueError):
    """What was asked for does not exist or does not fit: names, sizes, options."""

    exit_code = 2


class DataError(HmnistError, ValueError):
    """A data file is missing, unreadable or malformed."""

    exit_code = 3


class DataMissingError(DataError, FileNotFoundError):
    """A data file is not where it was expected."""


class TrustError(HmnistError, ValueError):
    """A run folder or a download is damaged or not to be trusted."""

    exit_code = 4


class SampleWarning(UserWarning):
    """A model that was trained on the synthetic sample is asked about images."""


class DataWarning(UserWarning):
    """Something in a data file is not an image and was left out, such as an index."""


def check_counts(**counts: int | None) -> None:
    """Refuse a count that is not a whole number from 1; None is a count that is chosen later.

    Examples
    --------
    >>> check_counts(jobs=2, seeds=0)
    Traceback (most recent call last):
    hmnist.errors.UsageError: The number of seeds is 0; expected a whole number from 1.
    """
    for what, count in counts.items():
        if count is None:
            continue
        number = as_index(count)
        if number is None or number < 1:
            raise UsageError(f"The number of {what} is {count!r}; expected a whole number from 1.")


def read_count(name: str, value: object, low: int, high: int) -> int:
    """Return a whole number from `low` to `high`, such as a numpy integer, as int.

    Raises
    ------
    UsageError
        If it is not a whole number, or another one. `name` says what it counts.

    Examples
    --------
    >>> read_count("seed", 1.5, 0, 2**32 - 1)
    Traceback (most recent call last):
        ...
    hmnist.errors.UsageError: seed cannot be 1.5: expected a whole number from 0 to 4,294,967,295.
    """
    number = as_index(value)
    if number is None or not low <= number <= high:
        raise UsageError(
            f"{name} cannot be {value!r}: expected a whole number from {low:,} to {high:,}."
        )
    return number


def as_index(value: object) -> int | None:
    """Return a whole number as int, such as one of numpy; None for anything else."""
    try:
        return operator.index(value)  # type: ignore[arg-type]  # what has no index is none
    except TypeError:
        return None


def check_kind(value: object, kind: type, hint: str) -> None:
    """Refuse a value of another kind, with a hint where one of this kind comes from: UsageError.

    Examples
    --------
    >>> check_kind(3, str, "Put it in quotation marks.")
    Traceback (most recent call last):
    hmnist.errors.UsageError: Expected a str, not an int. Put it in quotation marks.
    """
    if isinstance(value, kind):
        return
    if isinstance(value, str | os.PathLike):
        given = repr(os.fspath(value))
    else:
        given = with_article(type(value))
    raise UsageError(f"Expected {with_article(kind)}, not {given}.", hint)


def with_article(kind: type) -> str:
    """Return the name of a kind with ``a`` or ``an``."""
    return f"{'an' if kind.__name__[0].lower() in 'aeiou' else 'a'} {kind.__name__}"


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UsageError:
    """Return the error for a `name` that is not a known name of its `kind`; the nearest come first.

    Examples
    --------
    >>> print(unknown_name("model", "cn", ["cnn", "mlp"]))
    There is no model called 'cn'. Did you mean cnn? Choose cnn, mlp.
    """
    names = list(known)
    question = did_you_mean(str(name).lower(), names)
    return UsageError(
        f"There is no {kind} called {name!r}.", f"{question}Choose {', '.join(names)}."
    )


def check_seed(seed: object) -> None:
    """Refuse a seed from which numpy draws nothing, or that is no whole number: UsageError."""
    number = as_index(seed)
    if number is None or number < 0:
        raise UsageError(f"A seed is a whole number from 0, not {seed!r}.")


def did_you_mean(name: str, known: Sequence[str]) -> str:
    """Return a question that names what is most like `name`, and a space; empty if nothing is.

    Examples
    --------
    >>> did_you_mean("epoch", ["epochs", "widths"])
    'Did you mean epochs? '
    """
    import difflib

    alike = difflib.get_close_matches(name, known, n=2)
    return f"Did you mean {' or '.join(alike)}? " if alike else ""
