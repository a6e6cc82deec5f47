"""Which rows of a table are best, and which are no better than a cheaper one: paired tests.

All rows are tested on the same images, so their scores are compared on the same resamples of the
lesions, pooled over seeds and folds. Each row is compared with the best one, and with the best of
those that are cheaper; the p-values of all these tests are corrected together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hmnist.results.costs import fit_cost
from hmnist.results.rows import Ranking, TableRow
from hmnist.scores.comparison import Difference
from hmnist.scores.paired_differences import RESAMPLES
from hmnist.scores.paired_tests import compare_on
from hmnist.scores.predictions import Predictions
from hmnist.scores.scoring import LOWER_IS_BETTER

CHEAPER = 2 / 3
"""A row is cheaper than another if it is fitted in less than this share of the time: a smaller
difference may come from what else the machine did."""


@dataclass(frozen=True)
class RowDifferences:
    """The tests between the rows of a table.

    Attributes
    ----------
    ranking : Ranking
        What was tested.
    to_best : dict of str to Difference
        Each row's score minus that of the best row; of the best row itself, nothing.
    to_cheaper : dict of str to (str, Difference)
        For each row, the best of those that are cheaper, and the row's score minus its score.
    """

    ranking: Ranking
    to_best: dict[str, Difference]
    to_cheaper: dict[str, tuple[str, Difference]]


def compare_rows(
    rows: Mapping[str, TableRow], tested: Mapping[str, Sequence[Predictions]], score: str
) -> RowDifferences | None:
    """Compare rows, by their labels, on one score; None if there are no two that have it.

    The best row is the best of those that are not a baseline.
    """
    known = {label: row for label, row in rows.items() if row.scores[score].mean is not None}
    models = [label for label, row in known.items() if not row.baseline]
    if len(known) < 2 or not models:
        return None
    best = _best_of(known, models, score)
    cheaper = {
        label: _best_of(known, others, score)
        for label in models
        if (others := [other for other in known if _is_cheaper(rows, other, label)])
    }
    to_best = [(label, best) for label in known if label != best]
    to_cheaper = [(label, other) for label, other in cheaper.items() if best not in {label, other}]
    pairs = to_best + to_cheaper
    differences = compare_on(score, {label: tested[label] for label in known}, pairs)
    differences |= {(best, label): -differences[label, best] for label, _ in to_best}
    return RowDifferences(
        Ranking(score=score, best=best, tests=len(pairs), resamples=RESAMPLES),
        {label: differences[label, best] for label in known if label != best},
        {label: (other, differences[label, other]) for label, other in cheaper.items()},
    )


def _best_of(rows: Mapping[str, TableRow], labels: Sequence[str], score: str) -> str:
    sign = -1 if score in LOWER_IS_BETTER else 1
    return max(labels, key=lambda label: sign * (rows[label].scores[score].mean or 0))


def _is_cheaper(rows: Mapping[str, TableRow], other: str, label: str) -> bool:
    """Return whether another row takes clearly less time, and patient data only if this does."""
    cost, limit = (fit_cost(rows[name], rows.values()) for name in (other, label))
    if cost is None or limit is None:
        return False
    needs_no_more = rows[label].patients or not rows[other].patients
    return needs_no_more and cost < CHEAPER * limit
