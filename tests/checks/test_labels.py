from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from hmnist.checks.labels import (
    find_exchanged_diagnoses,
    find_wrong_labels,
    rank_contradictions,
)
from hmnist.checks.subject import Found, Subject, TooFew
from hmnist.dataset import LesionDataset
from hmnist.diagnoses import CODES, MEDMNIST_CODES
from hmnist.scores.subgroups import wilson_interval
from tests.checks.painted import paint_evenly, relabel


@pytest.fixture(scope="module")
def painted() -> LesionDataset:
    return paint_evenly(80)


def test_right_names_are_not_exchanged(painted: LesionDataset) -> None:
    assert find_exchanged_diagnoses(Subject(painted)) is None


@pytest.mark.parametrize(("first", "second"), list(combinations(range(7), 2)))
def test_two_diagnoses_exchanged(painted: LesionDataset, first: int, second: int) -> None:
    order = np.arange(7)
    order[[first, second]] = second, first
    found = find_exchanged_diagnoses(Subject(relabel(painted, order[painted.labels])))
    assert isinstance(found, Found)
    one, other = CODES[first], CODES[second]
    assert f"{one} as {other}" in found.sentence
    assert f"{other} as {one}" in found.sentence
    assert found.sentence.count(" as ") == 3  # "look as if"
    assert found.evidence["as given"] > found.evidence["exchanged"]  # type: ignore[operator]  # numbers


def test_another_order_in_a_balanced_file(painted: LesionDataset) -> None:
    order = np.array([MEDMNIST_CODES.index(code) for code in CODES])
    found = find_exchanged_diagnoses(Subject(relabel(painted, order[painted.labels])))
    assert isinstance(found, Found)
    assert all(f"{code} as" in found.sentence for code in ("nv", "vasc", "mel"))


def test_few_images_of_a_diagnosis_say_nothing() -> None:
    few = paint_evenly(29)
    assert isinstance(find_exchanged_diagnoses(Subject(relabel(few, 6 - few.labels))), TooFew)


def test_wrong_labels(painted: LesionDataset, rng: np.random.Generator) -> None:
    assert find_wrong_labels(Subject(painted)) is None
    labels = painted.labels.copy()
    rows = rng.choice(len(labels), 56, replace=False)
    labels[rows] = (labels[rows] + 3) % 7
    found = find_wrong_labels(Subject(relabel(painted, labels)))
    assert isinstance(found, Found)
    assert found.evidence["of"] == 112
    assert 4 <= found.evidence["wrong"] <= 20  # type: ignore[operator]  # numbers
    named = found.sentence.split("Look at ")[1].removesuffix(" first.").split(", ")
    assert {int(name.removeprefix("row ")) for name in named} <= set(rows.tolist())


def test_the_interval_counts_lesions_where_they_are_known(
    painted: LesionDataset, rng: np.random.Generator
) -> None:
    labels = painted.labels.copy()
    rows = rng.choice(len(labels), 84, replace=False)
    labels[rows] = (labels[rows] + 3) % 7
    data = relabel(painted, labels)
    # Three images of each lesion, so that models see others of a lesion as rarely as before.
    lesions = np.char.add("L", (np.arange(len(labels)) // 3).astype(str))
    unknown, known = (
        find_wrong_labels(Subject(each)) for each in (data, replace(data, lesion_ids=lesions))
    )
    assert isinstance(unknown, Found)
    assert isinstance(known, Found)
    assert "95% interval over images" in unknown.sentence
    assert "95% interval over lesions" in known.sentence
    assert "lesions" not in unknown.evidence
    for found, count in ((unknown, unknown.evidence["of"]), (known, known.evidence["lesions"])):
        wrong, of, low, high = (found.evidence[name] for name in ("wrong", "of", "low", "high"))
        assert (low, high) == wilson_interval(wrong / of, count)  # type: ignore[operator,arg-type]  # numbers
    assert known.evidence["lesions"] < known.evidence["of"]  # type: ignore[operator]  # numbers


def test_few_images_have_no_surest_fifth() -> None:
    few = paint_evenly(70)
    labels = (few.labels + (np.arange(490) % 3 == 0)) % 7
    assert isinstance(find_wrong_labels(Subject(relabel(few, labels))), TooFew)


def test_contradictions_are_ranked_by_their_margin() -> None:
    probabilities = np.full((20, 7), 0.01)
    probabilities[:, 4] = 0.94
    probabilities[:3, 4] = 0.97, 0.96, 0.95
    probabilities[3, 4] = 0.98
    labels = np.full(20, 4)
    labels[[1, 2, 19]] = 6
    surest, wrong = rank_contradictions(probabilities, labels)
    assert sorted(surest.tolist()) == [0, 1, 2, 3]
    assert wrong.tolist() == [1, 2]
