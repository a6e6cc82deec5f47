"""Rows against each other, with predictions whose best model is known."""

from dataclasses import replace

import numpy as np
import pytest

from hmnist.results.differences import compare_rows
from hmnist.results.rows import TableRow
from hmnist.scores.intervals import mean_scores
from hmnist.scores.paired_tests import compare_on
from hmnist.scores.predictions import Predictions
from tests.results.examples import UNKNOWN, table_row
from tests.scores.test_comparison import draw_model

SKILLS = {"cnn": 2.6, "mlp": 2.5, "logistic": 1.0, "majority": -1.0}

SECONDS = {"cnn": 100.0, "mlp": 30.0, "logistic": 29.0, "majority": 0.0}


@pytest.fixture
def tested() -> dict[str, list[Predictions]]:
    return {
        name: [draw_model(10 * number + fold, skill, fold=fold) for fold in (0, 1)]
        for number, (name, skill) in enumerate(SKILLS.items())
    }


@pytest.fixture
def rows(tested: dict[str, list[Predictions]]) -> dict[str, TableRow]:
    rows = {}
    for name, predictions in tested.items():
        row = table_row(name, 0.5, fit_seconds=SECONDS[name])
        means = mean_scores(predictions)
        scores = {score: replace(row.scores[score], mean=mean) for score, mean in means.items()}
        rows[name] = replace(row, scores=scores)
    return rows


def test_every_row_is_compared_with_the_best_and_with_the_best_cheaper_one(
    rows: dict[str, TableRow], tested: dict[str, list[Predictions]]
) -> None:
    found = compare_rows(rows, tested, "accuracy")
    assert found is not None
    assert found.ranking.best == max(
        SKILLS, key=lambda name: rows[name].scores["accuracy"].mean or 0
    )
    assert set(found.to_best) == set(SKILLS) - {found.ranking.best}
    cheaper = {name: other for name, (other, _) in found.to_cheaper.items()}
    # mlp and logistic take about the same time.
    assert cheaper == {"cnn": "mlp", "mlp": "majority", "logistic": "majority"}
    best = found.ranking.best
    pairs = {(name, best) for name in found.to_best}
    pairs |= {(name, other) for name, other in cheaper.items() if best not in {name, other}}
    expected = compare_on("accuracy", tested, sorted(pairs))
    assert found.ranking.tests == len(pairs)
    for name, difference in found.to_best.items():
        assert difference == expected[name, best]
    for name, (other, difference) in found.to_cheaper.items():
        assert difference == (-expected[other, name] if name == best else expected[name, other])
    assert found.to_best["logistic"].p_value < 0.05
    assert (found.to_best["majority"].high or 0) < 0


def test_the_best_loss_is_the_smallest(
    rows: dict[str, TableRow], tested: dict[str, list[Predictions]]
) -> None:
    found = compare_rows(rows, tested, "log_loss")
    assert found is not None
    assert found.ranking.best in {"cnn", "mlp"}
    assert found.to_best["logistic"].difference > 0


def test_rows_that_do_not_have_the_score_take_no_part(
    rows: dict[str, TableRow], tested: dict[str, list[Predictions]]
) -> None:
    blind = replace(rows["mlp"], scores={**rows["mlp"].scores, "accuracy": UNKNOWN})
    found = compare_rows({**rows, "mlp": blind}, tested, "accuracy")
    assert found is not None
    assert "mlp" not in {*found.to_best, *found.to_cheaper}
    assert compare_rows({"majority": rows["majority"]}, tested, "accuracy") is None
    assert compare_rows({"cnn": rows["cnn"]}, tested, "accuracy") is None


def test_a_row_of_unknown_cost_is_not_compared_with_a_cheaper_one(
    rows: dict[str, TableRow], tested: dict[str, list[Predictions]]
) -> None:
    ensemble = replace(rows["logistic"], members={"cnn": 1.0, "unet": 0.0}, fit_seconds=0.1)
    found = compare_rows({**rows, "logistic": ensemble}, tested, "accuracy")
    assert found is not None
    assert "logistic" not in found.to_cheaper
    assert found.to_cheaper["mlp"][0] == "majority"


def test_patient_data_are_not_cheaper_than_none(
    rows: dict[str, TableRow], tested: dict[str, list[Predictions]]
) -> None:
    patients = replace(rows["mlp"], patients=True)
    found = compare_rows({**rows, "mlp": patients}, tested, "accuracy")
    assert found is not None
    assert found.to_cheaper["cnn"][0] == "logistic"
    assert np.isfinite(found.to_cheaper["cnn"][1].p_value)
