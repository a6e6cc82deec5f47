"""Checks of the labels against the images: diagnoses exchanged, and labels that are wrong."""

import numpy as np

from hmnist.arrays import Float32, Float64, Indices, Pixels
from hmnist.checks.subject import Found, Subject, TooFew
from hmnist.diagnoses import CODES
from hmnist.features.geometry import border_mask
from hmnist.features.views import make_view, to_planes
from hmnist.scores.subgroups import wilson_interval

_LEAST_IMAGES = 30
"""Images of a diagnosis that its mean looks are computed from."""

_LEAST_DIAGNOSES = 3
"""With two, an exchange only changes the sign of their difference."""

_BETTER = 0.5
"""How much nearer to HAM10000's looks another naming has to be, in squared standard deviations. Of
the 21 exchanges of two diagnoses in half of HAM10000's lesions, compared with the other half, each
was 1.0 or more nearer (akiec and bcc); with the right names, and with images cut to a square, no
other naming was nearer at all."""

_SUREST = 0.2
"""The share of the images, the most confident ones, whose labels are compared with predictions."""

_WRONG = 0.02
"""The share of wrong labels among them that may be difficult lesions: .004–.009 in HAM10000; .04 if
3 % of all labels were changed at random, .10 if 10 % were. A finding if the interval is above.
Without colours models are wrong more often: then it is always above."""

_LEAST_SURE = 100
"""Images among the surest fifth."""


def find_exchanged_diagnoses(subject: Subject) -> Found | TooFew | None:
    """Find diagnoses whose images look as another diagnosis does in HAM10000, and the reverse.

    The mean looks of each diagnosis, relative to the mean of all, are assigned to those of
    HAM10000 so that the sum of squared distances is the least.
    """
    from scipy.optimize import linear_sum_assignment

    labels = subject.pictures.labels
    present = np.flatnonzero(np.bincount(labels, minlength=len(CODES)) >= _LEAST_IMAGES)
    if len(present) < _LEAST_DIAGNOSES:
        return TooFew(f"{_LEAST_IMAGES} images of each of {_LEAST_DIAGNOSES} diagnoses")
    looks = describe_looks(subject)
    means = np.array([looks[labels == label].mean(axis=0) for label in present])
    expected = LOOKS[present]
    differences = (means - means.mean(axis=0))[:, None] - (expected - expected.mean(axis=0))[None]
    costs = ((differences / DEVIATIONS) ** 2).sum(axis=2)
    _, assigned = linear_sum_assignment(costs)
    better = float(np.trace(costs) - costs[np.arange(len(costs)), assigned].sum())
    if better < _BETTER:
        return None
    names = ", ".join(
        f"{CODES[present[number]]} as {CODES[present[other]]}"
        for number, other in enumerate(assigned.tolist())
        if number != other
    )
    return Found(
        f"The images look as if diagnoses were exchanged: compared with HAM10000, {names}. Are the "
        "labels in the order of another file?",
        {"as given": float(np.trace(costs)), "exchanged": float(np.trace(costs)) - better},
    )


def find_wrong_labels(subject: Subject) -> Found | TooFew | None:
    """Find labels that contradict what models are surest of that have not seen the lesion.

    The interval counts lesions where they are known: the images of a lesion are alike.
    """
    pictures = subject.pictures
    surest, wrong = rank_contradictions(pictures.probabilities, pictures.labels)
    if len(surest) < _LEAST_SURE:
        return TooFew(f"{_LEAST_SURE / _SUREST:.0f} images")
    share, lesions = len(wrong) / len(surest), len(np.unique(pictures.lesions[surest]))
    low, high = wilson_interval(share, lesions)
    if low <= _WRONG:
        return None
    names = ", ".join(subject.data.name_of(row) for row in pictures.rows[wrong[:3]])
    return Found(
        f"Of the {len(surest):,} images that models are surest of, {len(wrong):,} ({share:.0%}, "
        f"95% interval over {subject.unit} {low:.1%} to {high:.1%}) have another label, where "
        f"HAM10000 has less than 1%: about {share:.0%} of all labels may be wrong. Look at {names} "
        "first.",
        {
            "wrong": len(wrong),
            "of": len(surest),
            **({} if subject.data.lesion_ids is None else {"lesions": lesions}),
            "low": low,
            "high": high,
            "limit": _WRONG,
        },
    )


def rank_contradictions(probabilities: Float64, labels: Indices) -> tuple[Indices, Indices]:
    """Return the images that models are surest of, a fifth, and those of them with another label.

    First of the latter is the one whose label is the least probable, compared with the most
    probable one.
    """
    confidence = probabilities.max(axis=1)
    count = int(_SUREST * len(labels))
    surest = np.argsort(-confidence, kind="stable")[:count]
    wrong = surest[probabilities[surest].argmax(axis=1) != labels[surest]]
    margin = confidence[wrong] - probabilities[wrong, labels[wrong]]
    return surest, wrong[np.argsort(-margin, kind="stable")]


def describe_looks(subject: Subject) -> Float32:
    """Return eight numbers of each picture, in levels of 0–255: float32, shape (n, 8).

    Brightness, red minus green and blue minus green, of the middle minus the border and then of the
    border; the standard deviation in the middle; the difference of neighbours, as at 28×28.
    """
    images, rows = subject.data.images, subject.pictures.rows
    parts = [_describe(images[rows[start : start + 512]]) for start in range(0, len(rows), 512)]
    return np.concatenate(parts)


def _describe(images: Pixels) -> Float32:
    planes = make_view(to_planes(images), "colour") * 255
    height, width = planes.shape[2:]
    middle = planes[:, :, height // 4 : -(height // 4), width // 4 : -(width // 4)]
    border = planes.reshape(*planes.shape[:2], -1)[:, :, border_mask(height, width)]
    skin = _oppose(border.mean(axis=2))
    rough = sum(np.abs(np.diff(planes, axis=axis)).mean(axis=(1, 2, 3)) for axis in (2, 3))
    return np.column_stack(
        [
            _oppose(middle.mean(axis=(2, 3))) - skin,
            skin,
            middle.std(axis=(2, 3)).mean(axis=1),
            rough * min(height, width) / 28,
        ]
    )


def _oppose(colours: Float32) -> Float32:
    red, green, blue = colours.T
    return np.column_stack([colours.mean(axis=1), red - green, blue - green])


# fmt: off
LOOKS = np.array([
    #  middle − border     |  border             | deviation, difference
    [ -5.0, 15.2,  -0.1, 164.2, 43.0, 5.3, 21.3, 16.1],  # akiec
    [ -3.5, 13.3,   3.5, 168.4, 35.2, 5.3, 21.0, 13.8],  # bcc
    [-14.7, 12.5,  -5.8, 156.1, 34.2, 9.6, 23.8, 14.9],  # bkl
    [ -9.8, 20.0,   1.4, 168.7, 40.7, 7.7, 18.1, 12.0],  # df
    [-33.0, 16.7,  -5.1, 169.0, 59.1, 7.3, 30.5, 12.2],  # nv
    [-23.1, 15.0,  12.1, 175.1, 46.4, 9.6, 31.6, 11.8],  # vasc
    [-30.4, 17.9,  -6.7, 159.5, 33.5, 9.1, 32.7, 17.8],  # mel
])
"""The mean of `describe_looks` for each diagnosis, in the Kaggle order, over the images of a part
of HAM10000 at 28×28 (7,057 images of 5,585 lesions)."""

DEVIATIONS = np.array([34.3, 11.7, 8.5, 24.5, 24.0, 11.0, 11.6, 4.6])
"""The standard deviations within a diagnosis, of the same images."""
# fmt: on
