"""Cases in processes of their own: a crash, a hang or too much memory ends a process, and counts."""

import multiprocessing
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from multiprocessing.connection import Connection, wait
from pathlib import Path

from benchmarks.fuzzing.cases import FAILED, Outcome, run_case

SECONDS = 5
"""Of the processor: a case that takes more hangs."""

PATIENCE, FIRST_PATIENCE = 20, 90
"""Seconds on the clock after which a case hangs that does nothing, on a machine that is shared; and
with the first case of a kind in a process, which loads libraries."""

MEGABYTES = 1024
"""What a case may take of memory above what its process has."""

CASES_PER_PROCESS = 400
"""TensorFlow keeps some memory for each network, so that processes are renewed."""

LIBRARIES = ("numpy", "pandas", "sklearn.ensemble", "skops.io", "xgboost", "PIL.Image")
"""What every process needs. They are loaded once, by the process that all others are forked from;
TensorFlow is not among them, since a process that has it must not be forked."""

_context = multiprocessing.get_context("forkserver")


def make_sound_files(folder: Path) -> None:
    """Write the sound files of `benchmarks.fuzzing.bases`, in a process of its own."""
    _context.set_forkserver_preload([*LIBRARIES])
    process = _context.Process(target=_make, args=(folder,))
    process.start()
    process.join()
    if process.exitcode:
        sys.exit("The sound files could not be made.")


def _make(folder: Path) -> None:
    _prepare(folder)
    from benchmarks.fuzzing.bases import make_bases

    make_bases(folder)


def run_cases(cases: Iterable[tuple[str, int]], bases: Path, jobs: int) -> Iterator[Outcome]:
    """Run cases, each a kind and a seed, and yield what came of them, in any order."""
    waiting = iter(cases)
    workers = [_Worker(bases) for _ in range(jobs)]
    try:
        while workers:
            for worker in [worker for worker in workers if worker.case is None]:
                case = next(waiting, None)
                if case is None:
                    workers.remove(worker)
                    worker.stop()
                else:
                    worker.begin(case)
            wait([handle for worker in workers for handle in worker.handles], timeout=1)
            for worker in workers:
                if (outcome := worker.outcome()) is not None:
                    yield outcome
    finally:
        for worker in workers:
            worker.stop()


class _Worker:
    """A process that runs one case after the other, and is started again when it ends."""

    def __init__(self, bases: Path) -> None:
        self.bases = bases
        self.case: tuple[str, int] | None = None
        self._start()

    def _start(self) -> None:
        self.connection, other = _context.Pipe()
        self.process = _context.Process(target=_work, args=(other, self.bases), daemon=True)
        self.process.start()
        other.close()
        self.done = 0
        self.warm: set[str] = set()

    @property
    def handles(self) -> list[Connection | int]:
        """What becomes ready when there is an outcome."""
        return [self.connection, self.process.sentinel]

    def begin(self, case: tuple[str, int]) -> None:
        """Give the process a case."""
        if self.done >= CASES_PER_PROCESS:
            self.stop()
            self._start()
        self.patience = time.monotonic() + (PATIENCE if case[0] in self.warm else FIRST_PATIENCE)
        self.case = case
        self.warm.add(case[0])
        self.done += 1
        self.connection.send(case)

    def outcome(self) -> Outcome | None:
        """Return what came of the case, None if it still runs."""
        assert self.case is not None
        outcome = None
        if self.connection.poll():
            try:
                outcome = self.connection.recv()
            except (EOFError, OSError):
                outcome = self._failure()
        elif not self.process.is_alive():
            outcome = self._failure()
        elif time.monotonic() > self.patience:
            outcome = Outcome(*self.case, FAILED, "hang: it waits for ever")
            self.stop()
        if outcome is not None:
            self.case = None
            if outcome.sentence.startswith(("hang", "crash")):
                self._start()
        return outcome

    def _failure(self) -> Outcome:
        assert self.case is not None
        self.process.join()
        code = self.process.exitcode or 0
        if code == -signal.SIGPROF:
            return Outcome(*self.case, FAILED, f"hang: more than {SECONDS} s of the processor")
        name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return Outcome(*self.case, FAILED, f"crash: {name}")

    def stop(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.join()
        self.connection.close()


def _prepare(folder: Path) -> None:
    os.environ["HMNIST_CACHE"] = str(folder / "hmnist-cache")
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    from hmnist.hardware import use_threads

    use_threads(1)


def _work(connection: Connection, bases: Path) -> None:
    with Path(os.devnull).open("w") as nowhere:  # libraries in C++ write what they think
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
    _prepare(bases)
    warm: set[str] = set()
    while True:
        kind, seed = connection.recv()
        if kind not in warm:
            warm.add(kind)
            _warm_up(kind, bases)
        folder = Path(tempfile.mkdtemp(dir=bases))
        try:
            with_limits(SECONDS)
            outcome = run_case(kind, seed, bases, folder / "case")
        finally:
            with_limits(0)
            shutil.rmtree(folder, ignore_errors=True)
        connection.send(outcome)


def _warm_up(kind: str, bases: Path) -> None:
    """Use the sound files once: libraries are loaded, and what is expected is known."""
    from benchmarks.fuzzing.kinds import KINDS

    found = KINDS[kind]
    with tempfile.TemporaryDirectory(dir=bases) as folder:
        copy = shutil.copytree(bases / found.base, Path(folder) / "sound")
        found.use(copy, bases / found.base, signed=False)


def with_limits(seconds: int) -> None:
    """Let this process be ended after so many seconds of the processor, and limit its memory.

    0 seconds take both limits away again.
    """
    signal.setitimer(signal.ITIMER_PROF, seconds)
    most = resource.getrlimit(resource.RLIMIT_DATA)[1]
    limit = _data_bytes() + (MEGABYTES << 20) if seconds else most
    resource.setrlimit(resource.RLIMIT_DATA, (limit, most))


def _data_bytes() -> int:
    """Return the bytes of memory of this process that RLIMIT_DATA counts (Linux)."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    [kilobytes] = [line.split()[1] for line in lines if line.startswith("VmData:")]
    return int(kilobytes) << 10
