"""p-values against scipy and against arithmetic done by hand."""

from itertools import product
from unittest.mock import ANY

import numpy as np
import pytest
from scipy import stats

from hmnist.scores.predictions import Predictions
from hmnist.scores.significance import (
    McNemar,
    bootstrap_p_value,
    correct_holm,
    mcnemar,
    smallest_p_value,
)
from tests.scores.test_comparison import draw_model, pairs_of_images


def test_mcnemar_is_the_mid_p_of_the_binomial_test() -> None:
    first, second = draw_model(8, 2.0), draw_model(9, 1.4)

    test = mcnemar([first], [second])

    first_right, second_right = (model.predicted == model.labels for model in (first, second))
    wins = int((first_right & ~second_right).sum())
    losses = int((~first_right & second_right).sum())
    exact = stats.binomtest(wins, wins + losses).pvalue
    observed = stats.binom.pmf(wins, wins + losses, 0.5)
    assert (test.first, test.second, test.counted) == (wins, losses, "images")
    assert test.p_value == pytest.approx(exact - observed)


def test_mcnemar_counts_a_lesion_once() -> None:
    lesions = pairs_of_images()
    first, second = draw_model(10, 2.0, lesions=lesions), draw_model(11, 1.4, lesions=lesions)

    test = mcnemar([first], [second])

    first_right, second_right = (
        (model.predicted == model.labels).astype(int) for model in (first, second)
    )
    lead = first_right - second_right
    by_lesion = [lead[lesions == lesion].sum() for lesion in np.unique(lesions)]
    assert test.first == sum(total > 0 for total in by_lesion)
    assert test.second == sum(total < 0 for total in by_lesion)
    assert test.counted == "lesions"


def test_mcnemar_of_equal_counts_is_one() -> None:
    labels = np.array([4, 4])
    first = Predictions(labels, np.eye(7)[[4, 6]], np.array([4, 6]))
    second = Predictions(labels, np.eye(7)[[6, 4]], np.array([6, 4]))

    assert mcnemar([first], [second]) == McNemar(1, 1, 1.0, "images")


def test_mcnemar_counts_all_trainings_of_a_model() -> None:
    """Once one model is right on all images, once the other."""
    labels = np.full(40, 4)
    right, wrong = (Predictions(labels, np.eye(7)[labels], np.full(40, code)) for code in (4, 6))
    half = Predictions(labels, np.eye(7)[labels], np.where(np.arange(40) < 30, 4, 6))

    assert mcnemar([right, wrong], [wrong, right]) == McNemar(0, 0, 1.0, "images")
    assert mcnemar([right, half], [half]) == mcnemar([right], [half])
    assert mcnemar([right, half], [half]).first == 10
    assert mcnemar([right, wrong, wrong], [half, half, half]) == McNemar(10, 30, ANY, "images")


def test_p_values_are_no_smaller_than_a_permutation_test_can_show() -> None:
    """Of three lesions, all eight ways to exchange the models are tried."""
    differences = np.array([1.0, 1.0, 1.0])
    signs = np.array(list(product([-1, 1], repeat=3)))
    totals = np.abs((signs * differences).sum(axis=1))
    assert smallest_p_value(3) == (totals >= differences.sum()).mean()
    assert smallest_p_value(0) == smallest_p_value(1) == 1


def test_holm_by_hand() -> None:
    assert correct_holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert correct_holm([0.5, 0.9]) == pytest.approx([1.0, 1.0])
    assert correct_holm([0.2]) == [0.2]
    unknown = float("nan")
    assert correct_holm([0.02, unknown]) == pytest.approx([0.02, unknown], nan_ok=True)


def test_bootstrap_p_by_hand() -> None:
    assert bootstrap_p_value(np.arange(1.0, 100.0)) == pytest.approx(2 / 100)
    assert bootstrap_p_value(np.array([-1.0, 1.0, 2.0])) == pytest.approx(1.0)
    assert bootstrap_p_value(np.zeros(9)) == 1.0
    assert np.isnan(bootstrap_p_value(np.full(3, np.nan)))
    # Always the same difference: as small as four resamples can show.
    assert bootstrap_p_value(np.array([0.1, 0.1 + 1e-16, 0.1, 0.1])) == pytest.approx(2 / 5)


def test_the_tail_beyond_all_resamples_is_normal(rng: np.random.Generator) -> None:
    drawn = rng.normal(0.06, 0.01, 50_000)
    assert bootstrap_p_value(drawn) == pytest.approx(stats.norm.sf(6) * 2, rel=0.3)
    assert bootstrap_p_value(-drawn) == bootstrap_p_value(drawn)
    assert bootstrap_p_value(drawn, 20) == pytest.approx(stats.t.sf(6, 20) * 2, rel=0.3)
    assert bootstrap_p_value(drawn - 0.035) == pytest.approx(stats.norm.sf(2.5) * 2, rel=0.2)
