"""Runs → the rows of an audit: what came out for one published system."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from hmnist.experiments.audit import REPRODUCED
from hmnist.results.rows import ScoreSummary, make_row
from hmnist.runs.facts import Count, SplitFacts
from hmnist.runs.run import Run
from hmnist.scores.comparison import Difference, correct_together
from hmnist.scores.intervals import describe_few
from hmnist.scores.paired_differences import compare_pairs
from hmnist.splits.leak_steps import CLEAN
from hmnist.systems.system import Claim, System

COMPARED = ("accuracy", "balanced_accuracy")
"""The scores on which a step is compared with the one before it."""


@dataclass(frozen=True, kw_only=True)
class AuditStep:
    """A system with some of its protocol's leaks; see `hmnist.splits.leak_steps.isolate_leaks`.

    Attributes
    ----------
    name : str
        ``clean``, or the leak that is switched on, besides those of the steps before.
    split : SplitFacts
        Its split, with the leaks in numbers.
    scores : mapping of str to ScoreSummary
    effect : mapping of str to Difference
        The scores of `COMPARED` minus those of the step before; empty for ``clean``.
    """

    name: str
    split: SplitFacts
    scores: Mapping[str, ScoreSummary]
    effect: Mapping[str, Difference]


@dataclass(frozen=True, kw_only=True)
class AuditRow:
    """One published system under its own protocol, and the leaks of the protocol by themselves.

    Attributes
    ----------
    system, model : str
        The system, and the model that is trained.
    claim : Claim
        What its source published.
    protocol : str
        How its source split and resampled, in a phrase.
    balanced : bool
        Whether the protocol's test part holds every diagnosis about equally often.
    split : SplitFacts
        The split of the protocol, leaks included.
    resampling : str
        What the protocol does to the training part, in words.
    epochs, own_epochs : int
        The epochs of the training here, and of its source.
    own_size : tuple of int or None
        Height and width of its source where the network is built for the images as they are.
    seeds : int
    pretrained : str or None
        Where a transfer model started from.
    reproduced : mapping of str to ScoreSummary
        The scores under its own protocol, after the last epoch.
    best_epoch : ScoreSummary or None
        The accuracy of the best epoch under its own protocol, chosen on the test part, over the
        seeds, without an interval; None if another part validates.
    steps : tuple of AuditStep
        ``clean``, and each leak that its protocol has.
    all_leaks : mapping of str to Difference
        The scores of `COMPARED` with all leaks, minus those of ``clean``; empty without leaks.
    failed : int
        Trainings that predict the same for every image, of those of the protocol and the steps.
    few_lesions : str or None
        Which diagnoses are tested on too few lesions in the steps; see `describe_few`.
    """

    system: str
    model: str
    claim: Claim
    protocol: str
    balanced: bool
    split: SplitFacts
    resampling: str
    epochs: Count
    own_epochs: Count
    own_size: tuple[Count, Count] | None
    seeds: Count
    pretrained: str | None
    reproduced: Mapping[str, ScoreSummary]
    best_epoch: ScoreSummary | None
    steps: tuple[AuditStep, ...]
    all_leaks: Mapping[str, Difference]
    failed: Count
    few_lesions: str | None

    @property
    def clean(self) -> Mapping[str, ScoreSummary]:
        """The scores without leaks."""
        return self.steps[0].scores

    @property
    def trainings(self) -> int:
        """How many trainings there are, those of the protocol and of the steps."""
        return self.seeds * (1 + len(self.steps))

    @property
    def tries_claim(self) -> bool:
        """Whether a claim was tried: with the epochs of its source, and more than one training.

        A single training does not tell how much another would differ.
        """
        is_whole = self.epochs == self.own_epochs and self.seeds > 1
        return is_whole and self.claim.accuracy is not None

    def misses_claim(self, claims: int = 1) -> bool:
        """Tell whether the claim is farther from what came out than lesions and trainings explain.

        It lies outside of `claim_interval`.
        """
        interval, claimed = self.claim_interval(claims), self.claim.accuracy
        if interval is None or claimed is None:
            return False
        return not interval[0] <= claimed <= interval[1]

    def claim_interval(self, claims: int = 1) -> tuple[float, float] | None:
        """Return the interval that a claim is compared with; None if it is not tried.

        The source trained once and tested other lesions. So it is a 95 % prediction interval for
        the accuracy of one more training on another test part of this size. If the claim is that
        of the best epoch, so is what came out. For `claims` that are tried together, intervals are
        so wide that all of them hold with 95 % (Bonferroni).
        """
        last = self.reproduced["accuracy"]
        if not self.tries_claim:
            return None
        of_claim = self.best_epoch if self.claim.best_epoch and self.best_epoch else last
        mean, std, low, high = of_claim.mean, of_claim.std, last.low, last.high
        if mean is None or std is None or low is None or high is None:
            return None
        from scipy.special import ndtri, stdtrit

        level = 1 - 0.025 / claims
        trainings = stdtrit(self.seeds - 1, level) * std * math.sqrt(1 + 1 / self.seeds)
        # Half of the interval of the mean, once for the lesions here and once for the source's.
        lesions = math.sqrt(2) * (high - low) / 2 * ndtri(level) / ndtri(0.975)
        farthest = math.hypot(trainings, lesions)
        return max(0.0, mean - farthest), min(1.0, mean + farthest)

    @property
    def reason(self) -> str:
        """The protocol, and what its test part shares with the other parts, in words."""
        leaks = "; ".join(f"{leak.sentence} ({leak.code})" for leak in self.split.leaks or ())
        shared = leaks or "its test part shares nothing with the other two"
        sizes = [f"{self.steps[0].split.sizes[part]:,}" for part in ("train", "validation", "test")]
        return (
            f"Protocol: {self.protocol}. {shared[0].upper()}{shared[1:]}. Leaks alone: "
            f"{' / '.join(sizes)} images train / validate / test."
        )


@dataclass(frozen=True, kw_only=True)
class Promise:
    """What a source promises of the first of two systems over the second, and what came out.

    They were trained for `epochs` of their `own_epochs`; `reproduced` and `clean` are the
    differences of accuracies under their protocol and without leaks.
    """

    systems: tuple[str, str]
    promised: str
    epochs: Count
    own_epochs: Count
    reproduced: Difference
    clean: Difference

    def __str__(self) -> str:
        return (
            f"{' − '.join(self.systems)}: promised is {self.promised}; the difference of test "
            f"accuracy after {self.epochs} of {self.own_epochs} epochs is {self.reproduced} under "
            f"their protocol, {self.clean} without leaks."
        )


def make_audit_row(system: System, epochs: int, runs: Mapping[str, Sequence[Run]]) -> AuditRow:
    """Return the row of a system; its runs have the names of `AuditedSystem.cells`.

    P-values are not corrected; see `correct_rows`.
    """
    own, steps = runs[REPRODUCED], {name: runs[name] for name in runs if name != REPRODUCED}
    reproduced, first = make_row(own), own[0].manifest
    tested = {name: [run.part("test") for run in runs] for name, runs in steps.items()}
    names = list(tested)
    pairs = [(after, before) for before, after in pairwise(names)]
    total = [(names[-1], CLEAN)] if pairs else []
    differences = compare_pairs(tested, list(dict.fromkeys(pairs + total)), COMPARED)
    effects = {after: differences[after, before] for after, before in pairs}
    return AuditRow(
        system=system.name,
        model=system.model,
        claim=system.claim,
        protocol=system.protocol.description,
        balanced=system.protocol.balanced,
        split=first.split,
        resampling=reproduced.oversampling_note,
        epochs=epochs,
        own_epochs=system.training.epochs,
        own_size=None if system.resizes else system.size,
        seeds=reproduced.seeds,
        pretrained=reproduced.pretrained,
        reproduced=reproduced.scores,
        best_epoch=_best_epoch(own),
        steps=tuple(
            AuditStep(
                name=name,
                split=of_step[0].manifest.split,
                scores=make_row(of_step).scores,
                effect=effects.get(name, {}),
            )
            for name, of_step in steps.items()
        ),
        all_leaks=differences[total[0]] if total else {},
        failed=sum(run.part("test").are_constant for of_name in runs.values() for run in of_name),
        few_lesions=describe_few(tested[CLEAN]),
    )


def correct_rows(rows: Sequence[AuditRow]) -> list[AuditRow]:
    """Return the rows with the p-values of all their differences corrected together (Holm).

    The difference of all leaks counts once where it is that of the only step.
    """
    listed = {
        id(difference): difference
        for row in rows
        for effect in (*(step.effect for step in row.steps), row.all_leaks)
        for difference in effect.values()
    }
    corrected = dict(zip(listed, correct_together(list(listed.values())), strict=True))

    def correct(effect: Mapping[str, Difference]) -> dict[str, Difference]:
        return {score: corrected[id(difference)] for score, difference in effect.items()}

    return [
        replace(
            row,
            steps=tuple(replace(step, effect=correct(step.effect)) for step in row.steps),
            all_leaks=correct(row.all_leaks),
        )
        for row in rows
    ]


def _best_epoch(runs: Sequence[Run]) -> ScoreSummary | None:
    """Return the mean accuracy of the best epochs and its spread, if the test part validates."""
    if "HM103" not in {leak.code for leak in runs[0].manifest.split.leaks or ()}:
        return None
    accuracies = [run.history["val_accuracy"].max() for run in runs if run.history is not None]
    std = float(np.std(accuracies, ddof=1)) if len(accuracies) > 1 else None
    return ScoreSummary(float(np.mean(accuracies)), std, None, None)


def make_promise(better: AuditRow, runs: Mapping[str, Mapping[str, Sequence[Run]]]) -> Promise:
    """Return what a source promises of a system over another one, and the differences.

    The runs are those of both systems, as for `make_audit_row`.
    """
    pair = better.system, better.claim.better_than
    reproduced, clean = (
        compare_pairs(
            {system: [run.part("test") for run in runs[system][name]] for system in pair},
            [pair],
            ["accuracy"],
        )[pair]["accuracy"]
        for name in (REPRODUCED, CLEAN)
    )
    return Promise(
        systems=pair,
        promised=better.claim.note,
        epochs=better.epochs,
        own_epochs=better.own_epochs,
        reproduced=reproduced,
        clean=clean,
    )
