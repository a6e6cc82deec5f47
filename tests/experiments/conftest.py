"""A real Dask cluster: a scheduler and workers, processes of their own, on loopback."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import hmnist

ROOT = Path(hmnist.__file__).parent.parent


@dataclass
class Loopback:
    """A scheduler, and workers that are started one by one."""

    folder: Path
    port: int = 0
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"

    def start_scheduler(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._start("scheduler", "--host", "127.0.0.1", "--port", str(self.port), "--no-show")

    def start_worker(self, startup: str = "", **environment: str) -> subprocess.Popen[bytes]:
        number = len(self.processes)
        words = ["worker", self.address, "--nthreads", "1", "--no-nanny", "--no-dashboard"]
        words += ["--local-directory", str(self.folder / f"worker{number}")]
        paths = [str(ROOT)]
        if startup:  # for the worker and for its own process
            folder = self.folder / f"startup{number}"
            folder.mkdir()
            (folder / "sitecustomize.py").write_text(startup)
            paths.insert(0, str(folder))
        environment["PYTHONPATH"] = os.pathsep.join(paths)
        return self._start(*words, HMNIST_CACHE=str(self.folder / "cache"), **environment)

    def stop(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()

    def _start(self, *words: str, **environment: str) -> subprocess.Popen[bytes]:
        log = (self.folder / f"log{len(self.processes)}.txt").open("wb")
        with log:
            process = subprocess.Popen(
                [sys.executable, "-W", "ignore", "-m", "dask", *words],
                cwd=self.folder,
                env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
                stdout=log,
                stderr=log,
            )
        self.processes.append(process)
        return process


@pytest.fixture
def loopback(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loopback]:
    started = Loopback(tmp_path_factory.mktemp("cluster"))
    started.start_scheduler()
    yield started
    started.stop()


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loopback]:
    """Return a cluster of two workers that no test harms."""
    started = Loopback(tmp_path_factory.mktemp("shared"))
    started.start_scheduler()
    for _ in range(2):
        started.start_worker()
    yield started
    started.stop()
