"""Scores, differences and p-values as text, in one format everywhere."""

import math
from collections.abc import Sequence

UNKNOWN = "–"
"""What stands for a number that the images cannot tell."""

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
        return UNKNOWN
    text = f"{value:.3f}"
    return text[1:] if text.startswith("0.") else text


def bound_text(value: float) -> str:
    """Return the bound of a score or a difference, which is rounded up.

    Examples
    --------
    >>> bound_text(0.0004), bound_text(0.02), bound_text(0.0201)
    ('.001', '.020', '.021')
    """
    return score_text(math.ceil(round(value * 1000, 6)) / 1000)


def signed_text(value: float | None) -> str:
    """Return a difference of scores with its sign: ``−.074``."""
    if value is None or math.isnan(value):
        return UNKNOWN
    rounded = round(value, 3) + 0.0
    return f"{'−' if rounded < 0 else '+'}{score_text(abs(rounded))}"


def interval_text(low: float | None, high: float | None, *, signed: bool = False) -> str:
    """Return an interval of a score, or of a difference with signs: ``[.595, .648]``.

    Examples
    --------
    >>> interval_text(0.595, 0.648), interval_text(-0.01, 0.02, signed=True)
    ('[.595, .648]', '[−.010, +.020]')
    >>> interval_text(None, None)
    '–'
    """
    text = signed_text if signed else score_text
    if text(low) == text(high) == UNKNOWN:
        return UNKNOWN
    return f"[{text(low)}, {text(high)}]"


def p_text(p_value: float | None) -> str:
    """Return a p-value with three decimals; ``< 0.001`` for all that are smaller.

    Examples
    --------
    >>> p_text(0.0132), p_text(0.0002)
    ('0.013', '< 0.001')
    """
    if p_value is None or math.isnan(p_value):
        return UNKNOWN
    return f"< {FLOOR}" if p_value < FLOOR else f"{p_value:.3f}"


def as_sentence_list(names: Sequence[str]) -> str:
    """Return names with commas and a final “and”: ``lenet, vgg16 and mobilenet``."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
