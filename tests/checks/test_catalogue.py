"""What the catalogue says of the checks is what they do."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from hmnist.checks import inspect, inspect_file, pictures
from hmnist.checks.catalogue import CHECKS
from hmnist.checks.pictures import Pictures
from hmnist.checks.subject import Check, Subject
from hmnist.dataset import LesionDataset
from hmnist.sources.sample import load_sample, write_sample
from hmnist.splits.split import split
from tests.conftest import Command


class LookedAtSampleError(Exception):
    """Raised where a check asks for the images that are compared."""


@pytest.fixture(scope="module")
def data() -> LesionDataset:
    return load_sample(rows=210)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.code)
def test_a_check_that_looks_at_a_sample_says_so(
    check: Check, data: LesionDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Pictures) -> None:
        raise LookedAtSampleError

    monkeypatch.setattr(Pictures, "rows", property(refuse))
    subject = Subject(data, split(data), ("size",), np.arange(210.0)[:, None])
    if "sample" in check.needs:
        with pytest.raises(LookedAtSampleError):
            check.look(subject)
    else:
        check.look(subject)


def test_the_command_names_the_checks_that_looked_at_a_sample(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "MOST_IMAGES", 150)
    pixels, _ = write_sample(tmp_path / "pixels.csv", rows=210)
    said = " ".join(command("data", "check", pixels).out.split())
    looked = said.split("150 were compared, drawn at random: ")[1].split(" looked at these")[0]
    passed, skipped = said.split("Looked and found nothing: ")[1].split("Not looked at: ")
    report = inspect_file(pixels)
    assert report.looked
    assert report.skipped
    for check in CHECKS:
        is_skipped = check.code in report.skipped
        assert (f"{check.code} {check.name}" in skipped) == is_skipped
        assert (f"{check.code} {check.name}" in passed) == (not is_skipped)
        assert (check.code in looked) == ("sample" in check.needs and not is_skipped)


def test_checks_that_have_too_little_to_judge_say_what_they_need() -> None:
    few = dataclasses.replace(load_sample(rows=150), synthetic=False)
    report = inspect(few, split(few), features=["age"])
    expected = {
        "HM122": "100 lesions with several images",
        "HM123": "30 images of each of 3 diagnoses",
        "HM124": "500 images",
        "HM125": "the values of the features",
        "HM130": "a group of 30 lesions, 10 malignant and 10 benign, and as many others",
    }
    assert {code: report.skipped.get(code) for code in expected} == expected
    assert not expected.keys() & {each.code for each in report.looked}
    nameless = dataclasses.replace(few, lesion_ids=None, metadata=None)
    even = nameless.take(np.concatenate([np.flatnonzero(few.labels == n)[:2] for n in range(7)]))
    assert "metadata" in inspect(even).skipped["HM104"]
