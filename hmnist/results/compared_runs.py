"""`compare_runs`: whether runs, or the rows of benchmarks, really differ."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hmnist.errors import UsageError
from hmnist.files import expand_home, short_path
from hmnist.results.benchmark_folder import is_benchmark, open_benchmark
from hmnist.results.rows import WITH_PATIENTS
from hmnist.runs.facts import as_json
from hmnist.runs.folders import find_runs
from hmnist.runs.manifest import MANIFEST
from hmnist.runs.opened import check_opened
from hmnist.runs.run import Run, open_run
from hmnist.scores.comparison import Comparison
from hmnist.scores.paired_tests import compare_predictions

Row = Sequence[Run]
"""Runs of one kind: they differ in seed and fold only."""


def compare_runs(runs: Sequence[Run | Row]) -> Comparison:
    """Compare runs on the test parts that they share, pair by pair.

    Parameters
    ----------
    runs : sequence of Run, or of sequences of Run
        At least two, of the same data and the same split; see `find_rows`. A sequence holds runs of
        one kind (several seeds, several folds), which are pooled.

    Returns
    -------
    Comparison
        Paired bootstrap over lesions for every score, McNemar's test for the predicted diagnoses,
        all corrected together.

    Raises
    ------
    UsageError
        If there are fewer than two, one is not a run, or they were tested on other images.
    """
    is_one = isinstance(runs, str | os.PathLike | Run)
    rows = [_as_row(item) for item in ([runs] if is_one else runs)]
    for row in rows[1:]:
        _check_alike(rows[0], row)
    names = _name_apart(rows)
    return compare_predictions(
        {name: [run.part("test") for run in row] for name, row in zip(names, rows, strict=True)}
    )


def _as_row(item: Any) -> list[Run]:
    """Return a run, or several of one kind, as a list; refuse what are not runs."""
    row = list(item) if isinstance(item, Iterable) and not isinstance(item, str) else [item]
    for run in row:
        check_opened(run)
    return row


def find_rows(folders: str | Path | Sequence[str | Path]) -> list[list[Run]]:
    """Open run folders and benchmark folders, or one, and put runs of one kind together.

    Runs of a benchmark folder that differ in seed and fold only are one row, the best row first; so
    are folders of single runs that differ in the fold only. If a kind was trained again with the
    same seed and fold, the newest run counts.

    Raises
    ------
    DataMissingError
        If there is no such folder.
    UsageError
        If a folder holds no run.
    TrustError
        If a run is damaged.
    """
    several = [folders] if isinstance(folders, str | os.PathLike) else folders
    named = list(map(expand_home, several))
    single = [open_run(folder) for folder in named if (folder / MANIFEST).is_file()]
    rows = _group(single, by_seed=True)
    for folder in named:
        if not (folder / MANIFEST).is_file():
            rows += sorted(_group(_open_runs(folder)), key=_mean_score, reverse=True)
    return rows


def _open_runs(folder: Path) -> list[Run]:
    """Open the runs of a benchmark's table; without a table, those in the folder."""
    if is_benchmark(folder):
        return [run for row in open_benchmark(folder).runs for run in row]
    # Where there is none, opening the folder itself says so.
    return [open_run(path) for path in find_runs(folder) or [folder]]


def _group(runs: Sequence[Run], *, by_seed: bool = False) -> list[list[Run]]:
    """Put runs of one kind together, `by_seed` only those that are folds of one seed."""
    rows: dict[str, dict[tuple[int, int | None], Run]] = {}
    for run in runs:
        seed, fold = run.manifest.recipe.seed, run.manifest.split.fold
        kind: list[Any] = [_kind(run)]
        if by_seed:
            kind += [str(run.folder)] if fold is None else [seed]
        row = rows.setdefault(json.dumps(kind, sort_keys=True), {})
        other = row.get((seed, fold))
        if other is None or other.manifest.written < run.manifest.written:
            row[seed, fold] = run
    return [list(row.values()) for row in rows.values()]


def _mean_score(row: Row) -> float:
    return float(np.mean([run.scores["balanced_accuracy"] for run in row]))


def _kind(run: Run) -> dict[str, Any]:
    """Return what is equal in all runs of one kind."""
    recipe = as_json(run.manifest.recipe)
    settings = {**recipe, **recipe["parameters"], **run.manifest.parameters}
    own = {"model", "patients", "parameters", "seed", "random_state"}
    named = {"model": run.manifest.model, "patients": run.uses_patients}
    return named | {name: value for name, value in settings.items() if name not in own}


def _check_alike(first: Row, other: Row) -> None:
    """Refuse rows of other data, or of another split in any fold."""
    for kind in ("data", "split"):
        digests, other_digests = (
            {getattr(run.manifest, kind).digest for run in row} for row in (first, other)
        )
        if digests != other_digests:
            raise UsageError(
                f"{first[0].folder.name} and {other[0].folder.name} cannot be compared: their "
                f"{kind} differs.",
                "Train them on one split: the same data, --split, --seed and --folds. Of "
                "cross-validated runs, name all folds.",
            )


def _name_apart(rows: Sequence[Row]) -> list[str]:
    """Name rows by model and patient data, and by what else tells those of one name apart."""
    firsts = [row[0] for row in rows]
    names = [f"{run.manifest.model}{WITH_PATIENTS if run.uses_patients else ''}" for run in firsts]
    for name in {name for name in names if names.count(name) > 1}:
        alike = [number for number, other in enumerate(names) if other == name]
        kinds = [_kind(firsts[number]) for number in alike]
        for number, differing in zip(alike, _differing(kinds), strict=True):
            names[number] = f"{name}{differing}"
    if len(set(names)) == len(names):
        return names
    for names in (
        [run.folder.name for run in firsts],
        [str(short_path(run.folder)) for run in firsts],
    ):
        if len(set(names)) == len(names):
            return names
    raise UsageError("A run is named twice.", "Name each run once.")


def _differing(kinds: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the settings of each kind that not all share, in brackets."""
    names = dict.fromkeys(name for kind in kinds for name in kind)
    apart = [name for name in names if any(kind.get(name) != kinds[0].get(name) for kind in kinds)]
    listed = [", ".join(f"{name} {kind[name]}" for name in apart if name in kind) for kind in kinds]
    return [f" ({text})" if text else "" for text in listed]
