from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from hmnist.arrays import Array
from hmnist.checks.columns import find_diagnosis_with_errors, find_identifier_among_features
from hmnist.checks.given import as_features
from hmnist.checks.subject import Found, Subject, TooFew
from hmnist.dataset import LesionDataset
from hmnist.diagnoses import CODES
from hmnist.sources.sample import load_sample

ROWS = 700


@pytest.fixture(scope="module")
def data() -> LesionDataset:
    return load_sample(rows=ROWS)


def subject(data: LesionDataset, features: pd.DataFrame | list[str]) -> Subject:
    return Subject(data, None, *as_features(features, len(data)))


def with_errors(data: LesionDataset, column: Array) -> Found | TooFew | None:
    noise = np.random.default_rng(1).normal(size=ROWS)
    return find_diagnosis_with_errors(subject(data, pd.DataFrame({"age": noise, "x": column})))


def test_the_diagnosis_with_noise_is_found(data: LesionDataset, rng: np.random.Generator) -> None:
    for noise in (0.1, 0.5):
        found = with_errors(data, data.labels + rng.normal(0, noise, ROWS))
        assert isinstance(found, Found)
        assert "'x' alone" in found.sentence
    assert with_errors(data, data.labels + rng.normal(0, 4, ROWS)) is None


@pytest.mark.parametrize("codes", [["nv"], ["mel"], ["akiec", "bcc", "mel"]])
def test_one_diagnosis_with_noise_or_wrong_rows_is_found(
    data: LesionDataset, rng: np.random.Generator, codes: list[str]
) -> None:
    is_one = np.isin(data.labels, [CODES.index(code) for code in codes])
    noisy = with_errors(data, is_one + rng.normal(0, 0.1, ROWS))
    flipped = with_errors(data, is_one ^ (rng.random(ROWS) < 0.01))
    for found in (noisy, flipped):
        assert isinstance(found, Found)
        assert " alone tells " in found.sentence or "with a few errors" in found.sentence
    assert with_errors(data, is_one + rng.normal(0, 2, ROWS)) is None


@pytest.mark.parametrize("share", [0.01, 0.03])
def test_the_diagnosis_with_wrong_rows_is_found(
    data: LesionDataset, rng: np.random.Generator, share: float
) -> None:
    labels = data.labels.copy()
    wrong = rng.choice(ROWS, int(share * ROWS), replace=False)
    labels[wrong] = (labels[wrong] + 1) % 7
    assert with_errors(data, labels) is not None
    assert with_errors(data, labels == 4) is not None


def test_the_diagnosis_itself_is_another_check(data: LesionDataset) -> None:
    assert with_errors(data, data.labels) is None


def test_properties_are_no_diagnosis(data: LesionDataset) -> None:
    assert data.metadata is not None
    properties = data.metadata[["age", "sex", "localization"]]
    assert find_diagnosis_with_errors(subject(data, properties)) is None
    assert isinstance(find_diagnosis_with_errors(subject(data, ["age"])), TooFew)
    empty = pd.DataFrame({"x": np.full(ROWS, np.nan), "y": np.zeros(ROWS)})
    assert find_diagnosis_with_errors(subject(data, empty)) is None


@pytest.mark.parametrize(
    "name", ["lesion_id", "image_id", "Patient ID", "id", "index", "ISIC", "image", "file name"]
)
def test_names_by_their_title(data: LesionDataset, name: str) -> None:
    found = find_identifier_among_features(subject(data, ["age", name]))
    assert isinstance(found, Found)
    assert repr(name) in found.sentence


def test_names_by_their_values(data: LesionDataset) -> None:
    for column, what in ((data.lesion_ids, "lesions"), (data.image_ids, "rows")):
        found = find_identifier_among_features(subject(data, pd.DataFrame({"x": column})))
        assert isinstance(found, Found)
        assert f"numbers the {what}" in found.sentence
    shuffled = np.random.default_rng(0).permutation(600)
    _, lesions = np.unique(data.lesion_ids, return_inverse=True)  # type: ignore[call-overload]  # known
    assert find_identifier_among_features(subject(data, pd.DataFrame({"x": shuffled[lesions]})))


def test_the_lesions_of_the_file_are_names_though_some_are_known_as_one(
    data: LesionDataset,
) -> None:
    assert data.lesion_ids is not None
    assert data.metadata is not None
    first, second = np.unique(data.lesion_ids)[:2]
    merged = np.where(data.lesion_ids == second, first, data.lesion_ids)
    numbers = np.unique(data.metadata["lesion_id"], return_inverse=True)[1] * 7.0
    with_gap = numbers.copy()
    with_gap[5] = np.nan
    for column in (numbers, with_gap):
        found = find_identifier_among_features(
            subject(replace(data, lesion_ids=merged), pd.DataFrame({"x": column}))
        )
        assert isinstance(found, Found)
        assert "numbers the lesions" in found.sentence


def test_a_property_that_few_images_have_is_no_name(data: LesionDataset) -> None:
    assert data.lesion_ids is not None
    lesions = np.unique(data.lesion_ids, return_inverse=True)[1]
    diameters = np.full(ROWS, np.nan)
    for number, lesion in enumerate(np.flatnonzero(np.bincount(lesions) > 1)[:7]):
        diameters[np.flatnonzero(lesions == lesion)[:2]] = 3.1 + 1.7 * number
    for column in (diameters, np.full(ROWS, 1e30), np.full(ROWS, np.inf)):
        assert find_identifier_among_features(subject(data, pd.DataFrame({"x": column}))) is None


def test_words_may_have_empty_cells(data: LesionDataset) -> None:
    for ids, what in ((data.image_ids, "rows"), (data.lesion_ids, "lesions")):
        words = pd.Series(ids, dtype=object)
        words[[3, 8]] = None
        found = find_identifier_among_features(subject(data, pd.DataFrame({"x": words})))
        assert found is not None
        assert f"numbers the {what}" in found.sentence


def test_row_numbers_may_have_empty_cells(data: LesionDataset) -> None:
    numbers = np.arange(ROWS, dtype=float)
    numbers[[3, 8]] = np.nan
    found = find_identifier_among_features(subject(data, pd.DataFrame({"x": numbers})))
    assert isinstance(found, Found)
    assert "numbers the rows" in found.sentence


def test_the_numbers_of_a_part_of_the_images_in_any_order(data: LesionDataset) -> None:
    numbers = np.random.default_rng(0).choice(10 * ROWS, ROWS, replace=False).astype(float)
    found = find_identifier_among_features(subject(data, pd.DataFrame({"x": numbers})))
    assert isinstance(found, Found)
    assert "numbers the rows" in found.sentence
    twice, far = numbers.copy(), numbers * ROWS
    twice[0] = twice[1]
    for column in (twice, far, numbers + 0.5):
        assert find_identifier_among_features(subject(data, pd.DataFrame({"x": column}))) is None


def test_properties_are_no_names(data: LesionDataset) -> None:
    assert data.metadata is not None
    properties = data.metadata[["age", "sex", "localization"]].assign(
        noise=np.random.default_rng(0).normal(size=ROWS)
    )
    assert find_identifier_among_features(subject(data, properties)) is None
    names = ["age", "acid", "valid", "idle", "image_width", "lesion_area", "rows", "paid"]
    assert find_identifier_among_features(subject(data, names)) is None
