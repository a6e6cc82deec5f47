"""The columns of a table: scores and costs, each with its name and its heading."""

from hmnist.errors import unknown_name
from hmnist.results.formatting import byte_text, count_text
from hmnist.scores.scoring import SCORES

COSTS = {
    "fit_seconds": ("fit s", "{:.1f}".format),
    "predict_ms_per_1000": ("ms/1000", "{:.0f}".format),
    "parameters": ("params", count_text),
    "model_bytes": ("size", byte_text),
}
"""The costs of a model, each with its heading and its format."""

COLUMNS = (*(score.name for score in SCORES), *COSTS)
"""The columns that rows can be sorted by."""

_NAME_OF_HEADING = {score.heading.lower(): score.name for score in SCORES} | {
    heading.lower(): name for name, (heading, _) in COSTS.items()
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
    found = _NAME_OF_HEADING.get(name.lower(), name.lower())
    if found not in COLUMNS:
        raise unknown_name("column", name, COLUMNS)
    return found
