from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmnist.diagnoses import CODES
from hmnist.errors import TrustError
from hmnist.runs.predictions import PartPredictions, read_predictions, write_predictions
from hmnist.runs.run import Run


@given(seed=st.integers(0, 2**32 - 1), sizes=st.tuples(st.integers(0, 5), st.integers(1, 5)))
def test_predictions_are_read_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, seed: int, sizes: tuple[int, int]
) -> None:
    rng = np.random.default_rng(seed)
    parts = {
        name: PartPredictions(
            rows=rng.integers(0, 10_000, size),
            labels=rng.integers(0, 7, size),
            predicted=rng.integers(0, 7, size),
            probabilities=rng.dirichlet(np.ones(7), size),
            image_ids=rng.choice(["ISIC_1", "null", "NA", "007", "1e5", 'a,"b'], size),
        )
        for name, size in zip(("validation", "test"), sizes, strict=True)
    }
    folder = tmp_path_factory.mktemp("run")
    write_predictions(folder, parts)
    for name, read in read_predictions(folder).items():
        for field in ("rows", "labels", "predicted", "probabilities", "image_ids"):
            np.testing.assert_array_equal(getattr(read, field), getattr(parts[name], field))
        assert read.lesion_ids is None


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("part", "tost", "'tost'"),
        ("diagnosis", "wart", "'wart' is not a diagnosis"),
        ("predicted", "", "is not a diagnosis"),
        ("nv", 1.5, "outside 0–1"),
        ("nv", np.nan, "is damaged"),
        ("nv", np.inf, "not finite"),
        ("row", "first", "is damaged"),
        ("mel", "much", "is damaged"),
    ],
)
def test_a_damaged_cell_is_refused(
    run: Run, tmp_path: Path, column: str, value: object, message: str
) -> None:
    table = pd.read_csv(run.folder / "predictions.csv").astype(object)
    table[column] = [value, *table[column].iloc[1:]]
    table.to_csv(tmp_path / "predictions.csv", index=False)
    with pytest.raises(TrustError, match=message):
        read_predictions(tmp_path)


@pytest.mark.parametrize("column", ["part", "row", "diagnosis", "predicted", *CODES])
def test_a_missing_column_is_named(run: Run, tmp_path: Path, column: str) -> None:
    table = pd.read_csv(run.folder / "predictions.csv")
    table.drop(columns=column).to_csv(tmp_path / "predictions.csv", index=False)
    with pytest.raises(TrustError, match=f"no column '{column}'"):
        read_predictions(tmp_path)
