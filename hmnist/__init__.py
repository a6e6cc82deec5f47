"""hmnist: honest, strong and quick classifiers for the 28×28 skin-lesion pixel file of HAM10000.

Research software, no medical device.

Names are resolved on first use, so that importing the package loads neither TensorFlow nor
scikit-learn nor pandas.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hmnist.augmentation import orient
    from hmnist.checks import Finding, check
    from hmnist.dataset import LesionDataset
    from hmnist.decisions.decision import Decision
    from hmnist.decisions.fitting import fit_decision
    from hmnist.diagnoses import CODES, DIAGNOSES, Diagnosis
    from hmnist.errors import (
        DataError,
        DataMissingError,
        HmnistError,
        SampleWarning,
        TrustError,
        UsageError,
        WorkError,
    )
    from hmnist.experiments.cells import Watcher
    from hmnist.experiments.train import train
    from hmnist.models.registry import MODELS, make_model
    from hmnist.oversampling import Oversampled, oversample
    from hmnist.patients import encode_patients
    from hmnist.results.audit import audit
    from hmnist.results.audit_table import Audit, AuditRow
    from hmnist.results.benchmark import benchmark
    from hmnist.results.data_figures import plot_data
    from hmnist.results.evaluation import (
        Evaluation,
        compare_runs,
        decide_again,
        evaluate_run,
        score,
    )
    from hmnist.results.explaining import explain
    from hmnist.results.explanation import Explanation
    from hmnist.results.rows import TableRow
    from hmnist.results.run_figures import plot_run
    from hmnist.results.table import Table
    from hmnist.runs.manifest import Manifest
    from hmnist.runs.recipe import Recipe
    from hmnist.runs.run import Run, find_runs, open_run
    from hmnist.scores.comparison import Comparison, compare_predictions
    from hmnist.scores.intervals import mean_scores, score_intervals
    from hmnist.scores.predictions import Predictions
    from hmnist.scores.scoring import SCORE_NAMES, Scores, score_predictions
    from hmnist.sources import load
    from hmnist.sources.photographs import from_images
    from hmnist.sources.sample import load_sample, write_sample
    from hmnist.splits.folds import split_folds
    from hmnist.splits.split import Split, split

__version__ = "0.4.0"

__all__ = [
    "CODES", "DIAGNOSES", "MODELS", "SCORE_NAMES", "Audit", "AuditRow", "Comparison",
    "DataError", "DataMissingError", "Decision", "Diagnosis", "Evaluation", "Explanation",
    "Finding", "HmnistError", "LesionDataset", "Manifest", "Oversampled", "Predictions",
    "Recipe", "Run", "SampleWarning", "Scores", "Split", "Table", "TableRow", "TrustError",
    "UsageError", "Watcher", "WorkError", "audit", "benchmark", "check", "compare_predictions",
    "compare_runs", "decide_again", "encode_patients", "evaluate_run", "explain", "find_runs",
    "fit_decision", "from_images", "load", "load_sample", "make_model", "mean_scores",
    "open_run", "orient", "oversample", "plot_data", "plot_run", "score", "score_intervals",
    "score_predictions", "split", "split_folds", "train", "write_sample",
]  # fmt: skip

_PUBLIC = {
    "augmentation": ("orient",),
    "checks": ("Finding", "check"),
    "dataset": ("LesionDataset",),
    "decisions.decision": ("Decision",),
    "decisions.fitting": ("fit_decision",),
    "diagnoses": ("CODES", "DIAGNOSES", "Diagnosis"),
    "errors": (
        "DataError",
        "DataMissingError",
        "HmnistError",
        "SampleWarning",
        "TrustError",
        "UsageError",
        "WorkError",
    ),
    "experiments.cells": ("Watcher",),
    "experiments.train": ("train",),
    "models.registry": ("MODELS", "make_model"),
    "oversampling": ("Oversampled", "oversample"),
    "patients": ("encode_patients",),
    "results.audit": ("audit",),
    "results.audit_table": ("Audit", "AuditRow"),
    "results.benchmark": ("benchmark",),
    "results.data_figures": ("plot_data",),
    "results.evaluation": ("Evaluation", "compare_runs", "decide_again", "evaluate_run", "score"),
    "results.explaining": ("explain",),
    "results.explanation": ("Explanation",),
    "results.rows": ("TableRow",),
    "results.run_figures": ("plot_run",),
    "results.table": ("Table",),
    "runs.manifest": ("Manifest",),
    "runs.recipe": ("Recipe",),
    "runs.run": ("Run", "find_runs", "open_run"),
    "scores.comparison": ("Comparison", "compare_predictions"),
    "scores.intervals": ("mean_scores", "score_intervals"),
    "scores.predictions": ("Predictions",),
    "scores.scoring": ("SCORE_NAMES", "Scores", "score_predictions"),
    "sources": ("load",),
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
