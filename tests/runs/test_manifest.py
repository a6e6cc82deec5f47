import subprocess
import sys

from hmnist.dataset import LesionDataset
from hmnist.runs.manifest import describe_data, describe_split, describe_versions
from hmnist.splits.split import split, split_folds


def test_data_are_described_by_name_and_digest(sample: LesionDataset) -> None:
    facts = describe_data(sample)
    assert facts["rows"] == 400
    assert facts["lesions"] == sample.lesion_count
    assert facts["synthetic"] is True
    assert facts["digest"] == sample.digest
    assert facts["image_shape"] == [28, 28, 3]


def test_a_split_is_described_by_sizes_and_shared_lesions(sample: LesionDataset) -> None:
    facts = describe_split(split(sample, by="image"))
    assert sum(facts["sizes"].values()) == 400
    assert facts["shared_lesions"] > 0
    fold = describe_split(split_folds(sample, 3)[2])
    assert (fold["fold"], fold["folds"], fold["shared_lesions"]) == (2, 3, 0)


def test_the_device_is_told_without_and_with_tensorflow() -> None:
    code = (
        "from hmnist.runs.manifest import describe_device as say; from hmnist import make_model;"
        "first = say(make_model('majority'));"
        "from hmnist.models.keras_setup import load_keras; load_keras();"
        "print(first, say(make_model('cnn')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split()[0] == "CPU"
    assert done.stdout.split()[1] in {"CPU", "GPU"}
    assert done.stderr == ""


def test_versions_name_what_counts() -> None:
    assert {"hmnist", "python", "numpy", "tensorflow", "xgboost"} <= set(describe_versions())
