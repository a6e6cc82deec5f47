"""`Report`: what all checks found in one subject, and which of them could not look."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from hmnist.checks.catalogue import CHECKS
from hmnist.checks.subject import Check, Subject, TooFew


@dataclass(frozen=True)
class Finding:
    """A mistake that a check found.

    Attributes
    ----------
    code : str
        ``HM101`` …; the same in all versions.
    name : str
        What is wrong, in a few words.
    sentence : str
        What is wrong here, with its counts.
    evidence : mapping of str to int, float or str
        The numbers that the sentence rests on, each with its name.
    """

    code: str
    name: str
    sentence: str
    evidence: Mapping[str, int | float | str]

    def __str__(self) -> str:
        return f"{self.code} {self.name}: {self.sentence}"


@dataclass(frozen=True)
class Report:
    """The findings of all checks, and which checks could look.

    Attributes
    ----------
    data : str
        The name of the data.
    split : str or None
        The kind of the split; None if there is none.
    findings : tuple of Finding
    looked : tuple of Check
        Those that could judge.
    skipped : mapping of str to str
        The code of each other check → what it needs.
    images : int
        How many distinct images the data hold.
    compared : int
        How many of them the checks looked at that need a ``sample`` of them.
    """

    data: str
    split: str | None
    findings: tuple[Finding, ...]
    looked: tuple[Check, ...]
    skipped: Mapping[str, str]
    images: int
    compared: int


def report_on(
    subject: Subject,
    skipped: Mapping[str, str],
    on_check: Callable[[int, int], None] | None = None,
) -> Report:
    """Let all checks look, but for those that are skipped for the needs that they name.

    `on_check` is told how many checks are done, and of how many.
    """
    found: dict[str, Finding] = {}
    left_out = dict(skipped)
    # Causes first, which fewer other checks explain: what follows from them is left out.
    for number, each in enumerate(sorted(CHECKS, key=lambda check: len(check.unless))):
        if on_check is not None:
            on_check(number, len(CHECKS))
        if each.code in left_out:
            continue
        if causes := [code for code in each.unless if code in found]:
            left_out[each.code] = f"images without {' and '.join(causes)}"
        elif isinstance(result := each.look(subject), TooFew):
            left_out[each.code] = result.need
        elif result is not None:
            found[each.code] = Finding(each.code, each.name, result.sentence, result.evidence)
    return Report(
        subject.data.name,
        None if subject.split is None else subject.split.kind,
        tuple(found[code] for code in sorted(found)),
        tuple(each for each in CHECKS if each.code not in left_out),
        left_out,
        len(np.unique(subject.image_keys)),
        len(subject.pictures.rows),
    )
