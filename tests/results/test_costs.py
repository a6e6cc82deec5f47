"""The costs of a row: fields that it has, and how they are printed."""

import dataclasses

from hmnist.results.costs import COST_NAMES, COSTS, fit_cost
from hmnist.results.rows import TableRow
from tests.results.examples import table_row


def test_each_cost_is_a_field_of_a_row() -> None:
    fields = [field.name for field in dataclasses.fields(TableRow)]
    assert [name for name in fields if name in COST_NAMES] == list(COST_NAMES)


def test_costs_are_printed_in_their_units() -> None:
    row = table_row(
        "cnn",
        0.6,
        fit_seconds=12.34,
        predict_ms_per_1000=56.7,
        parameters=1_090_000,
        model_bytes=440_400,
    )
    texts = {cost.heading: cost.text(getattr(row, cost.name)) for cost in COSTS}
    assert texts == {"fit s": "12.3", "ms/1000": "57", "params": "1.09 M", "size": "440.4 kB"}


def test_an_ensemble_costs_what_its_models_cost() -> None:
    rows = [
        table_row("cnn", 0.6, fit_seconds=100.0),
        table_row("logistic", 0.5, fit_seconds=29.0),
        table_row("mlp", 0.5, fit_seconds=30.0),
        table_row("cnn", 0.7, patients=True, fit_seconds=500.0),
    ]
    members = {"cnn": 0.9, "logistic": 0.0}
    ensemble = table_row("ensemble", 0.6, members=members, fit_seconds=0.5)
    assert fit_cost(rows[0], rows) == 100
    assert fit_cost(ensemble, [*rows, ensemble]) == 129.5
    assert fit_cost(ensemble, [rows[0], rows[3]]) is None
