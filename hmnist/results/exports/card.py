"""`write_card`: a model card, in the sections of Hugging Face's template, filled from a run.

The template is that of Mitchell et al., *Model Cards for Model Reporting*, FAT* 2019, as Hugging
Face arranges it.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hmnist.diagnoses import DIAGNOSES, MALIGNANT
from hmnist.files import expand_home, refuse_to_overwrite, write_file
from hmnist.models.registry import find_model
from hmnist.results.evaluation import Evaluation, evaluate_run
from hmnist.results.exports import card_data
from hmnist.results.exports.card_start import start_lines
from hmnist.results.exports.exported import ExportFacts
from hmnist.results.formatting import byte_text, count_text, markdown_table
from hmnist.results.rows import oversampling_note
from hmnist.runs.manifest import Manifest
from hmnist.runs.opened import check_opened
from hmnist.runs.report import Estimate, Report
from hmnist.runs.run import Run
from hmnist.scores.scoring import SCORES
from hmnist.scores.text import interval_text, score_text

CARD_FILE = "README.md"

_NO_DEVICE = "Research software, not a medical device."

_HEADLINE = ("balanced_accuracy", "accuracy", "f1_macro", "roc_auc_ovr")
"""The scores that the front matter names."""


def write_card(run: Run, out: str | Path | None = None) -> Path:
    """Write the model card of a run: ``README.md``, in Markdown with a YAML front matter.

    Parameters
    ----------
    run : Run
        An opened run of any model.
    out : str, pathlib.Path or None
        The folder; None takes the run's.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    UsageError
        If it is not a run, or there is such a file already.
    WorkError
        If it cannot be written.
    """
    check_opened(run)
    path = (run.folder if out is None else expand_home(out)) / CARD_FILE
    refuse_to_overwrite(path)
    with write_file(path) as temporary:
        beside = path.parent.resolve() == run.folder.resolve()
        temporary.write_text(card_text(run, beside=beside), encoding="utf-8")
    return path


def card_text(run: Run, facts: ExportFacts | None = None, *, beside: bool = True) -> str:
    """Return the model card of a run, or that of an export of it.

    `beside` tells whether it lies in the folder of the model.
    """
    evaluation = evaluate_run(run)
    synthetic = run.manifest.data.synthetic
    sections = (
        _front_matter(run.manifest, evaluation.report),
        _title(run.manifest),
        ["## Model details", *_details(run, facts)],
        ["## Uses", *card_data.uses()],
        ["## Bias, risks and limitations", *_risks(evaluation.report, synthetic=synthetic)],
        ["## How to get started with the model", *start_lines(run, facts, beside=beside)],
        ["## Training details", *_training(run.manifest)],
        ["## Evaluation", *_evaluation(evaluation, run.manifest.data.unit)],
        ["## Environmental impact", *_impact(run.manifest)],
        ["## Citation", *card_data.citation(synthetic=synthetic)],
    )
    return "\n\n".join("\n\n".join(section) for section in sections) + "\n"


def _front_matter(manifest: Manifest, report: Report) -> list[str]:
    """Return YAML; every value in JSON, which is YAML as well."""
    data = manifest.data
    metrics = [
        {"type": name, "value": round(mean, 4)}
        for name in _HEADLINE
        if (mean := report.scores[name].mean) is not None
    ]
    result = {
        "task": {"type": "image-classification"},
        "dataset": {"name": data.name, "type": "synthetic" if data.synthetic else "ham10000"},
        "metrics": metrics,
    }
    values: dict[str, Any] = {
        "license": "mit" if data.synthetic else "cc-by-nc-4.0",
        "library_name": "hmnist",
        "pipeline_tag": "image-classification",
        "tags": ["dermatology", "dermatoscopy", "skin-lesions", "HAM10000", manifest.model],
        "metrics": ["accuracy", "f1", "roc_auc"],
        "model-index": [{"name": f"hmnist-{manifest.model}", "results": [result]}],
    }
    lines = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in values.items()]
    return ["\n".join(["---", *lines, "---"])]


def _title(manifest: Manifest) -> list[str]:
    warning = "**Trained on generated images: it says nothing about real lesions.** "
    sentence = (
        f"It gives an image of a skin lesion, of {_size(manifest)}, a probability for each of "
        f"seven diagnoses. {_NO_DEVICE}"
    )
    return [
        f"# hmnist {manifest.model}, trained on {manifest.data.name}",
        warning + sentence if manifest.data.synthetic else sentence,
    ]


def _details(run: Run, facts: ExportFacts | None) -> Iterator[str]:
    manifest = run.manifest
    entry = find_model(manifest.model)
    versions = ", ".join(f"{name} {version}" for name, version in manifest.versions.items())
    patients = " and the patient's age, sex and site of the lesion" if run.uses_patients else ""
    codes = ", ".join(f"{item.code} ({item.name})" for item in DIAGNOSES)
    calibrated = "" if run.decision.temperature == 1 else "calibrated "
    items = [
        ("Model", f"`{manifest.model}`: {entry.summary}"),
        ("Parameters", f"{count_text(manifest.parameter_count)} fitted numbers"),
        ("Input", f"{_size(manifest)} (height × width × channels), uint8, 0–255{patients}"),
        ("Output", f"{calibrated}probabilities of {codes}"),
        ("Decision", run.decision.describe()),
        ("Trained", f"{manifest.written}, with {versions}"),
        ("Licence", card_data.licence(synthetic=manifest.data.synthetic)),
    ]
    if manifest.members:
        members = [f"{member.run} ({member.weight:.2f})" for member in manifest.members]
        items.append(("Members, with their weights", ", ".join(members)))
    if facts is not None:
        size = byte_text(sum(file.bytes for file in facts.files.values()))
        items += [
            ("Format", f"{facts.describe()} {size}"),
            ("Compared with the run", facts.describe_difference()),
        ]
    yield _list(items)


def _risks(report: Report, *, synthetic: bool) -> list[str]:
    missed = sum(
        count
        for label in MALIGNANT
        for predicted, count in enumerate(report.confusion[label])
        if predicted not in MALIGNANT
    )
    malignant = sum(sum(report.confusion[label]) for label in MALIGNANT)
    rare, row = min(report.diagnoses.items(), key=lambda item: item[1].images)
    missing = (
        f"In the test part, {missed:,} of {malignant:,} images of malignant lesions (akiec, bcc, "
        "mel) get a benign diagnosis."
    )
    few = (
        f"Scores of rare diagnoses rest on few images: the test part has {row.images:,} of {rare}. "
        "Read the intervals."
    )
    points = [missing, few, *card_data.limitations(synthetic=synthetic)]
    return ["\n".join(f"- {point}" for point in points)]


def _training(manifest: Manifest) -> Iterator[str]:
    data, recipe = manifest.data, manifest.recipe
    lesions = "of unknown lesions" if data.lesions is None else f"of {data.lesions:,} lesions"
    sizes = " / ".join(f"{count:,}" for count in manifest.split.sizes.values())
    yield "### Training data"
    yield f"{data.name}: {data.rows:,} images {lesions}; {sizes} train / validate / test."
    yield "### Training procedure"
    items = [
        ("Oversampling", oversampling_note(recipe)),
        ("Patient data", "yes" if recipe.patients else "no"),
        ("Effort, seed", f"{recipe.effort}, {recipe.seed}"),
        *(
            (f"`{name}`", f"`{json.dumps(value)}`")
            for name, value in manifest.parameters.items()
            if name not in {"classes", "image_shape", "random_state"}
        ),
    ]
    yield _list(items)


def _evaluation(evaluation: Evaluation, unit: str) -> Iterator[str]:
    report = evaluation.report
    yield "### Test data"
    yield f"{evaluation.title}. {' '.join(evaluation.origin)}"
    yield "### Results"
    yield (
        f"[low, high] is a 95 % interval over the {unit} of the test part, for this training. "
        "Other trainings give somewhat other scores."
    )
    rows = [
        [score.title, *_estimate(report.scores[score.name])]
        for score in SCORES
        if score.diagnosis is None
    ]
    yield markdown_table(["score", "value", "[low, high]"], rows)
    rows = []
    for item in DIAGNOSES:
        row, (recall, interval) = (
            report.diagnoses[item.code],
            _estimate(report.scores[f"recall_{item.code}"]),
        )
        numbers = (score_text(row.precision), score_text(row.f1), f"{row.images:,}")
        rows.append([f"{item.code}, {item.name}", recall, interval, *numbers])
    header = ["diagnosis", "recall", "[low, high]", "precision", "F1", "images"]
    yield markdown_table(header, rows)


def _impact(manifest: Manifest) -> Iterator[str]:
    threads = manifest.recipe.threads or 1
    beside = " while other models were trained beside it" if manifest.side_by_side else ""
    yield (
        f"The training took {manifest.fit_seconds:,.0f} seconds with {threads} threads on "
        f"{manifest.device}{beside}. Energy was not measured. Predicting 1,000 images took "
        f"{manifest.predict_ms_per_1000 / 1000:.1f} seconds."
    )


def _size(manifest: Manifest) -> str:
    return f"{'×'.join(map(str, manifest.data.image_shape))} pixels"


def _estimate(estimate: Estimate) -> tuple[str, str]:
    return score_text(estimate.mean), interval_text(estimate.low, estimate.high)


def _list(items: Sequence[tuple[str, str]]) -> str:
    return "\n".join(f"- **{name}**: {text}" for name, text in items)
