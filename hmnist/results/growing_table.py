"""`GrowingTable`: the table of the cells that are finished so far."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from hmnist.experiments.cells import Cell
from hmnist.results.cautions import (
    warn_of_cheaper,
    warn_of_failed,
    warn_of_few,
    warn_of_folds,
    warn_of_leaks,
)
from hmnist.results.differences import compare_rows
from hmnist.results.rows import TableRow, fold_scores, label_rows, make_row, summarise_settings
from hmnist.results.table import Table
from hmnist.runs.facts import SplitFacts, describe_data, describe_split
from hmnist.runs.run import Run

if TYPE_CHECKING:
    from pathlib import Path


class GrowingTable:
    """The rows of the runs so far; a new run changes its own row only.

    A row is computed when it is asked for, because its intervals take time. Rows and sums are in
    the order of the grid, whichever cell is finished first.
    """

    def __init__(self, cells: Sequence[Cell]) -> None:
        self._cells = cells
        self._runs: dict[Path, Run] = {}
        self._rows: dict[tuple[str, str, bool], TableRow | None] = {}

    def add(self, cell: Cell, run: Run) -> None:
        """Add a finished cell."""
        self._runs[cell.folder] = run
        self._rows[cell.row] = None

    def row(self, name: tuple[str, str, bool]) -> TableRow:
        """Return the row of a name (`Cell.row`) that has a run."""
        row = self._rows[name]
        if row is None:
            row = make_row(self._runs_of(name))
            self._rows[name] = row
        return row

    def _runs_of(self, name: tuple[str, str, bool]) -> list[Run]:
        folders = [cell.folder for cell in self._cells if cell.row == name]
        return [self._runs[folder] for folder in folders if folder in self._runs]

    def table(self) -> Table:
        """Return the table so far, the best row first."""
        split = self._cells[0].split
        finished = [cell for cell in self._cells if cell.folder in self._runs]
        return Table(
            data=describe_data(split.data),
            split=self._describe_split(),
            settings=summarise_settings([self._runs[cell.folder] for cell in finished]),
            rows=tuple(map(self.row, self._names())),
        ).sorted()

    def _describe_split(self) -> SplitFacts:
        """Return the facts of the split; of folds, those of the first without its number."""
        facts = describe_split(self._cells[0].split)
        folds = {cell.split.fold for cell in self._cells}
        return replace(facts, fold=None) if len(folds) > 1 else facts

    def compared_table(self, score: str) -> Table:
        """Return the table with its rows compared on a score, and with its warnings.

        This takes time: it belongs to the end, when every row has all its runs.
        """
        names, table = self._names(), self.table()
        labels = label_rows([self.row(name) for name in names])
        rows = dict(zip(labels, map(self.row, names), strict=True))
        runs = dict(zip(labels, map(self._runs_of, names), strict=True))
        tested = {label: [run.part("test") for run in of_row] for label, of_row in runs.items()}
        differences = compare_rows(rows, tested, score)
        by_fold = {label: fold_scores(of_row, score) for label, of_row in runs.items()}
        to_best = {} if differences is None else differences.to_best
        return replace(
            table,
            rows=tuple(replace(row, difference=to_best.get(label)) for label, row in rows.items()),
            ranking=None if differences is None else differences.ranking,
            warnings=(
                *warn_of_failed(rows, tested),
                *warn_of_few(tested),
                *warn_of_leaks(rows, table.data, table.split),
                *warn_of_folds(rows, by_fold, score),
                *warn_of_cheaper(differences),
            ),
        )

    def _names(self) -> list[tuple[str, str, bool]]:
        """Return the names of the rows that have a run, in the order of the grid."""
        finished = (cell for cell in self._cells if cell.folder in self._runs)
        return list(dict.fromkeys(cell.row for cell in finished))
