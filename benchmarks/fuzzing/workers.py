"""Cases in processes of their own: a crash, a hang or too much memory ends one, and counts."""

import contextlib
import multiprocessing
import os
import resource
import shutil
import signal
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from benchmarks.fuzzing.cases import FAILED, Case, Outcome, run_case
from benchmarks.fuzzing.kinds import Answers, Kind

SECONDS = 5
"""Of the processor: a case that takes more hangs. So does one that has not used the processor for
twice as long on the clock: it waits for ever, even if the machine is busy.
"""

MEGABYTES = 1024
"""What a case may take of memory above what its process has."""

CASES_PER_PROCESS = 400
"""TensorFlow keeps some memory for each network, so that processes are renewed."""

LIBRARIES = ("numpy", "pandas", "sklearn.ensemble", "xgboost", "PIL.Image")
"""What every process needs. They are loaded once, by the process that all others are forked from;
TensorFlow is not among them, since a process that has it must not be forked."""

_context = multiprocessing.get_context("forkserver")


def make_sound_files(folder: Path, kinds: Mapping[str, Kind]) -> None:
    """Write the sound files of these kinds, in a process of its own."""
    _context.set_forkserver_preload([*LIBRARIES])
    names = {kind.base for kind in kinds.values()}
    process = _context.Process(target=_make, args=(folder, names))
    process.start()
    process.join()
    if process.exitcode:
        raise RuntimeError("The sound files could not be made.")


def _make(folder: Path, names: set[str]) -> None:
    _prepare(folder)
    from benchmarks.fuzzing.bases import make_bases

    make_bases(folder, names)


def run_cases(
    cases: Iterable[Case],
    kinds: Mapping[str, Kind],
    bases: Path,
    jobs: int,
    seconds: int = SECONDS,
) -> Iterator[Outcome]:
    """Run cases in so many processes, and yield what came of them, in any order."""
    waiting = iter(cases)
    workers = [_Worker(kinds, bases, seconds) for _ in range(jobs)]
    try:
        while workers:
            for worker in [worker for worker in workers if worker.case is None]:
                if (case := next(waiting, None)) is None:
                    workers.remove(worker)
                    worker.stop()
                else:
                    worker.begin(case)
            wait([handle for worker in workers for handle in worker.handles], timeout=1)
            outcomes = [worker.outcome() for worker in workers]
            yield from (outcome for outcome in outcomes if outcome is not None)
    finally:
        for worker in workers:
            worker.stop()


class _Worker:
    """A process that runs one case after the other, and is started again when it ends."""

    def __init__(self, kinds: Mapping[str, Kind], bases: Path, seconds: int) -> None:
        self._given = kinds, bases, seconds
        self._seconds = seconds
        self.case: Case | None = None
        self._start()

    def _start(self) -> None:
        self._connection, other = _context.Pipe()
        self._process = _context.Process(target=_work, args=(other, *self._given), daemon=True)
        self._process.start()
        other.close()
        self._done = 0

    @property
    def handles(self) -> list[Any]:
        """What becomes ready when there is an outcome."""
        return [self._connection, self._process.sentinel]

    def begin(self, case: Case) -> None:
        """Give the process a case."""
        if self._done >= CASES_PER_PROCESS:
            self._restart()
        self.case = case
        self._done += 1
        self._used, self._since = 0, time.monotonic()
        self._connection.send(case)

    def outcome(self) -> Outcome | None:
        """Return what came of the case, None if it still runs."""
        if self.case is None:
            return None
        outcome = None
        if self._connection.poll():
            with contextlib.suppress(EOFError, OSError):  # it ended just now
                outcome = self._connection.recv()
        elif self._process.is_alive() and not self._waits_for_ever():
            return None
        if outcome is None:
            outcome = Outcome(*self.case, FAILED, self._failure())
            self._restart()
        self.case = None
        return outcome

    def _waits_for_ever(self) -> bool:
        used = _processor_ticks(self._process.pid)
        if used != self._used:
            self._used, self._since = used, time.monotonic()
        return time.monotonic() - self._since > 2 * self._seconds

    def _failure(self) -> str:
        """Say how the process ended."""
        self._process.join(timeout=1)
        code = self._process.exitcode
        if code is None:
            return f"hang: it waits, and does nothing for {2 * self._seconds} s"
        if code == -signal.SIGPROF:
            return f"hang: more than {self._seconds} s of the processor"
        return f"crash: {signal.Signals(-code).name if code < 0 else f'exit code {code}'}"

    def _restart(self) -> None:
        self.stop()
        self._start()

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.join()
        self._connection.close()


def _prepare(folder: Path) -> None:
    os.environ["HMNIST_CACHE"] = str(folder / "hmnist-cache")
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    from hmnist.hardware import use_threads

    use_threads(1)


def _work(connection: Connection, kinds: Mapping[str, Kind], bases: Path, seconds: int) -> None:
    with Path(os.devnull).open("w") as nowhere:  # libraries in C++ write what they think
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
    _prepare(bases)
    expected: dict[str, Answers] = {}
    while True:
        name, seed = connection.recv()
        kind = kinds[name]
        with tempfile.TemporaryDirectory(dir=bases, ignore_cleanup_errors=True) as folder:
            if name not in expected:
                # This also loads the libraries, which takes more time than a case has.
                expected[name] = kind.use(
                    shutil.copytree(bases / kind.base, Path(folder) / "sound")
                )
            _limit(seconds)
            outcome = run_case((name, seed), kind, bases, Path(folder) / "case", expected[name])
            _limit(0)
        connection.send(outcome)


def _limit(seconds: int) -> None:
    """Let this process be ended after so many seconds of the processor, and limit its memory.

    0 seconds take both limits away again.
    """
    signal.setitimer(signal.ITIMER_PROF, seconds)
    most = resource.getrlimit(resource.RLIMIT_DATA)[1]
    limit = _data_bytes() + (MEGABYTES << 20) if seconds else most
    resource.setrlimit(resource.RLIMIT_DATA, (limit, most))


def _data_bytes() -> int:
    """Return the bytes of memory of this process that RLIMIT_DATA counts."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    [kilobytes] = [line.split()[1] for line in lines if line.startswith("VmData:")]
    return int(kilobytes) << 10


def _processor_ticks(process: int | None) -> int:
    """Return the time that a process and those it has started have used the processor."""
    ticks, folder = 0, Path(f"/proc/{process}")
    with contextlib.suppress(OSError):  # it has ended
        fields = (folder / "stat").read_text(encoding="ascii").rpartition(")")[2].split()
        ticks += sum(map(int, fields[11:15]))
        for children in folder.glob("task/*/children"):
            ticks += sum(map(_processor_ticks, map(int, children.read_text("ascii").split())))
    return ticks
