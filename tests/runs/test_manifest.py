import json
import re
from pathlib import Path
from typing import Any

import pytest

from hmnist.dataset import LesionDataset
from hmnist.errors import TrustError
from hmnist.runs.facts import describe_data, describe_device, describe_split, describe_versions
from hmnist.runs.manifest import MANIFEST, read_manifest, write_manifest
from hmnist.runs.run import Run
from hmnist.splits.folds import split_folds
from hmnist.splits.split import split


def test_data_are_described_by_name_and_digest(sample: LesionDataset) -> None:
    facts = describe_data(sample)
    assert facts.rows == 400
    assert facts.lesions == sample.lesion_count
    assert facts.synthetic
    assert facts.digest == sample.digest
    assert facts.image_shape == (28, 28, 3)


def test_a_split_is_described_by_sizes_and_shared_lesions(sample: LesionDataset) -> None:
    facts = describe_split(split(sample, by="image"))
    assert sum(facts.sizes.values()) == 400
    assert facts.shared_lesions
    assert not facts.published
    fold = describe_split(split_folds(sample, 3)[2])
    assert (fold.fold, fold.folds, fold.shared_lesions) == (2, 3, 0)


def test_the_device_has_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    assert re.fullmatch(r"CPU \(.+\)", describe_device("cpu"))
    monkeypatch.setattr("hmnist.runs.facts.find_gpu", lambda: "NVIDIA H100")
    assert describe_device("gpu") == "GPU (NVIDIA H100)"
    assert describe_device("gpu", 3) == "GPU (NVIDIA H100), distributed over 3 workers"


def test_versions_name_the_libraries() -> None:
    assert {"hmnist", "python", "numpy", "tensorflow", "xgboost"} <= set(describe_versions())


def test_a_manifest_is_read_as_it_was_written(run: Run, tmp_path: Path) -> None:
    write_manifest(tmp_path, run.manifest)
    again = read_manifest(tmp_path)
    assert again.to_dict() == run.manifest.to_dict()
    assert again.recipe == run.manifest.recipe
    assert again.decision == run.manifest.decision
    assert again.split == run.manifest.split


def change(facts: dict[str, Any], path: str, value: Any) -> None:
    """Set an entry, named by keys with dots between them; None deletes it."""
    *above, last = path.split(".")
    for key in above:
        facts = facts[key]
    if value is None:
        del facts[last]
    else:
        facts[last] = value


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("model", None),
        ("recipe", None),
        ("key", 7),
        ("parameters", [1, 2]),
        ("recipe.effort", "maximal"),
        ("recipe.threads", "two"),
        ("recipe.rare", "df"),
        ("recipe.sensitivity", 3.0),
        ("data.rows", -1),
        ("data.image_shape", "28x28"),
        ("data.image_shape", [28, 28]),
        ("data.digest", "short"),
        ("split.sizes", [280, 40, 80]),
        ("split.fold", "first"),
        ("prior", [0.5, 0.5]),
        ("decision.kind", "lucky"),
        ("decision.temperature", 0.0),
        ("fit_seconds", -1.0),
        ("members", [{"run": "x"}]),
        ("files", {"predictions.csv": "fine"}),
        ("files", ["predictions.csv"]),
    ],
)
def test_what_a_manifest_holds_is_checked(run: Run, tmp_path: Path, path: str, value: Any) -> None:
    facts = json.loads((run.folder / MANIFEST).read_text(encoding="utf-8"))
    change(facts, path, value)
    (tmp_path / MANIFEST).write_text(json.dumps(facts), encoding="utf-8")
    with pytest.raises(TrustError, match="is damaged") as caught:
        read_manifest(tmp_path)
    assert str(tmp_path) in caught.value.message


@pytest.mark.parametrize("content", [b"", b"[]", b"7", b"\xff\xfe", b"[" * 100_000, b'{"a": 1'])
def test_what_is_no_object_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / MANIFEST).write_bytes(content)
    with pytest.raises(TrustError, match="is damaged"):
        read_manifest(tmp_path)


def test_a_run_of_another_version_is_named(tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_text('{"schema": "hmnist-run/1", "model": "cnn"}')
    with pytest.raises(TrustError, match="of the kind hmnist-run/1") as caught:
        read_manifest(tmp_path)
    assert "Train it again" in caught.value.hint
