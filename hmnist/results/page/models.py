"""What a page shows of each model: packed predictions, scores per diagnosis and per subgroup.

Numbers of each image are packed into bytes in base64, which the page unpacks: a JSON list would be
five times as long.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import astuple
from typing import Any

import numpy as np
import numpy.typing as npt

from hmnist.dataset import LesionDataset
from hmnist.decisions.decision import malignant_probability
from hmnist.decisions.fitting import fit_decision
from hmnist.diagnoses import BENIGN, CODES, DIAGNOSES, MALIGNANT
from hmnist.errors import UsageError
from hmnist.results.page.pooled import PooledPredictions, check_same_images
from hmnist.results.rows import ScoreSummary
from hmnist.runs.report import Estimate
from hmnist.runs.run import Run
from hmnist.scores.reliability import measure_reliability
from hmnist.scores.report import classification_report
from hmnist.scores.scoring import mean_of_known, none_if_unknown
from hmnist.scores.subgroups import Subgroup, patient_groups, score_subgroup

SHARE = 2**16 - 1
"""Probabilities are stored as whole numbers from 0 to this."""

_UNKNOWN = (None, None, None)  # a score and its interval

Scores = Mapping[str, ScoreSummary] | Mapping[str, Estimate]


def describe_models(
    models: Mapping[str, Sequence[PooledPredictions]], scores: Sequence[Scores]
) -> dict[str, Any]:
    """Return what the page needs to know of models and of their test images, as JSON's types.

    Parameters
    ----------
    models : mapping of str to sequence of PooledPredictions
        By name, for each seed.
    scores : sequence of mapping
        The scores of each model with intervals, by the names of `hmnist.SCORE_NAMES`.
    """
    check_same_images(models)
    (first, *_), *_ = models.values()
    lesions = first.lesions
    return {
        "codes": CODES,
        "names": [diagnosis.name for diagnosis in DIAGNOSES],
        "malignant": MALIGNANT,
        "benign": BENIGN,
        "labels": _pack(first.labels, "u1"),
        "lesions": None if lesions is None else _pack(lesions, "<u4"),
        "models": [
            {
                "name": name,
                "trainings": [_describe_training(pooled) for pooled in trainings],
                "diagnoses": _describe_diagnoses(trainings, own),
            }
            for (name, trainings), own in zip(models.items(), scores, strict=True)
        ],
    }


def describe_subgroups(
    models: Mapping[str, Sequence[PooledPredictions]], data: LesionDataset | None
) -> list[dict[str, Any]]:
    """Return the scores of age groups, sexes and sites; none where patient data are unknown."""
    if data is None or data.patients is None:
        return []
    (first, *_), *_ = models.values()
    scored = [[pooled.to_score() for pooled in trainings] for trainings in models.values()]
    return [
        {"kind": kind, "name": name, **_describe_subgroup(score_subgroup(scored, members))}
        for kind, name, members in patient_groups(data.patients[first.rows])
    ]


def _describe_training(pooled: PooledPredictions) -> dict[str, Any]:
    """Return what one seed predicts; `thresholds` are those fitted in each fold."""
    malignant = pooled.probabilities[:, MALIGNANT].argmax(axis=1)
    benign = pooled.probabilities[:, BENIGN].argmax(axis=1)
    thresholds = [_validated_threshold(run) for run in pooled.runs]
    return {
        "seed": pooled.seed,
        "decision": pooled.runs[0].manifest.decision.kind,
        "answers": _pack(pooled.predicted | malignant << 3 | benign << 5, "u1"),
        "malignant": _pack_shares(malignant_probability(pooled.probabilities)),
        "confidence": _pack_shares(pooled.confidence()),
        "sensitivity": pooled.runs[0].manifest.recipe.sensitivity,
        "thresholds": [round(each, 5) for each in thresholds if each is not None],
        "reliability": [
            [each.low, each.high, each.images, each.observations, each.confidence, each.accuracy]
            for each in measure_reliability([pooled.to_score()])
        ],
    }


def _validated_threshold(run: Run) -> float | None:
    """Return the malignant threshold of a run's validation part; None if it cannot be fitted."""
    manifest = run.manifest
    if manifest.decision.threshold is not None:
        return manifest.decision.threshold
    if manifest.split.published or manifest.recipe.entry.baseline:
        return None
    validation, sensitivity = run.predictions["validation"], manifest.recipe.sensitivity
    try:
        return fit_decision(
            "sensitive",
            validation.labels,
            validation.probabilities,
            manifest.prior,
            sensitivity=sensitivity,
            temperature=1.0,  # stored probabilities are calibrated
        ).threshold
    except UsageError:  # too few malignant images
        return None


def _describe_diagnoses(
    trainings: Sequence[PooledPredictions], scores: Scores
) -> list[dict[str, Any]]:
    """Return precision, recall and F1 of each diagnosis: means over seeds and folds that tell."""
    reports = [
        classification_report(run.part("test")) for pooled in trainings for run in pooled.runs
    ]
    labels, lesions = trainings[0].labels, trainings[0].lesions
    return [
        {
            "images": int((labels == label).sum()),
            "lesions": None if lesions is None else len(np.unique(lesions[labels == label])),
            "precision": _mean([report[code].precision for report in reports]),
            "recall": _interval(scores[f"recall_{code}"]),
            "f1": _mean([report[code].f1 for report in reports]),
        }
        for label, code in enumerate(CODES)
    ]


def _describe_subgroup(group: Subgroup) -> dict[str, Any]:
    """Return a subgroup with the scores of each model in a list."""
    return {
        "images": group.images,
        "lesions": group.lesions,
        "diagnoses": group.diagnoses,
        "scores": [
            {
                name: [*map(_rounded, astuple(share) if share else _UNKNOWN)]
                for name, share in scores.items()
            }
            for scores in group.scores
        ],
    }


def _interval(score: ScoreSummary | Estimate) -> list[float | None]:
    return [*map(_rounded, (score.mean, score.low, score.high))]


def _mean(values: Sequence[float | None]) -> float | None:
    return _rounded(float(mean_of_known(np.array(values, dtype=np.float64))))


def _rounded(value: float | np.floating | None) -> float | None:
    known = None if value is None else none_if_unknown(value)
    return None if known is None else round(known, 4)


def _pack_shares(shares: npt.NDArray[np.float64]) -> str:
    return _pack(np.rint(np.clip(shares, 0, 1) * SHARE), "<u2")


def _pack(values: npt.NDArray[np.generic], dtype: str) -> str:
    return base64.b64encode(values.astype(dtype).tobytes()).decode()
