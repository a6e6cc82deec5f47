"""Work in a process of its own: libraries in C++ that read somebody else's files may crash there.

`Isolated` starts ``python -m MODULE ARGUMENTS``, whose module calls `serve` with the function that
answers. What comes back are bytes of a length that is known before, or a sentence. A crash, too
much memory or time, or any other end of the process is an `IsolationError`.
"""

import contextlib
import os
import struct
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import IO

from hmnist.errors import HmnistError

LARGEST_MEMORY = 2**32
"""Bytes that the process may use, where the system can limit it: four gigabytes."""

_LENGTH = struct.Struct("<?Q")
"""Before each message: whether it is a result and no complaint; its bytes."""

_LONGEST = 2000  # bytes of a complaint


class IsolationError(Exception):
    """The process ended, or could not do what it was asked; the text says which."""


class Isolated:
    """A process that answers requests until nobody needs it any more.

    Parameters
    ----------
    module : str
        A module of this package that calls `serve`.
    *arguments : str
        Its command-line arguments.
    """

    def __init__(self, module: str, *arguments: str) -> None:
        self._command = [sys.executable, "-P", "-m", module, *arguments]
        self._alone = threading.Lock()
        self._start()

    def _start(self) -> None:
        # The folder in which a user works is not searched for modules.
        package = str(Path(__file__).resolve().parents[2])
        paths = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        )
        self._end = weakref.finalize(self, _end, self._process)

    def ask(self, request: bytes, size: int, seconds: float) -> bytes:
        """Return the answer to a request: so many bytes, after so many seconds at most.

        Threads wait for each other. A process that has ended is started again.

        Raises
        ------
        IsolationError
            If there is no such answer.
        """
        with self._alone:
            if self._process.poll() is not None:
                self._end()
                self._start()
            return self._ask(request, size, seconds)

    def _ask(self, request: bytes, size: int, seconds: float) -> bytes:
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        late = threading.Event()

        def stop() -> None:
            late.set()
            process.kill()

        watch = threading.Timer(seconds, stop)
        watch.start()
        try:
            _send(process.stdin, request)
            succeeded, answer = _receive(process.stdout, max(size, _LONGEST))
        except (OSError, EOFError) as error:
            process.kill()  # it may be about to end by itself
            code = process.wait()
            raise IsolationError(
                f"it took more than {seconds:.0f} seconds"
                if late.is_set()
                else f"the process that runs it ended with code {code}"
            ) from error
        except BaseException:
            self._end()  # the rest of its answer would be taken for that to the next request
            raise
        finally:
            watch.cancel()
        if not succeeded:
            raise IsolationError(answer.decode(errors="replace"))
        if len(answer) != size:
            raise IsolationError(f"its answer has {len(answer):,} bytes; expected {size:,}")
        return answer


def serve(answer: Callable[[bytes], bytes]) -> None:
    """Answer the requests of an `Isolated`, in its process, until there are no more."""
    _limit_memory()
    source, target = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # libraries may print
    with source, target, contextlib.suppress(EOFError):
        while True:
            _, request = _receive(source, sys.maxsize)
            try:
                _send(target, answer(request))
            except Exception as error:  # noqa: BLE001 - it is told to the process that asked
                said = error.message if isinstance(error, HmnistError) else str(error)
                lines = said.strip().splitlines() or [type(error).__name__]
                _send(target, lines[0].encode()[:_LONGEST], succeeded=False)


def _send(file: IO[bytes], message: bytes, *, succeeded: bool = True) -> None:
    file.write(_LENGTH.pack(succeeded, len(message)))
    file.write(message)
    file.flush()


def _receive(file: IO[bytes], limit: int) -> tuple[bool, bytes]:
    head = file.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError
    succeeded, length = _LENGTH.unpack(head)
    if length > limit:
        raise IsolationError(f"its answer has {length:,} bytes")
    message = file.read(length)
    if len(message) < length:
        raise EOFError
    return succeeded, message


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    for kind, most in ((resource.RLIMIT_CORE, 0), (resource.RLIMIT_DATA, LARGEST_MEMORY)):
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(kind, (most, most))


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        with contextlib.suppress(OSError):
            if pipe is not None:
                pipe.close()
