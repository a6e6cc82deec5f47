"""What a model costs: times, numbers and size, the columns at the end of a table's rows."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from hmnist.results.formatting import byte_text, count_text
from hmnist.results.rows import TableRow


@dataclass(frozen=True)
class Cost:
    """One cost: the field of a row that holds it, and how a table shows it.

    Attributes
    ----------
    name : str
        The field of `TableRow`.
    heading : str
        The heading of its column.
    about : str
        What the heading means.
    text : callable
        From the number to what is printed.
    """

    name: str
    heading: str
    about: str
    text: Callable[[float], str]


COSTS: tuple[Cost, ...] = (
    Cost("fit_seconds", "fit s", "seconds to fit one model", "{:.1f}".format),
    Cost("predict_ms_per_1000", "ms/1000", "milliseconds to predict 1,000 images", "{:.0f}".format),
    Cost("parameters", "params", "numbers that are fitted", count_text),
    Cost("model_bytes", "size", "size of the model's files", byte_text),
)
"""Every cost, in the order of the table's columns."""

COST_NAMES: tuple[str, ...] = tuple(cost.name for cost in COSTS)


def fit_cost(row: TableRow, rows: Iterable[TableRow]) -> float | None:
    """Return the seconds that a row takes to fit, an ensemble together with its members.

    The members are looked up among `rows`; None where one of them is missing there.
    """
    times = {
        other.model: other.fit_seconds
        for other in rows
        if (other.oversampling, other.patients) == (row.oversampling, row.patients)
    }
    if not row.members.keys() <= times.keys():
        return None
    return row.fit_seconds + sum(times[member] for member in row.members)
