"""hmnist: honest, strong and quick classifiers for the 28×28 skin-lesion pixel file of HAM10000.

Research software, not a medical device. From a file to a table and a prediction::

    import hmnist

    data = hmnist.load("hmnist_28_28_RGB.csv")  # finds HAM10000_metadata.csv beside it
    split = hmnist.split(data, by="lesion", seed=0)
    model = hmnist.make_model("logistic", random_state=0)  # a scikit-learn classifier
    model.fit(split.train.X, split.train.y, validation=(split.validation.X, split.validation.y))
    print(hmnist.score(model, split.test).balanced_accuracy)
    table = hmnist.benchmark(data, models=["cnn", "mlp", "xgboost"], seeds=3)
    print(table.to_markdown())
    run = hmnist.train(data, "cnn", oversample="random", out="runs/cnn")
    print(run.predict(split.test.images))

The functions; ``help(hmnist.load)`` explains one:

- data: load, load_sample, download, from_images, from_class_folders, write_sample, summarise_data
- before training: check, split, split_folds, oversample, orient, encode_patients
- training: train, benchmark, tune, audit, make_model, fit_decision
- runs: open_run, find_runs, evaluate_run, decide_again, compare_runs, explain
- for others: export_run, open_model, write_card, write_report
- scores: score, score_predictions, score_intervals, mean_scores, compare_predictions
- figures of data: plot_images, plot_diagnoses, plot_ages, plot_sexes, plot_sites, save_data_figures
- figures of runs: plot_training, plot_recall, plot_confusion, plot_errors, plot_mistakes, plot_roc,
  plot_precision_recall, plot_reliability, save_run_figures
- figures of tables: plot_scores, plot_times, save_table_figures

Names are resolved on first use, so that importing the package loads neither TensorFlow nor
scikit-learn nor pandas.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hmnist.augmentation import orient
    from hmnist.checks import check
    from hmnist.checks.report import Finding
    from hmnist.dataset import LesionDataset
    from hmnist.decisions.decision import Decision
    from hmnist.decisions.fitting import fit_decision
    from hmnist.diagnoses import CODES, DIAGNOSES, Diagnosis
    from hmnist.errors import (
        DataError,
        DataMissingError,
        DataWarning,
        HmnistError,
        SampleWarning,
        TrustError,
        UsageError,
        WorkError,
    )
    from hmnist.experiments.cells import Watcher
    from hmnist.experiments.study import Trial
    from hmnist.experiments.train import train
    from hmnist.experiments.tuning import Tuning, tune
    from hmnist.models.registry import MODELS, make_model
    from hmnist.oversampling import oversample
    from hmnist.oversampling.oversampled import Oversampled
    from hmnist.patients import encode_patients
    from hmnist.results.audit import audit
    from hmnist.results.audit_rows import AuditRow
    from hmnist.results.audit_table import Audit
    from hmnist.results.benchmark import benchmark
    from hmnist.results.compared_runs import compare_runs
    from hmnist.results.confusion_figures import plot_confusion, plot_errors
    from hmnist.results.curve_figures import plot_precision_recall, plot_roc
    from hmnist.results.data_figures import (
        plot_ages,
        plot_diagnoses,
        plot_sexes,
        plot_sites,
        save_data_figures,
    )
    from hmnist.results.data_summary import DataSummary, summarise_data
    from hmnist.results.evaluation import Evaluation, decide_again, evaluate_run
    from hmnist.results.explaining import explain
    from hmnist.results.explanation import Explanation
    from hmnist.results.exports.card import write_card
    from hmnist.results.exports.export import export_run
    from hmnist.results.exports.exported import ExportedModel, open_model
    from hmnist.results.image_figure import plot_images
    from hmnist.results.mistake_figure import plot_mistakes
    from hmnist.results.model_scores import score
    from hmnist.results.page.report import write_report
    from hmnist.results.reliability_figure import plot_reliability
    from hmnist.results.rows import TableRow
    from hmnist.results.run_figures import save_run_figures
    from hmnist.results.table import Table
    from hmnist.results.table_figures import plot_scores, plot_times, save_table_figures
    from hmnist.results.training_figures import plot_recall, plot_training
    from hmnist.runs.folders import find_runs
    from hmnist.runs.manifest import Manifest
    from hmnist.runs.recipe import Recipe
    from hmnist.runs.run import Run, open_run
    from hmnist.scores.comparison import Comparison
    from hmnist.scores.intervals import mean_scores, score_intervals
    from hmnist.scores.paired_tests import compare_predictions
    from hmnist.scores.predictions import Predictions
    from hmnist.scores.scoring import SCORE_NAMES, Scores, score_predictions
    from hmnist.sources import load
    from hmnist.sources.class_folders import from_class_folders
    from hmnist.sources.download import download
    from hmnist.sources.photographs import from_images
    from hmnist.sources.sample import load_sample, write_sample
    from hmnist.splits.folds import split_folds
    from hmnist.splits.split import Split, split

__version__ = "0.8.4"

__all__ = [
    "CODES", "DIAGNOSES", "MODELS", "SCORE_NAMES", "Audit", "AuditRow", "Comparison",
    "DataError", "DataMissingError", "DataSummary", "DataWarning", "Decision", "Diagnosis",
    "Evaluation", "Explanation", "ExportedModel", "Finding", "HmnistError", "LesionDataset",
    "Manifest", "Oversampled", "Predictions", "Recipe", "Run", "SampleWarning", "Scores",
    "Split", "Table", "TableRow", "Trial", "TrustError", "Tuning", "UsageError", "Watcher",
    "WorkError", "audit", "benchmark", "check", "compare_predictions", "compare_runs",
    "decide_again", "download", "encode_patients", "evaluate_run", "explain", "export_run",
    "find_runs", "fit_decision", "from_class_folders", "from_images", "load", "load_sample",
    "make_model", "mean_scores", "open_model", "open_run", "orient", "oversample", "plot_ages",
    "plot_confusion", "plot_diagnoses", "plot_errors", "plot_images", "plot_mistakes",
    "plot_precision_recall", "plot_recall", "plot_reliability", "plot_roc", "plot_scores",
    "plot_sexes", "plot_sites", "plot_times", "plot_training", "save_data_figures",
    "save_run_figures", "save_table_figures", "score", "score_intervals", "score_predictions",
    "split", "split_folds", "summarise_data", "train", "tune", "write_card", "write_report",
    "write_sample",
]  # fmt: skip

_PUBLIC = {
    "augmentation": ("orient",),
    "checks": ("check",),
    "checks.report": ("Finding",),
    "dataset": ("LesionDataset",),
    "decisions.decision": ("Decision",),
    "decisions.fitting": ("fit_decision",),
    "diagnoses": ("CODES", "DIAGNOSES", "Diagnosis"),
    "errors": (
        "DataError",
        "DataMissingError",
        "DataWarning",
        "HmnistError",
        "SampleWarning",
        "TrustError",
        "UsageError",
        "WorkError",
    ),
    "experiments.cells": ("Watcher",),
    "experiments.study": ("Trial",),
    "experiments.train": ("train",),
    "experiments.tuning": ("Tuning", "tune"),
    "models.registry": ("MODELS", "make_model"),
    "oversampling": ("oversample",),
    "oversampling.oversampled": ("Oversampled",),
    "patients": ("encode_patients",),
    "results.audit": ("audit",),
    "results.audit_rows": ("AuditRow",),
    "results.audit_table": ("Audit",),
    "results.benchmark": ("benchmark",),
    "results.compared_runs": ("compare_runs",),
    "results.confusion_figures": ("plot_confusion", "plot_errors"),
    "results.curve_figures": ("plot_precision_recall", "plot_roc"),
    "results.data_figures": (
        "plot_ages",
        "plot_diagnoses",
        "plot_sexes",
        "plot_sites",
        "save_data_figures",
    ),
    "results.data_summary": ("DataSummary", "summarise_data"),
    "results.evaluation": ("Evaluation", "decide_again", "evaluate_run"),
    "results.explaining": ("explain",),
    "results.explanation": ("Explanation",),
    "results.exports.card": ("write_card",),
    "results.exports.export": ("export_run",),
    "results.exports.exported": ("ExportedModel", "open_model"),
    "results.image_figure": ("plot_images",),
    "results.mistake_figure": ("plot_mistakes",),
    "results.model_scores": ("score",),
    "results.page.report": ("write_report",),
    "results.reliability_figure": ("plot_reliability",),
    "results.rows": ("TableRow",),
    "results.run_figures": ("save_run_figures",),
    "results.table": ("Table",),
    "results.table_figures": ("plot_scores", "plot_times", "save_table_figures"),
    "results.training_figures": ("plot_recall", "plot_training"),
    "runs.folders": ("find_runs",),
    "runs.manifest": ("Manifest",),
    "runs.recipe": ("Recipe",),
    "runs.run": ("Run", "open_run"),
    "scores.comparison": ("Comparison",),
    "scores.intervals": ("mean_scores", "score_intervals"),
    "scores.paired_tests": ("compare_predictions",),
    "scores.predictions": ("Predictions",),
    "scores.scoring": ("SCORE_NAMES", "Scores", "score_predictions"),
    "sources": ("load",),
    "sources.class_folders": ("from_class_folders",),
    "sources.download": ("download",),
    "sources.photographs": ("from_images",),
    "sources.sample": ("load_sample", "write_sample"),
    "splits.folds": ("split_folds",),
    "splits.split": ("Split", "split"),
}
"""The public names of each module."""

_HOME = {name: module for module, names in _PUBLIC.items() for name in names}
"""The module of each public name."""


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'hmnist' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"hmnist.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
