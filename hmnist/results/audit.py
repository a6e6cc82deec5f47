"""`audit`: what comes out under a published protocol, and what each of its leaks is worth.

Every training is a run folder, so that an interrupted audit goes on where it was.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Unpack

from hmnist.dataset import LesionDataset, check_loaded
from hmnist.experiments.audit import plan_audit
from hmnist.experiments.cells import Watcher, estimate_seconds, run_cells
from hmnist.experiments.workers import open_workers
from hmnist.files import write_file
from hmnist.results.audit_rows import correct_rows, make_audit_row, make_promise
from hmnist.results.audit_table import Audit
from hmnist.results.rows import summarise_settings
from hmnist.runs.facts import describe_data
from hmnist.runs.folders import runs_folder
from hmnist.runs.keywords import check_keywords
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
    """Train published systems under their own protocols, and measure each leak by itself.

    A system's own protocol is trained as it is. Besides, there are trainings that share test
    images, seeds and the number of training images of each diagnosis: without leaks, and with the
    leaks of the protocol switched on one after the other; see
    `hmnist.splits.leak_steps.isolate_leaks`. In these, the epoch is chosen by validation accuracy.
    Quick trainings come first.

    Parameters
    ----------
    data : LesionDataset
        The images to train and test on; their lesions must be known.
    systems : sequence of str
        Names of published systems, and ``oversample-first``, which comes from no publication but is
        common in notebooks.
    seeds : int
        How many models of each kind are trained on each split. With one, the intervals of the
        differences are over lesions only.
    epochs : int, mapping of str to int, or None
        How many epochs all systems are trained for, or some by name; None, and for systems that
        are not named, as many as the effort says. ``oversample-first`` trains ``lenet``, and has
        its epochs unless it is named.
    jobs : int or None
        How many models are trained side by side, in processes. None takes two if there are cores
        for them, which is quicker than two threads for one.
    dask : str or None
        The address of the scheduler of a Dask cluster, such as ``"tcp://localhost:8786"``, whose
        workers train the models instead of this machine. At equal ``threads``, which are those of
        the smallest worker if none are given, and on equal processors, the scores are equal.
    out : str, pathlib.Path or None
        The folder of the runs; None makes one in ``hmnist-runs``. Finished runs are kept.
    watcher : Watcher or None
        Is told about the progress.
    **settings
        Those settings of `Recipe` that a protocol leaves open: ``pretrained``, ``effort``,
        ``seed``, ``device``, ``precision`` and ``threads``, by default the cores shared among the
        jobs.

    Returns
    -------
    Audit
        Also written to ``audit.json`` in the folder.

    Raises
    ------
    UsageError
        If the data are not a `LesionDataset`, a name or keyword is unknown, an option unsuitable,
        images are too small for a network, or lesions are unknown; before any work begins.
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
    hmnist.errors.UsageError: The number of seeds is 0; expected a whole number from 1.
    """
    check_loaded(data)
    check_keywords(audit, settings, AuditSettings)
    watcher = watcher or Watcher()
    with (
        runs_folder(out, "-audit") as folder,
        open_workers(jobs, settings.get("threads"), dask) as workers,
    ):
        settings["threads"] = workers.threads
        planned = plan_audit(data, systems, folder, seeds=seeds, epochs=epochs, **settings)
        cells = [cell for each in planned for of_name in each.cells.values() for cell in of_name]
        seconds = sum(map(estimate_seconds, cells))
        watcher.planned(cells, seconds if workers.jobs == 1 else TWO_SIDE_BY_SIDE * seconds)
        by_folder = {cell.folder: run for cell, run in run_cells(cells, workers, watcher)}
    runs = {
        each.system.name: {
            name: [by_folder[cell.folder] for cell in of_name]
            for name, of_name in each.cells.items()
        }
        for each in planned
    }
    rows = [make_audit_row(each.system, each.epochs, runs[each.system.name]) for each in planned]
    promising = [row for row in rows if row.claim.better_than in runs]
    result = Audit(
        data=describe_data(data),
        settings=summarise_settings(list(by_folder.values())),
        rows=tuple(correct_rows(rows)),
        promises=tuple(make_promise(row, runs) for row in promising),
    )
    with write_file(folder / "audit.json") as temporary:
        temporary.write_text(result.to_json(), encoding="utf-8")
    return result
