"""Silence for libraries in C++ that write to stderr whatever Python is told."""

import contextlib
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

_lock = threading.Lock()  # two threads would restore each other's silence


@contextlib.contextmanager
def without_stderr() -> Iterator[None]:
    """Discard what this process writes to stderr in a block. Errors are raised as always."""
    with _lock:
        sys.stderr.flush()
        stderr = os.dup(2)
        try:
            with Path(os.devnull).open("wb") as nowhere:
                os.dup2(nowhere.fileno(), 2)
            yield
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
