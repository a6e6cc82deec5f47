"""The numbers of `summarise_data` against pandas'."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from hmnist.dataset import LesionDataset
from hmnist.diagnoses import CODES
from hmnist.results.data_summary import summarise_data
from hmnist.sources.sample import load_sample
from tests.conftest import Command


@pytest.fixture(scope="module")
def data() -> LesionDataset:
    return load_sample(rows=400, seed=3)


def test_images_and_lesions_are_counted(data: LesionDataset) -> None:
    assert data.metadata is not None
    summary = summarise_data(data)
    counts = data.metadata["dx"].value_counts()
    assert summary.images_by_diagnosis == {code: counts.get(code, 0) for code in CODES}
    lesions = data.metadata.groupby("dx")["lesion_id"].nunique()
    assert summary.lesions_by_diagnosis == {code: lesions.get(code, 0) for code in CODES}
    assert summary.lesions == data.metadata["lesion_id"].nunique()


def test_confirmations_are_pandas_cross_table(data: LesionDataset) -> None:
    assert data.metadata is not None
    expected = pd.crosstab(data.metadata["dx"], data.metadata["dx_type"])
    counted = summarise_data(data).images_by_dx_type
    assert counted is not None
    for code in CODES:
        row = expected.loc[code] if code in expected.index else 0 * expected.iloc[0]
        assert counted[code] == row.to_dict()


def test_missing_values_are_counted(data: LesionDataset) -> None:
    table = pd.DataFrame(
        {
            "image_id": [f"image {number}" for number in range(len(data))],
            "age": np.where(np.arange(len(data)) % 4 == 0, np.nan, 40.0),
            "sex": np.where(np.arange(len(data)) < 30, "unknown", "female"),
        }
    )
    summary = summarise_data(replace(data, metadata=table))
    assert summary.metadata is not None
    found = {column.name: column for column in summary.metadata}
    assert (found["age"].kind, found["age"].missing, found["age"].distinct) == ("number", 100, 1)
    assert (found["sex"].kind, found["sex"].missing, found["sex"].distinct) == ("text", 30, 1)
    assert found["image_id"].distinct == len(data)
    assert summary.images_by_dx_type is None


def test_without_metadata_it_says_less(data: LesionDataset) -> None:
    summary = summarise_data(replace(data, metadata=None, lesion_ids=None))
    assert len(summary.tables()) == 1
    assert summary.lesions_by_diagnosis is None
    assert "lesions unknown" in repr(summary)
    facts = json.loads(summary.to_json())
    assert facts["schema"] == "hmnist-data/1"
    assert facts["images"] == len(data)


def test_all_tables_stand_on_the_terminal(command: Command) -> None:
    text = command("data", "info", "sample").out
    for word in ("melanocytic naevus", "images by dx_type", "histo", "localization"):
        assert word in text
