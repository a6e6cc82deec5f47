import json
from dataclasses import replace
from typing import Any

import numpy as np

from hmnist.guarded import decode_json
from hmnist.results.cautions import (
    MOST_NAMED,
    warn_of_cheaper,
    warn_of_failed,
    warn_of_folds,
    warn_of_leaks,
)
from hmnist.results.differences import RowDifferences
from hmnist.results.rows import Ranking, ScoreSummary, TableRow
from hmnist.scores.comparison import Difference
from hmnist.scores.predictions import Predictions
from tests.results.examples import data_facts, split_facts, table_row

RANKING = Ranking(score="balanced_accuracy", best="cnn", tests=3, resamples=5000)


def differences(*, ranking: Ranking = RANKING, **to_cheaper: Difference) -> RowDifferences:
    named = {name: ("mlp", difference) for name, difference in to_cheaper.items()}
    return RowDifferences(ranking, {}, named)


def scored(row: TableRow, score: str, mean: float, low: float, high: float) -> TableRow:
    return replace(row, scores={**row.scores, score: ScoreSummary(mean, None, low, high)})


def test_models_that_are_no_better_than_a_cheaper_one_are_named() -> None:
    better = Difference(0.05, 0.03, 0.07, 0.001)
    same = Difference(0.017, 0.001, 0.034, 0.07)
    worse = Difference(-0.04, -0.06, -0.02, 0.001)
    (warning,) = warn_of_cheaper(differences(cnn=same, transfer=better, xgboost=worse))
    assert warning == (
        "Not found to be better on balanced accuracy than a model that is trained in less than "
        "two thirds of the time: cnn than mlp (+.017 [+.001, +.034], p 0.070); xgboost than mlp "
        "(−.040 [−.060, −.020], p 0.001)."
    )
    assert not [*warn_of_cheaper(differences(transfer=better))]
    assert not [*warn_of_cheaper(None)]


def test_trainings_that_have_learnt_nothing_are_named() -> None:
    labels = np.array([2, 4, 6])
    same, other = np.full((3, 7), 1 / 7), np.eye(7)[labels]
    failed, sound = (Predictions(labels, each, each.argmax(axis=1)) for each in (same, other))
    rows = {"majority": table_row("majority", 0.1, baseline=True), "mlp": table_row("mlp", 0.5)}
    tested = {"majority": [failed, failed], "mlp": [sound, failed]}
    (warning,) = warn_of_failed(rows, tested)
    assert warning == (
        "mlp: 1 of 2 trainings has failed: it predicts the same for every image. Train it with "
        "other seeds or a lower learning rate."
    )
    assert not [*warn_of_failed(rows, {"mlp": [sound]})]
    assert not Predictions(labels[:1], same[:1], labels[:1]).are_constant


def test_a_sentence_on_many_rows_can_be_read() -> None:
    same = Difference(0.017, 0.001, 0.034, 0.07)
    rows: dict[str, Any] = {f"xgboost_{number}_with_a_long_label": same for number in range(48)}
    (warning,) = warn_of_cheaper(differences(**rows))
    assert warning.count(" than mlp ") == MOST_NAMED
    assert warning.endswith("; and 40 more rows.")
    assert decode_json(json.dumps([warning])) == [warning]  # as a table is read


def test_a_lower_loss_is_better() -> None:
    losses = replace(RANKING, score="log_loss")
    lower = Difference(-0.05, -0.07, -0.03, 0.001)
    assert not [*warn_of_cheaper(differences(ranking=losses, cnn=lower))]
    assert [*warn_of_cheaper(differences(ranking=losses, cnn=replace(lower, difference=0.05)))]


def test_a_fold_far_from_the_others_is_named() -> None:
    rows = {"cnn": scored(table_row("cnn", 0.6), "accuracy", 0.6, 0.59, 0.61)}
    # One fold of five explains a standard deviation of .01 / 1.96 * √5 = .011.
    quiet = {"cnn": [0.60, 0.61, 0.59, 0.60, 0.63]}
    assert not [*warn_of_folds(rows, quiet, "accuracy")]
    (warning,) = warn_of_folds(rows, {"cnn": [0.60, 0.61, 0.59, 0.60, 0.66]}, "accuracy")
    assert warning.startswith("cnn scores .660 on fold 5")
    assert "accuracy .600" in warning
    # Folds that all differ explain it, too; two folds tell nothing.
    assert not [*warn_of_folds(rows, {"cnn": [0.60, 0.64, 0.56, 0.62, 0.65]}, "accuracy")]
    assert not [*warn_of_folds(rows, {"cnn": [0.60, 0.95]}, "accuracy")]
    assert not [*warn_of_folds(rows, {"cnn": [0.6, 0.6, float("nan")]}, "accuracy")]


def test_scores_that_are_too_good_to_be_true_are_named() -> None:
    majority = scored(table_row("majority", 0.5), "accuracy", 0.67, 0.67, 0.67)
    good = scored(table_row("cnn", 0.5), "accuracy", 0.84, 0.82, 0.86)
    rows = {"cnn": good, "majority": majority}
    assert not [*warn_of_leaks(rows, data_facts(), split_facts())]
    rows["cnn"] = scored(good, "accuracy", 0.89, 0.87, 0.91)
    (warning,) = warn_of_leaks(rows, data_facts(), split_facts())
    assert warning.startswith("cnn has an accuracy of .890 [.870, .910], more than .850")
    assert warning.endswith("look for a leak with hmnist data check.")
    # Larger images may show more, generated ones anything, and a leak that is known is named above.
    assert not [*warn_of_leaks(rows, data_facts(image_shape=(112, 112, 3)), split_facts())]
    assert not [*warn_of_leaks(rows, data_facts(synthetic=True), split_facts())]
    for shared in (None, 7):
        assert not [*warn_of_leaks(rows, data_facts(), split_facts(shared_lesions=shared))]
    frequent = scored(majority, "accuracy", 0.85, 0.85, 0.85)
    assert not [*warn_of_leaks({**rows, "majority": frequent}, data_facts(), split_facts())]
    rows["cnn"] = scored(good, "roc_auc_ovr", 0.985, 0.98, 0.99)
    (warning,) = warn_of_leaks(rows, data_facts(), split_facts())
    assert "an AUC of .985" in warning
