"""The columns that a table can be sorted by."""

import pytest

from hmnist.errors import UsageError
from hmnist.results.columns import COLUMNS, find_column
from hmnist.results.table import Table
from tests.conftest import Command


def test_every_printed_heading_is_a_column() -> None:
    # As the README prints the upper half, and a table the lower one.
    printed = ["balanced acc.", "accuracy", "F1", "AUC", "log loss", "ECE", "sens.", "spec."]
    printed += [
        "akiec",
        "bcc",
        "bkl",
        "df",
        "mel",
        "nv",
        "vasc",
        "fit s",
        "ms/1000",
        "params",
        "size",
    ]
    assert len({find_column(heading) for heading in printed}) == len(printed) == len(COLUMNS)
    assert [find_column(heading) for heading in ("AUC", "ece", "F1", "Mel")] == [
        "roc_auc_ovr",
        "calibration_error",
        "f1_macro",
        "recall_mel",
    ]
    assert all(find_column(name) == find_column(name.upper()) == name for name in COLUMNS)


def test_what_is_no_column_is_refused_with_those_that_are() -> None:
    with pytest.raises(UsageError, match="no column called 'beauty'") as caught:
        find_column("beauty")
    assert "roc_auc_ovr" in caught.value.hint


def test_a_command_sorts_by_a_heading(command: Command) -> None:
    words = ["benchmark", "sample", "--models", "majority", "--sort", "AUC", "--format", "json"]
    called = command(*words, "--threads", "1")
    assert called.code == 0
    assert Table.from_json(called.out).rows[0].model == "majority"


def test_a_column_has_a_name() -> None:
    with pytest.raises(UsageError, match="Expected a str, not an int"):
        find_column(3)  # type: ignore[arg-type]  # as in a notebook
