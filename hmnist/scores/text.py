"""Scores, differences and p-values as text, in one format everywhere."""

import math
from collections.abc import Sequence

FLOOR = 0.001
"""Smaller p-values are printed as smaller than this."""


def score_text(value: float | None) -> str:
    """Return a score with three decimals and without the zero before the point: ``.500``.

    Examples
    --------
    >>> score_text(0.5), score_text(1.085), score_text(None)
    ('.500', '1.085', '–')
    """
    if value is None or math.isnan(value):
        return "–"
    text = f"{value:.3f}"
    return text[1:] if text.startswith("0.") else text


def signed_text(value: float | None) -> str:
    """Return a difference of scores with its sign: ``−.074``."""
    if value is None or math.isnan(value):
        return "–"
    rounded = round(value, 3) + 0.0
    return f"{'−' if rounded < 0 else '+'}{score_text(abs(rounded))}"


def interval_text(low: float | None, high: float | None, *, signed: bool = False) -> str:
    """Return an interval of a score, or of a difference with signs: ``[.595, .648]``."""
    text = signed_text if signed else score_text
    return f"[{text(low)}, {text(high)}]"


def p_text(p_value: float | None) -> str:
    """Return a p-value with three decimals; ``< 0.001`` for all that are smaller.

    Examples
    --------
    >>> p_text(0.0132), p_text(0.0002)
    ('0.013', '< 0.001')
    """
    if p_value is None or math.isnan(p_value):
        return "–"
    return f"< {FLOOR}" if p_value < FLOOR else f"{p_value:.3f}"


def as_sentence_list(names: Sequence[str]) -> str:
    """Return names with commas and a final “and”: ``lenet, vgg16 and mobilenet``."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
