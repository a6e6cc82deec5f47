"""The command line: parse, call one function of the library, print.

Results go to stdout, everything else to stderr. Exit codes are those of `hmnist.errors`; a command
that is interrupted (Ctrl-C, SIGTERM, SIGHUP) ends with 130.
"""

import contextlib
import errno
import io
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from hmnist.errors import DataWarning, HmnistError, SampleWarning

AGAIN_SECONDS = 0.05
"""How long after an interrupt that was lost the next one comes."""


def main() -> None:
    """Run the command line; the entry point of the ``hmnist`` script."""
    try:
        _end_like_ctrl_c()
        with _repeated_interrupts():
            _run()
    except KeyboardInterrupt:
        sys.exit(130)
    except HmnistError as error:
        _fail(f"{error.message}\n{error.hint}".rstrip(), error.exit_code)
    except BrokenPipeError:
        _drop_stdout()  # the reader has seen enough
        sys.exit(1)
    except MemoryError:
        _fail("There is not enough memory for this.")
    except OSError as error:
        place = "the result" if error.filename is None else error.filename
        reason = error.strerror or error
        if error.errno in {errno.EMFILE, errno.ENFILE}:
            reason = "too many files are open (see: ulimit -n)"
        _drop_stdout()
        _fail(f"{place} could not be read or written: {reason}.")
    except ImportError as error:
        _fail(f"A library could not be loaded: {error}.")


def _run() -> None:
    if sys.stdout is None:  # it was closed by the shell (>&-), and nobody reads it
        sys.stdout = io.StringIO()
    elif isinstance(sys.stdout, io.TextIOWrapper):
        # On Linux the name of a file may be no text. Python prints such a name on stderr like this.
        sys.stdout.reconfigure(errors="backslashreplace")
    # Imported here, since it takes a moment, in which the user may press Ctrl-C.
    from hmnist.cli.commands import app

    with warnings.catch_warnings():
        # A sentence for the user, every time, instead of a line of code for a programmer.
        for kind in (SampleWarning, DataWarning):
            warnings.simplefilter("always", kind)
        warnings.showwarning = _tell_once(set())
        try:
            app(prog_name="hmnist")
        finally:
            # Python would do it later, when no sentence could tell why it fails.
            sys.stdout.flush()


def _tell_once(told: set[str]) -> Callable[..., None]:
    """Return what prints each warning once, however many parts of the work it is true of."""

    def tell(message: Warning, *_: object, **__: object) -> None:
        if (sentence := f"Warning: {message}") not in told:
            told.add(sentence)
            print(sentence, file=sys.stderr)

    return tell


def _fail(text: str, code: int = 1) -> None:
    print(f"Error: {text}", file=sys.stderr)
    sys.exit(code)


def _drop_stdout() -> None:
    """Let what is still to be written go nowhere: it would fail again when Python ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _end_like_ctrl_c() -> None:
    """Let the other signals that end a command do it as Ctrl-C does, unless they are ignored."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)


@contextlib.contextmanager
def _repeated_interrupts() -> Iterator[None]:
    """Interrupt again if an interrupt is lost.

    If it comes while a destructor or a callback of a weak reference runs, Python prints it and goes
    on. It cannot be raised from there, so that an alarm does it a moment later.
    """
    if not hasattr(signal, "setitimer"):  # Windows
        yield
        return
    ignored = sys.unraisablehook

    def hook(unraisable: Any) -> None:
        if unraisable.exc_type is KeyboardInterrupt:
            signal.setitimer(signal.ITIMER_REAL, AGAIN_SECONDS)
        else:
            ignored(unraisable)

    handler = signal.signal(signal.SIGALRM, signal.default_int_handler)
    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = ignored
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
