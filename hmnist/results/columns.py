"""The columns of a table: scores and costs, each with its name and its heading."""

from hmnist.errors import check_kind, unknown_name
from hmnist.results.costs import COST_NAMES, COSTS
from hmnist.scores.scoring import SCORES

COLUMNS: tuple[str, ...] = (*(score.name for score in SCORES), *COST_NAMES)
"""The columns that rows can be sorted by."""

_NAME_OF_HEADING = {score.heading.lower(): score.name for score in SCORES} | {
    cost.heading.lower(): cost.name for cost in COSTS
}


def find_column(name: str) -> str:
    """Return the name of a column by its name or its heading, whatever the case.

    Raises
    ------
    UsageError
        If there is no such column.

    Examples
    --------
    >>> find_column("AUC"), find_column("Accuracy"), find_column("fit s")
    ('roc_auc_ovr', 'accuracy', 'fit_seconds')
    """
    check_kind(name, str, f"Name a column: {', '.join(COLUMNS)}.")
    found = _NAME_OF_HEADING.get(name.lower(), name.lower())
    if found not in COLUMNS:
        raise unknown_name("column", name, COLUMNS)
    return found
