"""A check of groups of patients: whether models are much worse for one of them."""

import numpy as np

from hmnist.arrays import Booleans
from hmnist.checks.cross_fitting import Auc, measure_auc
from hmnist.checks.subject import LEAST_LESIONS, Found, Subject, TooFew
from hmnist.diagnoses import MALIGNANT
from hmnist.scores.subgroups import patient_groups

_LEAST_OF_EACH = 10
"""Malignant lesions, and benign ones, that a group needs to be looked at."""

_BELOW = 0.12
"""How far below the AUC of all other patients the interval of a group has to lie. In HAM10000 the
chest is the weakest group: .71 [.62, .80], which is .10 below .89. With the labels of other images
of the same site in half of its rows, the back is .19 below."""


def find_weak_group(subject: Subject) -> Found | TooFew | None:
    """Find the group by age, sex or site for which models are far below the rest.

    Models have not seen the lesion. Groups have other shares of each diagnosis, which the area
    under the curve, malignant against benign, does not depend on.
    """
    pictures, patients = subject.pictures, subject.data.patients
    if patients is None:
        return None
    measured = (
        (f"{kind} {name}", _measure(subject, members), _measure(subject, ~members))
        for kind, name, members in patient_groups(patients[pictures.rows])
    )
    compared = [(name, own, rest) for name, own, rest in measured if own and rest]
    if not compared:
        return TooFew(
            f"a group of {LEAST_LESIONS} lesions, {_LEAST_OF_EACH} malignant and {_LEAST_OF_EACH} "
            "benign, and as many others"
        )
    name, group, others = max(compared, key=lambda each: each[2].value - each[1].high)
    if others.value - group.high <= _BELOW:
        return None
    return Found(
        f"Models tell malignant from benign lesions far worse in one group, {name}: AUC "
        f"{group.value:.2f}, 95% interval over {subject.unit} {group.low:.2f} to {group.high:.2f}, "
        f"and {others.value:.2f} for all others. Look at the images and labels of this group.",
        {
            "AUC": group.value,
            "low": group.low,
            "high": group.high,
            "others": others.value,
            "limit": _BELOW,
        },
    )


def _measure(subject: Subject, members: Booleans) -> Auc | None:
    """Return how well malignant lesions of some pictures are told; None if they are few."""
    pictures = subject.pictures
    is_malignant = np.isin(pictures.labels[members], MALIGNANT)
    lesions = pictures.lesions[members]
    counts = [len(np.unique(lesions[kind])) for kind in (is_malignant, ~is_malignant)]
    if min(counts) < _LEAST_OF_EACH or sum(counts) < LEAST_LESIONS:
        return None
    scores = pictures.probabilities[members][:, list(MALIGNANT)].sum(axis=1)
    return measure_auc(is_malignant, scores, lesions)
