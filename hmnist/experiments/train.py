"""`train`: one model into a run folder."""

import contextlib
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Unpack

from hmnist.dataset import LesionDataset
from hmnist.errors import HmnistError, UsageError
from hmnist.experiments.cells import Watcher
from hmnist.experiments.training import open_finished, train_cell
from hmnist.features.steps import OnStep
from hmnist.runs.folders import run_folder
from hmnist.runs.keywords import check_keywords
from hmnist.runs.manifest import read_manifest
from hmnist.runs.recipe import Recipe, Settings
from hmnist.runs.run import Run
from hmnist.splits.split import Split
from hmnist.splits.split import split as make_split


def train(
    data: LesionDataset,
    model: str = "cnn",
    *,
    split: str | Path | Split | None = None,
    out: str | Path | None = None,
    on_step: OnStep | None = None,
    on_note: Callable[[str], None] | None = None,
    parameters: dict[str, Any] | None = None,
    dask: str | None = None,
    **settings: Unpack[Settings],
) -> Run:
    """Train one model into a run folder.

    Parameters
    ----------
    data : LesionDataset
        The images to train, validate and test on.
    model : str
        A name of the registry (``hmnist models``).
    split : str, pathlib.Path, Split or None
        As `by` of `hmnist.split`. ``published:<system>`` resamples and decides by itself.
    out : str, pathlib.Path or None
        The run folder; None makes one in ``hmnist-runs``. An older run of that name is replaced.
    on_step : callable or None
        Called as ``on_step(done, total)`` while the model is fitted; both may be fractions.
    on_note : callable or None
        Called with a sentence if a damaged run is made again, an older one will be replaced,
        another process trains this one, or the training goes on where it was interrupted.
    parameters : dict or None
        Constructor parameters of the model, such as ``{"epochs": 5}``.
    dask : str or None
        The address of the scheduler of a Dask cluster. All its workers train the model together,
        each on a share of the images (xgboost only): for images that are too many for the memory
        of one machine. Scores differ a little with the number of workers, which the run names.
    **settings
        The settings of `Recipe`: ``oversample``, ``decide``, ``effort``, ``seed`` …

    Returns
    -------
    Run

    Raises
    ------
    UsageError
        If a name is unknown or a size unsuitable, or pretrained weights do not fit.
    DataError
        If a file of pretrained weights is missing or malformed, or none can be downloaded.
    WorkError
        If the folder cannot be written, or a worker of the cluster is lost.

    Examples
    --------
    >>> import tempfile
    >>> from hmnist.sources.sample import load_sample
    >>> run = train(load_sample(rows=200), "majority", out=tempfile.mkdtemp(), threads=1)
    >>> run.manifest.model, round(run.scores["balanced_accuracy"], 3)
    ('majority', 0.143)
    """
    check_keywords(train, settings)
    given: dict[str, Any] = dict(settings)
    recipe = Recipe(model=model, parameters=parameters or {}, **given)
    parts = make_split(data, split, recipe.seed)
    recipe = recipe.resolved_for(parts)
    with run_folder(out, f"-{recipe.model}") as folder:
        if Path.cwd().is_relative_to(folder.resolve()):
            raise UsageError(
                "The working folder cannot become a run folder.", "Name a new folder with --out."
            )
        if dask is None:
            finished = open_finished(folder, recipe.key(parts), on_note)
            if finished is not None:
                return finished
            _note_replaced(folder, recipe.key(parts), on_note)
            return train_cell(parts, recipe, folder, on_step, on_note)
        from hmnist.experiments.cluster import connect
        from hmnist.experiments.shares import fit_shares, share_recipe

        recipe = share_recipe(recipe)
        with (
            connect(dask, given.get("threads")) as cluster,
            cluster.crew(data, folder.absolute(), Watcher()) as crew,
        ):
            crew.assemble()
            recipe = replace(recipe, threads=cluster.threads)
            _note_replaced(folder, recipe.key(parts), on_note)
            workers = len(crew.addresses)
            fit = partial(fit_shares, crew)
            return train_cell(parts, recipe, folder, on_step, on_note, fit=fit, workers=workers)


def _note_replaced(folder: Path, key: str, on_note: Callable[[str], None] | None) -> None:
    """Say if a folder holds another run, which will be replaced."""
    with contextlib.suppress(HmnistError):  # it holds none, or a damaged one
        if read_manifest(folder).key != key and on_note is not None:
            on_note("the run that is in this folder is replaced when the training ends")
