"""`verify_run`: whether what a run folder states follows from its own predictions.

Without a key, verification finds damage, and changes by someone who forgot that other files follow
from what was changed. Who can write the folder can also make all of its files agree.
"""

import math
from collections.abc import Mapping

import numpy as np

from hmnist.decisions.soft_voting import soft_vote
from hmnist.errors import TrustError
from hmnist.files import short_path
from hmnist.runs.predictions import PREDICTED_PARTS
from hmnist.runs.report import REPORT, read_report
from hmnist.runs.run import Run
from hmnist.runs.seen import read_seen
from hmnist.scores.reliability import measure_reliability
from hmnist.scores.report import confusion_matrix

TOLERANCE = 1e-6
"""How far numbers may be from those that are computed again, on another kind of processor."""

_AGAIN = "Train it again."


def verify_run(run: Run) -> int:
    """Verify an opened run, and return how many files it has, those of its members included.

    `hmnist.open_run` has compared the files with the manifest. Here the predictions are read, the
    scores are computed again, and an ensemble is averaged again.

    Raises
    ------
    TrustError
        If a file of numbers is damaged, or one does not follow from the others.
    """
    read_seen(run.folder)
    _ = run.familiarity, run.history
    test, report = run.part("test"), read_report(run.folder)
    if not (
        are_same({name: score.mean for name, score in report.scores.items()}, run.scores)
        and [list(row) for row in report.confusion] == confusion_matrix(test).tolist()
        and [bin_.images for bin_ in report.reliability]
        == [bin_.images for bin_ in measure_reliability([test])]
    ):
        raise TrustError(
            f"{short_path(run.folder / REPORT)} is not to be trusted: it is not the report of the "
            "predictions.",
            _AGAIN,
        )
    if run.members:
        _verify_soft_vote(run)
    return len(run.manifest.files) + sum(verify_run(member) for member in run.members)


def are_same(stated: Mapping[str, float | None], computed: Mapping[str, float]) -> bool:
    """Return whether scores are those that were computed again; None stands for NaN."""
    return all(
        math.isnan(computed[name])
        if value is None
        else math.isclose(value, computed[name], abs_tol=TOLERANCE)
        for name, value in stated.items()
    )


def _verify_soft_vote(run: Run) -> None:
    weights = [member.weight for member in run.manifest.members]
    for name in PREDICTED_PARTS:
        own, parts = run.predictions[name], [member.predictions[name] for member in run.members]
        voted = soft_vote([part.probabilities for part in parts], weights)
        if not (
            all(np.array_equal(part.labels, own.labels) for part in parts)
            and all(np.array_equal(part.rows, own.rows) for part in parts)
            and np.allclose(run.decision.calibrate(voted), own.probabilities, atol=TOLERANCE)
        ):
            raise TrustError(
                f"{short_path(run.folder)} is not to be trusted: its predictions for the {name} "
                "part are not the soft vote of its members.",
                _AGAIN,
            )
