"""Patient data as numbers: against pandas' own indicators, and what counts as unknown."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from hmnist.dataset import LesionDataset
from hmnist.errors import UsageError
from hmnist.patients import (
    AGE_BOUNDS,
    AGE_GROUPS,
    HIDDEN_SHARE,
    OLDEST,
    PATIENT_COLUMNS,
    SEXES,
    SITES,
    UNKNOWN_PATIENT,
    check_patients,
    describe_unknown,
    encode_patients,
    find_unknown,
    hide_patients,
)


def encode(**columns: object) -> pd.DataFrame:
    encoded = encode_patients(pd.DataFrame(columns))
    assert encoded is not None
    assert encoded.dtype == np.float32
    return pd.DataFrame(encoded, columns=list(PATIENT_COLUMNS))


def test_words_are_those_of_pandas_indicators(sample: LesionDataset) -> None:
    assert sample.metadata is not None
    encoded = encode(**{name: sample.metadata[name] for name in ("age", "sex", "localization")})
    np.testing.assert_array_equal(sample.patients, encoded)
    for field, words, prefix in (("sex", SEXES, "sex"), ("localization", SITES, "site")):
        expected = pd.get_dummies(sample.metadata[field]).reindex(columns=words, fill_value=False)
        found = encoded[[f"patient {prefix} {word}" for word in words]]
        np.testing.assert_array_equal(found.to_numpy(), expected.to_numpy())


def test_age_is_scaled_and_grouped_and_its_absence_is_marked(sample: LesionDataset) -> None:
    assert sample.metadata is not None
    age, encoded = sample.metadata["age"], encode(age=sample.metadata["age"])
    np.testing.assert_array_equal(encoded["patient age unknown"] == 1, age.isna())
    years = encoded["patient age"] * 20 + 50
    np.testing.assert_allclose(years, age.fillna(50), atol=1e-4)
    edges = [0, *AGE_BOUNDS, OLDEST + 1]
    groups = pd.get_dummies(pd.cut(age, edges, right=False))
    found = encoded[[f"patient age {group}" for group in AGE_GROUPS]]
    np.testing.assert_array_equal(found.to_numpy(), groups.to_numpy())


def test_what_is_missing_or_no_word_is_unknown() -> None:
    encoded = encode(
        age=[np.nan, -1.0, 121.0, np.inf],
        sex=["unknown", "", "divers", None],
        localization=[np.nan, "unknown", "anterior torso", "sole"],
    )
    np.testing.assert_array_equal(encoded, np.tile(UNKNOWN_PATIENT, (4, 1)))
    assert find_unknown(encoded.to_numpy()).all()
    np.testing.assert_array_equal(encode(sex=["male"], age=[50])["patient site unknown"], [1])
    np.testing.assert_array_equal(encode(sex=["male"], age=["?"])["patient age unknown"], [1])


def test_spelling_is_forgiven() -> None:
    first = encode(sex=["female"], localization=["lower extremity"])
    second = encode(sex=[" Female"], localization=["Lower Extremity "])
    np.testing.assert_array_equal(first, second)
    assert not find_unknown(first.to_numpy()).any()


def test_metadata_without_the_columns_have_none(sample: LesionDataset) -> None:
    assert encode_patients(None) is None
    assert encode_patients(pd.DataFrame({"image_id": ["a"], "dx_type": ["histo"]})) is None


def test_how_a_diagnosis_was_confirmed_is_not_read() -> None:
    first, second = (encode(age=[40.0], dx_type=[kind]) for kind in ("histo", "follow_up"))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(
    "patients",
    [
        np.zeros((2, 3)),
        np.zeros(len(PATIENT_COLUMNS)),
        np.full((2, len(PATIENT_COLUMNS)), np.nan),
        np.full((2, len(PATIENT_COLUMNS)), "male"),
    ],
)
def test_other_arrays_are_refused(patients: npt.NDArray[Any]) -> None:
    with pytest.raises(UsageError, match="expected finite numbers of shape"):
        check_patients(patients, 2)


def test_a_share_of_rows_is_hidden_whole(rng: np.random.Generator) -> None:
    patients = np.ones((10_000, len(PATIENT_COLUMNS)), np.float32)
    hidden = hide_patients(patients, rng.random(10_000))
    assert hidden.dtype == np.float32
    unknown = find_unknown(hidden)
    assert unknown.mean() == pytest.approx(HIDDEN_SHARE, abs=0.02)
    assert (hidden[~unknown] == 1).all()


def test_images_without_patient_data_are_counted() -> None:
    known = np.zeros((2, len(PATIENT_COLUMNS)), np.float32)
    assert describe_unknown([known], 2) == ""
    assert "3 of 5 images have none" in describe_unknown([known, None], 5)
