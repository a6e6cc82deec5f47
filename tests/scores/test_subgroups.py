"""Scores of subgroups against scipy and against counting."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from hmnist.diagnoses import MALIGNANT
from hmnist.errors import UsageError
from hmnist.patients import encode_patients
from hmnist.scores.intervals import score_intervals
from hmnist.scores.predictions import Predictions
from hmnist.scores.scoring import score_predictions
from hmnist.scores.subgroups import (
    Share,
    mean_interval,
    patient_groups,
    score_subgroup,
    wilson_interval,
)


def predictions(
    rng: np.random.Generator, n: int = 300, lesions: bool = True, right: float = 0.6
) -> Predictions:
    labels = np.arange(n) // 2 % 7  # pairs of images show one lesion
    predicted = np.where(rng.random(n) < right, labels, rng.integers(7, size=n))
    ids = np.arange(n) // 2 if lesions else None
    return Predictions(labels, np.full((n, 7), 1 / 7), predicted, ids)


@pytest.mark.parametrize(("hits", "count"), [(0, 1), (0, 12), (3, 7), (29, 29), (1000, 2000)])
def test_the_interval_of_a_share_is_wilsons(hits: int, count: int) -> None:
    expected = binomtest(hits, count).proportion_ci(method="wilson")
    low, high = wilson_interval(hits / count, count)
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_a_mean_of_one_share_has_its_interval() -> None:
    share = Share(0.8, 0.5, 0.95)
    assert mean_interval([share]) == share


def test_a_mean_of_normal_shares_has_the_usual_interval() -> None:
    # Symmetric intervals: the half widths of independent means add in squares.
    shares = [Share(0.5, 0.4, 0.6), Share(0.3, 0.1, 0.5)]
    half = np.hypot(0.1, 0.2) / 2
    mean = mean_interval(shares)
    assert (mean.low, mean.high) == pytest.approx((0.4 - half, 0.4 + half))


def test_scores_are_those_of_the_images_of_the_group(rng: np.random.Generator) -> None:
    everything = predictions(rng)
    members = rng.random(300) < 0.4
    group = score_subgroup([[everything]], members)
    labels, predicted = everything.labels[members], everything.predicted[members]
    expected = score_predictions(labels, np.full((members.sum(), 7), 1 / 7), predicted).to_dict()
    for name, share in group.scores[0].items():
        assert share is not None
        assert share.value == pytest.approx(expected[name])
        assert share.low <= share.value <= share.high
    assert group.images == members.sum()
    assert group.lesions == len(set(np.flatnonzero(members) // 2))
    assert group.diagnoses == 7


def test_intervals_count_lesions_where_they_are_known(rng: np.random.Generator) -> None:
    known = predictions(rng)
    unknown = Predictions(known.labels, known.probabilities, known.predicted)
    everyone = np.full(300, fill_value=True)
    scores = [score_subgroup([[each]], everyone).scores[0]["accuracy"] for each in (known, unknown)]
    by_lesion, by_image = (share for share in scores if share is not None)
    value = float((known.labels == known.predicted).mean())
    assert (by_lesion.low, by_lesion.high) == wilson_interval(value, 150)
    assert (by_image.low, by_image.high) == wilson_interval(value, 300)
    assert score_subgroup([[unknown]], everyone).lesions is None


def test_balanced_accuracy_has_about_the_interval_of_a_bootstrap(rng: np.random.Generator) -> None:
    # One image per lesion and many of them: there both are right.
    n = 2800
    labels = np.arange(n) % 7
    predicted = np.where(rng.random(n) < 0.6, labels, (labels + 1) % 7)
    each = Predictions(labels, np.full((n, 7), 1 / 7), predicted, np.arange(n))
    share = score_subgroup([[each]], np.full(n, fill_value=True)).scores[0]["balanced_accuracy"]
    assert share is not None
    low, high = score_intervals([each])["balanced_accuracy"]
    assert (share.low, share.high) == pytest.approx((low, high), abs=0.004)


def test_a_few_right_answers_do_not_make_certain() -> None:
    labels = np.array([4, 4, 4])
    each = Predictions(labels, np.full((3, 7), 1 / 7), labels)
    share = score_subgroup([[each]], np.full(3, fill_value=True)).scores[0]["balanced_accuracy"]
    assert share is not None
    assert share.value == share.high == 1
    assert share.low < 0.5


def test_scores_that_no_image_tells_are_none() -> None:
    benign = np.full(5, 4)
    each = Predictions(benign, np.full((5, 7), 1 / 7), benign)
    scores = score_subgroup([[each]], np.full(5, fill_value=True)).scores[0]
    assert scores["sensitivity_malignant"] is None
    assert scores["specificity_malignant"] is not None


def test_trainings_of_a_model_are_averaged(rng: np.random.Generator) -> None:
    first, second = predictions(rng), predictions(rng, right=0.2)
    everyone = np.full(300, fill_value=True)
    group = score_subgroup([[first], [second], [first, second]], everyone)
    for name in ("balanced_accuracy", "accuracy", "sensitivity_malignant"):
        one, other, both = (scores[name] for scores in group.scores)
        assert one is not None
        assert other is not None
        assert both is not None
        assert both.value == pytest.approx((one.value + other.value) / 2)


def test_other_images_and_empty_groups_are_refused(rng: np.random.Generator) -> None:
    first, other = predictions(rng), predictions(rng, lesions=False)
    with pytest.raises(UsageError, match="different images"):
        score_subgroup([[first], [other]], np.full(300, fill_value=True))
    with pytest.raises(UsageError, match="without images"):
        score_subgroup([[first]], np.full(300, fill_value=False))


def test_groups_are_those_of_the_metadata() -> None:
    table = pd.DataFrame(
        {
            "age": [10.0, 15.0, 29.0, 44.0, 80.0, np.nan],
            "sex": ["male", "female", "male", "unknown", "female", "male"],
            "localization": ["back", "back", "ear", "face", "nowhere", "ear"],
        }
    )
    patients = encode_patients(table)
    assert patients is not None
    found = {(kind, name): members for kind, name, members in patient_groups(patients)}
    ages = [name for kind, name in found if kind == "age"]
    assert ages == ["below 15", "15–29", "30–44", "75 or more", "unknown"]
    assert np.flatnonzero(found["age", "15–29"]).tolist() == [1, 2]
    assert np.flatnonzero(found["sex", "male"]).tolist() == [0, 2, 5]
    assert np.flatnonzero(found["site", "ear"]).tolist() == [2, 5]
    assert np.flatnonzero(found["site", "unknown"]).tolist() == [4]
    for kind in ("age", "sex", "site"):  # each image belongs to one group of each kind
        of_kind = [members for (of, _), members in found.items() if of == kind]
        assert np.sum(of_kind, axis=0).tolist() == [1] * 6


def test_malignant_is_what_the_diagnoses_say() -> None:
    # The sensitivity counts any malignant diagnosis as right, not only the true one.
    labels = np.array(MALIGNANT)
    confused = np.roll(labels, 1)
    each = Predictions(labels, np.full((3, 7), 1 / 7), confused)
    scores = score_subgroup([[each]], np.full(3, fill_value=True)).scores[0]
    assert scores["sensitivity_malignant"] is not None
    assert scores["sensitivity_malignant"].value == 1
    assert scores["accuracy"] is not None
    assert scores["accuracy"].value == 0
