"""A check of the metadata: whether they belong to these images, beyond the diagnoses."""

import numpy as np

from hmnist.arrays import Float64, Indices
from hmnist.checks.cross_fitting import Auc, measure_auc, predict_unseen, with_interval
from hmnist.checks.subject import Found, Subject, TooFew
from hmnist.scores.subgroups import patient_groups

_LEAST_PAIRS = 100
"""Pairs of images of one lesion; with fewer, the interval is as wide as the question."""

_NEARER = 0.65
"""How often two images of one lesion are nearer than two of different lesions of the diagnosis: .78
on HAM10000, .56 if half of the metadata are shuffled within each diagnosis, .50 if all are. It is a
finding if the interval lies below."""

_DISAGREE = 0.05
"""The share of lesions with several images that may have two sexes or sites. On HAM10000 no lesion
of 1,169 has two sexes, and 2 have two sites. Age is not looked at: patients are seen again."""

_SITES = ("face", "scalp", "ear", "neck")

_LEAST_SITES = 50
"""Lesions with and without these sites that a diagnosis needs to be looked at."""

_TOLD = 0.65
"""The AUC of these sites from the image within a diagnosis: .78–.86 on HAM10000, since the skin of
the face is redder and has other hairs; .47–.56 if shuffled. A finding if the interval is below."""


def find_other_metadata(subject: Subject) -> Found | TooFew | None:
    """Find metadata whose lesions, sexes or sites do not go with the images."""
    nearer = _compare_lesions(subject)
    if nearer is not None and nearer.high < _NEARER:
        return Found(
            "Two images of one lesion are hardly more alike than two of different lesions of the "
            f"same diagnosis: nearer in {nearer.value:.0%} of comparisons, where HAM10000 has 78%. "
            "The metadata are in another order, or of other images.",
            {"nearer": nearer.value, "low": nearer.low, "high": nearer.high, "limit": _NEARER},
        )
    if (found := _find_two_values(subject)) is not None:
        return found
    told = _tell_sites(subject)
    if told is not None and told.high < _TOLD:
        return Found(
            f"The images do not tell whether a lesion is on head or neck (AUC {told.value:.2f}; "
            ".78 to .86 in HAM10000): the column localization is in another order, or of other "
            "images.",
            {"AUC of the site": told.value, "low": told.low, "high": told.high, "limit": _TOLD},
        )
    if nearer is None and told is None:
        return TooFew(f"{_LEAST_PAIRS} lesions with several images")
    return None


def _find_two_values(subject: Subject) -> Found | None:
    """Find lesions whose images have two sexes or sites; unknown ones are left out."""
    lesions, patients = subject.lesion_numbers, subject.data.patients
    several = int((np.bincount(lesions) > 1).sum())
    if patients is None or several < _LEAST_PAIRS:
        return None
    groups = list(patient_groups(patients))
    for kind, column in (("sex", "sex"), ("site", "localization")):
        values = np.zeros(1 + lesions.max(), np.int64)
        for kind_of_group, name, members in groups:
            if kind_of_group == kind and name != "unknown":
                values[np.unique(lesions[members])] += 1
        two = int((values > 1).sum())
        if two > _DISAGREE * several:
            return Found(
                f"{two:,} of {several:,} lesions with several images have more than one {kind}: "
                f"the column {column} is in another order, or of other images.",
                {"lesions": two, "of": several, "limit": _DISAGREE},
            )
    return None


def _compare_lesions(subject: Subject) -> Auc | None:
    """Tell images of one lesion from those of two by their distance; None with few pairs."""
    pictures, rng = subject.pictures, np.random.default_rng(0)
    lesions, labels = pictures.lesions, pictures.labels
    order = np.argsort(lesions, kind="stable")
    same = np.flatnonzero(lesions[order[1:]] == lesions[order[:-1]])
    first, second = order[same], order[same + 1]
    stranger = second.copy()
    for label in np.unique(labels[first]):
        of_label = np.flatnonzero(labels[first] == label)
        stranger[of_label] = second[rng.permutation(of_label)]
    others = lesions[first] != lesions[stranger]
    count = len(np.unique(lesions[first]))
    if count < _LEAST_PAIRS or others.sum() < _LEAST_PAIRS:
        return None

    def likeness(one: Indices, two: Indices) -> Float64:
        return np.asarray(
            -np.linalg.norm(pictures.features[one] - pictures.features[two], axis=1), np.float64
        )

    scores = np.concatenate([likeness(first, second), likeness(first[others], stranger[others])])
    is_same = np.arange(len(scores)) < len(first)
    auc = measure_auc(is_same, scores, np.arange(len(scores))).value
    return with_interval(auc, count, count)


def _tell_sites(subject: Subject) -> Auc | None:
    """Tell head and neck from other sites by the image, within the diagnoses that have both."""
    sites, pictures = subject.metadata_column("localization"), subject.pictures
    if sites is None or subject.data.synthetic:
        return None
    lesions, labels = pictures.lesions, pictures.labels
    on_head = np.isin(sites[pictures.rows], _SITES)
    compared = []
    for label in np.unique(labels):
        of_label = labels == label
        counts = [len(np.unique(lesions[of_label & side])) for side in (on_head, ~on_head)]
        if min(counts) >= _LEAST_SITES:
            compared.append((of_label, *counts))
    if not compared:
        return None
    chance = predict_unseen(pictures.features, on_head.astype(np.int64), lesions)[:, 1]
    aucs = [measure_auc(on_head[rows], chance[rows], lesions[rows]).value for rows, *_ in compared]
    positives, negatives = (sum(counts) for counts in list(zip(*compared, strict=True))[1:])
    weights = [int(rows.sum()) for rows, *_ in compared]
    return with_interval(float(np.average(aucs, weights=weights)), positives, negatives)
