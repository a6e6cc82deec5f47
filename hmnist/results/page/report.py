"""`write_report`: a benchmark, an audit or a run as one HTML file."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hmnist.dataset import LesionDataset, check_loaded
from hmnist.errors import DataMissingError, UsageError
from hmnist.files import expand_home, write_file
from hmnist.guarded import LARGEST_JSON, open_guarded
from hmnist.results.audit_table import Audit
from hmnist.results.benchmark_folder import TABLE, open_benchmark
from hmnist.results.evaluation import evaluate_run
from hmnist.results.page import sections
from hmnist.results.page.assembly import assemble_page, model_sections
from hmnist.results.page.gallery import describe_gallery
from hmnist.results.page.models import Scores, describe_models, describe_subgroups
from hmnist.results.page.pooled import PooledPredictions, pool_predictions
from hmnist.results.page.repeat import audit_facts, benchmark_facts, run_facts
from hmnist.results.rows import WITH_PATIENTS, label_rows
from hmnist.runs.facts import DataFacts
from hmnist.runs.folders import find_runs
from hmnist.runs.manifest import MANIFEST
from hmnist.runs.run import open_run

REPORT = "report.html"

AUDIT = "audit.json"
"""The name of an audit's file."""

Models = Mapping[str, Sequence[PooledPredictions]]


def write_report(
    folder: str | Path, *, data: LesionDataset | None = None, out: str | Path | None = None
) -> Path:
    """Write a benchmark, an audit or a run as one HTML file, which needs no network.

    Parameters
    ----------
    folder : str or pathlib.Path
        A folder that `hmnist.benchmark`, `hmnist.audit` or `hmnist.train` has written.
    data : LesionDataset or None
        The images that were tested, for pictures of the mistakes and, where patient data are
        known, for the scores of age groups, sexes and sites. None leaves these out, as an audit
        does always.
    out : str, pathlib.Path or None
        The file, ``.html`` or ``.htm``; None writes ``report.html`` into the folder.

    Returns
    -------
    pathlib.Path
        The file: about 3 MB for 12 models and 7,000 images.

    Raises
    ------
    DataMissingError
        If there is no such folder.
    UsageError
        If it holds no benchmark, audit or run, an unfinished benchmark, or the data are others;
        data are given for an audit; or `out` has another ending.
    TrustError
        If a file is damaged or missing.
    WorkError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile, hmnist
    >>> data, folder = hmnist.load_sample(), tempfile.mkdtemp()
    >>> _ = hmnist.benchmark(data, models=["majority"], out=folder)
    >>> write_report(folder, data=data).name
    'report.html'
    """
    folder = expand_home(folder)
    path = expand_home(out) if out else folder / REPORT
    if path.suffix.lower() not in {".html", ".htm"}:
        raise UsageError(
            f"{path} is not a page: its name does not end in .html.", "Name a page.html."
        )
    if folder.is_file():
        raise UsageError(
            f"{folder} is a file; expected the folder of a benchmark, an audit or a run.",
            "See: hmnist runs list",
        )
    if not folder.is_dir():
        raise DataMissingError(f"There is no folder {folder}.", "See: hmnist runs list")
    for name, describe in (
        (MANIFEST, _describe_run),
        (TABLE, _describe_benchmark),
        (AUDIT, _describe_audit),
    ):
        if (folder / name).is_file():
            page = describe(folder, data)
            break
    else:
        raise _not_reportable(folder)
    with write_file(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return path


def _describe_benchmark(folder: Path, data: LesionDataset | None) -> str:
    opened = open_benchmark(folder)
    table, names = opened.table, label_rows(opened.table.rows)
    _check_images(table.data, data)
    models = {name: pool_predictions(runs) for name, runs in zip(names, opened.runs, strict=True)}
    manifests = [run.manifest for runs in opened.runs for run in runs]
    content = (
        sections.scores_section(table),
        sections.differences_section(table),
        model_sections(),
        sections.notes_section(table.notes()),
        sections.repeat_section(benchmark_facts(table.data, manifests)),
    )
    embedded = _embed(models, [row.scores for row in table.rows], data)
    trained = [name for name, row in zip(names, table.rows, strict=True) if not row.baseline]
    title = f"{len(trained)} model{'s' if len(trained) != 1 else ''} on {table.data.name}"
    return assemble_page(f"Benchmark: {title}", _lead(table.data), "".join(content), embedded)


def _describe_run(folder: Path, data: LesionDataset | None) -> str:
    run = open_run(folder)
    _check_images(run.manifest.data, data)
    evaluation = evaluate_run(run)
    content = (
        sections.estimates_section(evaluation, run.manifest.data),
        model_sections(),
        sections.notes_section((*evaluation.origin, *evaluation.notes)),
        sections.repeat_section(run_facts(run.manifest)),
    )
    name = f"{run.manifest.model}{WITH_PATIENTS if run.uses_patients else ''}"
    models = {name: pool_predictions([run])}
    embedded = _embed(models, [evaluation.report.scores], data)
    title, lead = f"Run: {name} on {run.manifest.data.name}", _lead(run.manifest.data)
    return assemble_page(title, lead, "".join(content), embedded)


def _describe_audit(folder: Path, data: LesionDataset | None) -> str:
    if data is not None:
        raise UsageError("The report of an audit shows no images.", "Leave out the data.")
    again = "Run the audit again with the same --out: finished runs are kept."
    with open_guarded(folder / AUDIT, LARGEST_JSON, again) as file:
        audit = Audit.from_json(file.read())
    content = (
        sections.audit_section(audit),
        sections.notes_section(audit.notes()),
        sections.repeat_section(audit_facts(audit)),
    )
    title = f"Audit: {len(audit.rows)} published systems on {audit.data.name}"
    return assemble_page(title, _lead(audit.data), "".join(content), None)


def _embed(models: Models, scores: Sequence[Scores], data: LesionDataset | None) -> dict[str, Any]:
    return {
        **describe_models(models, scores),
        "subgroups": describe_subgroups(models, data),
        "gallery": None if data is None else describe_gallery(models, data),
    }


def _lead(data: DataFacts) -> str:
    synthetic = "Synthetic sample, no photographs: it says nothing about real lesions. "
    return f"{synthetic if data.synthetic else ''}Research software, not a medical device."


def _check_images(facts: DataFacts, data: LesionDataset | None) -> None:
    if data is None:
        return
    check_loaded(data)
    if data.image_digest != facts.image_digest:
        raise UsageError(
            f"{data.name} holds other images than {facts.name}, which was tested.",
            "Name the file that was tested, or none: the report then has no pictures.",
        )


def _not_reportable(folder: Path) -> UsageError:
    if find_runs(folder):
        return UsageError(
            f"{folder} holds runs but no table.json: its benchmark is not finished, or it is none.",
            "Run the benchmark again with the same --out, which keeps finished runs; or name a "
            "run folder.",
        )
    return UsageError(f"{folder} is not a benchmark, audit or run folder.", "See: hmnist runs list")
