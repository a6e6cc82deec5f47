"""`audit`: how much of a published claim is the model, and how much is the protocol.

Each system is trained twice, under its own protocol and under the split by lesion. Every training
is a run folder, so that an interrupted audit goes on where it was.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Unpack

from hmnist.dataset import LesionDataset
from hmnist.experiments.audit import SIDES, AuditedSystem, plan_audit
from hmnist.experiments.cells import Watcher, estimate_seconds
from hmnist.experiments.workers import open_workers
from hmnist.files import new_runs_folder, write_file
from hmnist.results.audit_table import Audit, AuditRow, Promise
from hmnist.results.benchmark import fill_table
from hmnist.results.rows import TableRow, subtract
from hmnist.runs.facts import describe_data, describe_split
from hmnist.runs.recipe import AuditSettings
from hmnist.systems import AUDITED

TWO_SIDE_BY_SIDE = 0.8
"""The time of two models side by side with a thread each, relative to one after the other with two
threads each: convolutions wait for memory."""


def audit(
    data: LesionDataset,
    systems: Sequence[str] | str = AUDITED,
    *,
    seeds: int = 1,
    epochs: int | Mapping[str, int] | None = None,
    jobs: int | None = None,
    dask: str | None = None,
    out: str | Path | None = None,
    watcher: Watcher | None = None,
    **settings: Unpack[AuditSettings],
) -> Audit:
    """Train published systems under their own protocols and under the split by lesion.

    Parameters
    ----------
    data : LesionDataset
        The images to train and test on; their lesions must be known.
    systems : sequence of str
        Names of published systems. ``oversample-first``, which is no publication's but common in
        notebooks, is always added.
    seeds : int
        How many models of each kind are trained on each split.
    epochs : int, mapping of str to int, or None
        How often training images are seen, for all systems or by name. None, and for systems that
        are not named: as often as the effort says; at standard effort some slow systems are cut.
    jobs : int or None
        How many models are trained side by side, in processes. None takes two if there are cores
        for them, which is quicker than two threads for one.
    dask : str or None
        The address of the scheduler of a Dask cluster, such as ``"tcp://localhost:8786"``, whose
        workers train the cells instead of this machine. At equal ``threads``, which are those of
        the smallest worker if none are given, and on equal processors, the scores are equal.
    out : str, pathlib.Path or None
        The folder of the runs; None makes one in ``hmnist-runs``. Finished runs are kept.
    watcher : Watcher or None
        Is told about the progress.
    **settings
        Those settings of `Recipe` that a protocol leaves open: ``pretrained``, ``effort``,
        ``seed`` and ``threads``, by default the cores shared among the jobs.

    Returns
    -------
    Audit
        Also written to ``audit.json`` in the folder.

    Raises
    ------
    UsageError
        If a name is unknown, an option unsuitable, images are too small for a network, or lesions
        are unknown; before any work begins.
    DataError
        If pretrained weights are missing or malformed.
    WorkError
        If the folder cannot be written, or a process or all workers of a cluster are lost.

    Examples
    --------
    >>> from hmnist.sources.sample import load_sample
    >>> audit(load_sample(rows=60), "lenet", seeds=0)
    Traceback (most recent call last):
        ...
    hmnist.errors.UsageError: Seeds are counted from 1.
    """
    folder = Path(out) if out else new_runs_folder("-audit")
    watcher = watcher or Watcher()
    with open_workers(jobs, settings.get("threads"), dask) as workers:
        settings["threads"] = workers.threads
        plan = plan_audit(data, systems, folder, seeds=seeds, epochs=epochs, **settings)
        seconds = sum(map(estimate_seconds, plan.cells))
        watcher.planned(plan.cells, seconds if workers.jobs == 1 else TWO_SIDE_BY_SIDE * seconds)
        filled = fill_table(plan.cells, workers, watcher)
    rows = tuple(
        _make_row(audited, *(filled.row(audited.cells[side][0].row) for side in SIDES))
        for audited in plan.systems
    )
    result = Audit(
        data=describe_data(data),
        split=describe_split(plan.honest),
        settings=filled.table().settings,
        rows=rows,
        promises=tuple(_find_promises(rows)),
    )
    with write_file(folder / "audit.json") as temporary:
        temporary.write_text(result.to_json(), encoding="utf-8")
    return result


def _make_row(audited: AuditedSystem, reproduced: TableRow, honest: TableRow) -> AuditRow:
    system = audited.system
    return AuditRow(
        system=system.name,
        model=system.model,
        claim=system.claim,
        protocol=system.protocol.description,
        balanced=system.protocol.balanced,
        split=describe_split(audited.cells["reproduced"][0].split),
        resampling=reproduced.oversampling_note,
        epochs=audited.epochs,
        own_epochs=system.training.epochs,
        own_size=None if system.resizes else system.size,
        seeds=honest.seeds,
        pretrained=honest.pretrained,
        reproduced=reproduced.scores,
        honest=honest.scores,
    )


def _find_promises(rows: Sequence[AuditRow]) -> Iterator[Promise]:
    """Yield what a source promises of one system over another, and the difference that came out."""
    by_name = {row.system: row for row in rows}
    for better in rows:
        worse = by_name.get(better.claim.better_than)
        if worse is None:
            continue
        reproduced, honest = (
            subtract(getattr(better, side)["accuracy"].mean, getattr(worse, side)["accuracy"].mean)
            for side in SIDES
        )
        yield Promise(
            systems=(better.system, worse.system),
            promised=better.claim.note,
            epochs=better.epochs,
            own_epochs=better.own_epochs,
            reproduced=reproduced,
            honest=honest,
        )
