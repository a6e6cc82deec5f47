"""The rows of a table as JSON, CSV and pandas hold them."""

from collections.abc import Mapping
from typing import Any

from hmnist.results.costs import COST_NAMES
from hmnist.results.rows import TableRow
from hmnist.runs.facts import as_json
from hmnist.scores.scoring import SCORE_NAMES


def flatten_scores(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row, in JSON's types, with its scores beside the other entries; costs come last."""
    facts = {name: value for name, value in row.items() if name not in ("scores", *COST_NAMES)}
    return {**facts, **row["scores"], **{name: row[name] for name in COST_NAMES}}


def nest_scores(facts: dict[str, Any]) -> dict[str, Any]:
    """Undo `flatten_scores` in the rows of a table."""
    rows = [{**row, "scores": {name: row[name] for name in SCORE_NAMES}} for row in facts["rows"]]
    return {**facts, "rows": rows}


def flatten(row: TableRow) -> dict[str, Any]:
    """Return a row with a single value for each name; the names of its runs are left out."""
    flat: dict[str, Any] = {}
    for name, value in flatten_scores(as_json(row)).items():
        if name == "difference":
            parts = value or {}
            flat |= {name: parts.get(name)}
            flat |= {f"{name}_{part}": parts.get(part) for part in ("low", "high", "p_value")}
        elif isinstance(value, Mapping) and name != "runs":
            flat |= {f"{name}_{part}": number for part, number in value.items()}
        elif name != "runs":
            flat[name] = value
    return flat
