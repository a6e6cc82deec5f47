"""What a decision accepts, predicts, stores and says."""

import math
from typing import Any

import msgspec
import numpy as np
import pytest

from hmnist.decisions.decision import KINDS, Decision
from hmnist.decisions.fitting import fit_decision
from hmnist.errors import UsageError
from tests.decisions.test_fitting import PRIOR, draw_part


def test_sensitive_takes_the_likeliest_on_its_side() -> None:
    decision = Decision("sensitive", threshold=0.3)
    probabilities = np.array(
        [[0.05, 0.1, 0.0, 0.0, 0.65, 0.0, 0.2], [0.05, 0.1, 0.3, 0.0, 0.45, 0.0, 0.1]]
    )

    assert decision.decide(probabilities).tolist() == [6, 4]


@pytest.mark.parametrize("kind", KINDS)
def test_a_decision_survives_json(kind: str) -> None:
    labels, probabilities = draw_part(11, 300)
    decision = fit_decision(kind, labels, probabilities, PRIOR)

    restored = msgspec.json.decode(msgspec.json.encode(decision), type=Decision)

    assert restored == decision
    assert np.array_equal(
        restored.decide(restored.calibrate(probabilities)),
        decision.decide(decision.calibrate(probabilities)),
    )


@pytest.mark.parametrize(
    ("decision", "words"),
    [
        (Decision("natural"), "natural: the largest probability; temperature 1.00."),
        (
            Decision("balanced", 1.2, prior=tuple(PRIOR), strength=0.8),
            "balanced: probabilities divided by the prior to the power 0.80; temperature 1.20.",
        ),
        (
            Decision(
                "sensitive", threshold=0.1234, target_sensitivity=0.9, validation_specificity=0.75
            ),
            (
                "sensitive: malignant from a probability of 0.123 on, fitted for sensitivity 0.90 "
                "(specificity on validation 0.75); temperature 1.00."
            ),
        ),
    ],
)
def test_a_decision_says_what_it_does(decision: Decision, words: str) -> None:
    assert decision.describe() == words.removesuffix(".")


@pytest.mark.parametrize(
    "stored",
    [
        {},
        {"kind": "brave", "prior": None},
        {"kind": "natural", "prior": None, "temperature": "warm"},
        {"kind": "balanced", "prior": 3},
        {"kind": "sensitive", "prior": None},
    ],
)
def test_a_damaged_decision_is_not_trusted(stored: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(stored, Decision)


@pytest.mark.parametrize(
    ("kind", "numbers", "message"),
    [
        ("brave", {}, "no decision called 'brave'"),
        ("natural", {"temperature": 0.0}, "temperature is 0.0"),
        ("natural", {"temperature": math.inf}, "temperature is inf"),
        ("natural", {"temperature": math.nan}, "temperature is nan"),
        ("natural", {"temperature": 1e-300}, "it must lie in 0.001–1000"),
        ("balanced", {"strength": 1.0, "prior": (*PRIOR[1:], 1e-300)}, "7 finite numbers"),
        ("balanced", {"prior": tuple(PRIOR)}, "needs a strength"),
        ("balanced", {"strength": 1.0}, "needs a strength"),
        ("balanced", {"strength": 1.0, "prior": tuple(PRIOR[1:])}, "7 finite numbers"),
        ("balanced", {"strength": 1.0, "prior": (*PRIOR[1:], -0.1)}, "7 finite numbers"),
        ("balanced", {"strength": 1.0, "prior": (*PRIOR[1:], math.nan)}, "7 finite numbers"),
        ("balanced", {"strength": 1.6, "prior": tuple(PRIOR)}, "strength is 1.6"),
        ("balanced", {"strength": -0.1, "prior": tuple(PRIOR)}, "strength is -0.1"),
        ("sensitive", {}, "needs a threshold"),
        ("sensitive", {"threshold": 1.1}, "threshold is 1.1"),
        ("sensitive", {"threshold": math.nan}, "threshold is nan"),
        ("sensitive", {"threshold": 0.3, "target_sensitivity": 90}, "target_sensitivity is 90"),
        ("sensitive", {"threshold": 0.3, "validation_sensitivity": -1}, "it must lie in 0–1"),
        ("sensitive", {"threshold": 0.3, "validation_specificity": 2}, "it must lie in 0–1"),
    ],
)
def test_numbers_out_of_range_are_refused(kind: str, numbers: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Decision(kind, **numbers)
