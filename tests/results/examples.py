"""Rows and facts for the tests of tables: made up, and quick to make."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hmnist.results.audit_rows import COMPARED, AuditRow, AuditStep
from hmnist.results.rows import ScoreSummary, TableRow, TableSettings
from hmnist.runs.facts import DataFacts, SplitFacts
from hmnist.runs.manifest import Member
from hmnist.runs.run import Run
from hmnist.scores.comparison import Difference
from hmnist.scores.scoring import SCORE_NAMES
from hmnist.systems.system import Claim

DIGEST = "0" * 64


def as_ensemble(run: Run, weights: Mapping[str, float]) -> Run:
    """Return a run that says it is an ensemble of runs with such weights."""
    manifest = replace(
        run.manifest,
        model="ensemble",
        parameters={},
        recipe=replace(run.manifest.recipe, model="ensemble"),
        members=tuple(Member(run=name, digest=DIGEST, weight=weights[name]) for name in weights),
    )
    return Run(run.folder, manifest)


UNKNOWN = ScoreSummary(None, None, None, None)


def data_facts(**changes: Any) -> DataFacts:
    facts = {
        "name": "file_28.csv",
        "digest": DIGEST,
        "image_digest": DIGEST,
        "rows": 100,
        "lesions": 80,
        "synthetic": False,
        "image_shape": (28, 28, 3),
    }
    return DataFacts(**{**facts, **changes})


def split_facts(**changes: Any) -> SplitFacts:
    facts = {
        "kind": "lesion",
        "published": False,
        "seed": 0,
        "fold": None,
        "folds": None,
        "sizes": {"train": 70, "validation": 10, "test": 20},
        "shared_lesions": 0,
        "shared_test_images": 0,
        "proof": "No lesion is in two parts.",
        "leaks": None,
        "digest": DIGEST,
    }
    return SplitFacts(**{**facts, **changes})


def table_settings(**changes: Any) -> TableSettings:
    facts = {"threads": 2, "side_by_side": False, "devices": ("CPU (A)",), "versions": {}}
    return TableSettings(**{**facts, **changes})


def summaries(mean: float, std: float | None = None, half: float = 0.1) -> dict[str, ScoreSummary]:
    """Return the same summary for every score."""
    return dict.fromkeys(SCORE_NAMES, ScoreSummary(mean, std, mean - half, mean + half))


def table_row(model: str, mean: float, seeds: int = 1, **changes: Any) -> TableRow:
    """Return a row with one mean for every score, and a spread where there are several seeds."""
    facts = {
        "model": model,
        "oversampling": "random",
        "oversampling_note": "random (df and vasc to the median diagnosis, training part only)",
        "decision": "natural",
        "decision_note": "natural (the largest probability)",
        "patients": False,
        "features": "pixels",
        "pretrained": None,
        "effort": "quick",
        "baseline": model == "majority",
        "seeds": seeds,
        "scores": summaries(mean, 0.01 if seeds > 1 else None),
        "fit_seconds": 12.5,
        "predict_ms_per_1000": 3.25,
        "parameters": 1_163_175,
        "model_bytes": 4_650_000,
    }
    return TableRow(**{**facts, **changes})


def difference(value: float, half: float = 0.02) -> Difference:
    return Difference(value, value - half, value + half, 0.01)


def differences(value: float) -> dict[str, Difference]:
    """Return the same difference for the scores that an audit compares."""
    return dict.fromkeys(COMPARED, difference(value))


def audit_row(system: str, **changes: Any) -> AuditRow:
    """Return a row with two leaks, and a spread where there are several seeds."""
    std = 0.012 if changes.get("seeds", 1) > 1 else None
    split = split_facts(kind=f"published:{system}", published=True, leaks=())
    facts = {
        "system": system,
        "model": system,
        "claim": Claim(),
        "protocol": "random 90/10 by image",
        "balanced": False,
        "epochs": 20,
        "own_epochs": 20,
        "own_size": None,
        "seeds": 1,
        "pretrained": None,
        "reproduced": summaries(0.75, std),
        "best_epoch": ScoreSummary(0.77, std, None, None),
        "split": split,
        "resampling": "none",
        "steps": (
            AuditStep(name="clean", split=split, scores=summaries(0.5, std), effect={}),
            AuditStep(
                name="shared lesions",
                split=split,
                scores=summaries(0.51, std),
                effect=differences(0.01),
            ),
            AuditStep(
                name="test validates",
                split=split,
                scores=summaries(0.48, std),
                effect=differences(-0.03),
            ),
        ),
        "all_leaks": differences(-0.02),
        "failed": 0,
        "few_lesions": None,
    }
    return AuditRow(**{**facts, **changes})
