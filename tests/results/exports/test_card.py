"""The model card: its sections, and numbers that are those of the run."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from hmnist.dataset import LesionDataset
from hmnist.errors import UsageError
from hmnist.experiments.train import train
from hmnist.results.exports.card import card_text, write_card
from hmnist.runs.report import make_report
from hmnist.runs.run import Run
from tests.results.examples import as_ensemble

SECTIONS = [
    "Model details",
    "Uses",
    "Bias, risks and limitations",
    "How to get started with the model",
    "Training details",
    "Evaluation",
    "Environmental impact",
    "Citation",
]


def front_matter(card: str) -> dict[str, object]:
    """Read the YAML at the top, of which every value is JSON."""
    _, lines, _ = card.split("---\n", 2)
    return {
        key: json.loads(value)
        for key, value in (line.split(": ", 1) for line in lines.splitlines())
    }


def on_real_data(run: Run) -> Run:
    data = replace(run.manifest.data, name="hmnist_28_28_RGB.csv", synthetic=False)
    return Run(run.folder, replace(run.manifest, data=data))


def test_the_sections_are_those_of_the_template(run: Run) -> None:
    card = card_text(run)
    assert [line[3:] for line in card.splitlines() if line.startswith("## ")] == SECTIONS
    assert "not a medical device" in card
    assert "None" not in card
    assert "nan" not in card.split()


def test_the_numbers_are_those_of_the_run(run: Run) -> None:
    card = card_text(run)
    report = make_report(run.part("test"))
    accuracy = report.scores["accuracy"]
    assert accuracy.mean is not None
    [row] = [line for line in card.splitlines() if line.startswith("| accuracy ")]
    values = (accuracy.mean, accuracy.low, accuracy.high)
    assert [f"{value:.3f}".lstrip("0") in row for value in values] == [True] * 3
    [row] = [line for line in card.splitlines() if line.startswith("| mel,")]
    assert row.endswith(f" {report.diagnoses['mel'].images} |")
    [result] = front_matter(card)["model-index"][0]["results"]  # type: ignore[index] # JSON
    metrics = {metric["type"]: metric["value"] for metric in result["metrics"]}
    assert metrics["accuracy"] == round(accuracy.mean, 4)
    test = run.part("test")
    malignant = {0, 1, 6}
    pairs = list(zip(test.labels.tolist(), test.predicted.tolist(), strict=True))
    missed = sum(true in malignant and predicted not in malignant for true, predicted in pairs)
    total = sum(true in malignant for true, _ in pairs)
    assert f"{missed} of {total} images of malignant lesions" in card


def test_licence_and_limits_are_those_of_the_data(run: Run) -> None:
    synthetic, real = card_text(run), card_text(on_real_data(run))
    assert front_matter(synthetic)["license"] == "mit"
    assert "says nothing about real lesions" in synthetic
    assert "Vienna" not in synthetic
    assert "tschandl2018ham10000" not in synthetic
    assert front_matter(real)["license"] == "cc-by-nc-4.0"
    assert "CC BY-NC 4.0" in real
    assert "Vienna" in real
    assert "tschandl2018ham10000" in real
    assert "says nothing about real lesions" not in real


def test_the_oversampling_is_described(run: Run) -> None:
    def oversampled(method: str) -> str:
        recipe = replace(run.manifest.recipe, oversample=method)
        card = card_text(Run(run.folder, replace(run.manifest, recipe=recipe)))
        [line] = [line for line in card.splitlines() if line.startswith("- **Oversampling")]
        return line

    assert "random (df and vasc to the median diagnosis" in oversampled("random")
    assert "balanced (all diagnoses to the largest diagnosis" in oversampled("balanced")


def test_intervals_are_over_images_where_lesions_are_unknown(
    run: Run, sample: LesionDataset, tmp_path: Path
) -> None:
    assert "interval over the lesions of" in card_text(run)
    data = replace(sample, lesion_ids=None, metadata=None)
    unknown = train(data, "majority", threads=1, out=tmp_path / "run")
    assert "interval over the images of" in card_text(unknown)


def test_an_ensemble_names_its_members(run: Run) -> None:
    card = card_text(as_ensemble(run, {"cnn-0": 0.75, "mlp-0": 0.25}))
    assert "cnn-0 (0.75)" in card


def test_a_card_is_written_once(run: Run, tmp_path: Path) -> None:
    path = write_card(run, tmp_path / "new")
    assert path == tmp_path / "new" / "README.md"
    assert path.read_text(encoding="utf-8") == card_text(run, beside=False)
    assert f"hmnist predict {run.folder.name} photograph.jpg" in card_text(run, beside=False)
    assert "hmnist predict . photograph.jpg" in card_text(run)
    with pytest.raises(UsageError, match="exists already"):
        write_card(run, tmp_path / "new")
