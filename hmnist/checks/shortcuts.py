"""Checks of shortcuts: what tells the diagnosis, or the part, without showing the lesion."""

import numpy as np

from hmnist.arrays import Array, Booleans, Float32, Float64, Indices
from hmnist.checks.cross_fitting import Auc, measure_auc, predict_unseen, with_interval
from hmnist.checks.pictures import Pictures
from hmnist.checks.subject import Found, Subject, TooFew
from hmnist.diagnoses import CODES
from hmnist.features.geometry import border_mask

_LEAST_LESIONS = 20
"""Lesions of a diagnosis, or of a part, that are told from the others."""

_MARGIN = 0.05
"""How much worse than the whole image a shortcut is at least. On HAM10000 the diagnoses nearest to
it are mel with .10 (border) and bkl with .11 (mean colours)."""

_LEAST_AUC = 0.8
"""Of a shortcut that matters, from the lower end of its interval on. On HAM10000 the border reaches
.82 (akiec) and mean colours .77 (bcc)."""

_ALIKE = 0.58
"""The AUC that tells test images from training images. In twenty splits of HAM10000 by lesion it
was .47–.52, up to .54 if the ids of the lesions are withheld, and the interval never began above
.53, nor for scikit-learn's GroupKFold, StratifiedGroupKFold and GroupShuffleSplit. Test images
that are brighter have .52–.57 (2 %), .63–.66 (4 %), .72–.74 (6 %). A finding if the interval is
above."""

_MOST_OF_LESION = 3
"""Images of a lesion from which on their number makes no difference."""


def find_telling_border(subject: Subject) -> Found | TooFew | None:
    """Find diagnoses that the border of the images tells as well as the whole images do."""
    return _find_shortcut(
        subject, _describe_border(subject.pictures), "The border of the images alone"
    )


def find_telling_colours(subject: Subject) -> Found | TooFew | None:
    """Find diagnoses that the mean colour of the images tells as well as the whole images do."""
    images = subject.data.images[subject.pictures.rows]
    means = images.mean(axis=(1, 2), dtype=np.float32)
    return _find_shortcut(subject, means, "The mean colour of the images alone")


def find_other_pictures_in_test(subject: Subject) -> Found | TooFew | None:
    """Find a test part whose images can be told from training images (adversarial validation).

    Compared are images of one diagnosis whose lesions have equally many images, since parts may
    differ in both for other reasons.
    """
    told = _tell_parts(subject)
    if told is None:
        return TooFew(f"{_LEAST_LESIONS} comparable lesions of the training and the test part")
    if told.low <= _ALIKE:
        return None
    return Found(
        "The images of the test part can be told from training images of the same diagnosis (AUC "
        f"{told.value:.2f}, 95% interval over {subject.unit} {told.low:.2f} to {told.high:.2f}; .5 "
        "if they cannot): another camera, light or preparation.",
        {"AUC": told.value, "low": told.low, "high": told.high, "limit": _ALIKE},
    )


def _find_shortcut(subject: Subject, features: Float32, what: str) -> Found | TooFew | None:
    pictures = subject.pictures
    frequent = _frequent_diagnoses(pictures)
    if not frequent:
        return TooFew(f"{_LEAST_LESIONS} lesions of a diagnosis, and as many others")
    alone = predict_unseen(features, pictures.labels, pictures.lesions)
    phrases: list[str] = []
    evidence: dict[str, float] = {}
    for label in frequent:
        is_label = pictures.labels == label
        short = measure_auc(is_label, alone[:, label], pictures.lesions)
        if short.low <= _LEAST_AUC:
            continue
        whole = measure_auc(is_label, pictures.probabilities[:, label], pictures.lesions)
        if short.low >= whole.value - _MARGIN:
            code = CODES[label]
            phrases.append(f"{code} (AUC {short.value:.2f}, whole image {whole.value:.2f})")
            evidence |= {f"{code} alone": short.value, f"{code} low": short.low}
            evidence[f"{code} whole"] = whole.value
    if not phrases:
        return None
    return Found(
        f"{what} tells {', '.join(phrases)}: models may learn it instead of the lesion.", evidence
    )


def _frequent_diagnoses(pictures: Pictures) -> list[int]:
    """Return the labels of the diagnoses that can be told from the others."""
    lesions_of = [
        [len(np.unique(pictures.lesions[side])) for side in (is_label, ~is_label)]
        for is_label in (pictures.labels == label for label in range(len(CODES)))
    ]
    return [label for label, counts in enumerate(lesions_of) if min(counts) >= _LEAST_LESIONS]


def _describe_border(pictures: Pictures) -> Float32:
    """Return colours of the four sides of the border: float32, shape (k, 10·c)."""
    images = pictures.data.images
    height, width, channels = images.shape[1:]
    border = border_mask(height, width).reshape(height, width)
    rows, columns = np.indices((height, width))
    across, down = 2 * columns - width + 1, 2 * rows - height + 1
    side = np.where(np.abs(across) * height > np.abs(down) * width, across > 0, 2 + (down > 0))
    pixels = images[pictures.rows][:, border].astype(np.float32)
    parts: list[Array] = [pixels.min(axis=1), pixels.max(axis=1)]
    for number in range(4):
        of_side = pixels[:, side[border] == number]
        parts += [of_side.mean(axis=1), of_side.std(axis=1)]
    return np.concatenate(parts, axis=1).reshape(len(pixels), 10 * channels)


def _tell_parts(subject: Subject) -> Auc | None:
    """Tell test images from training images; None if there are too few lesions of either."""
    pictures = subject.pictures
    train, test = subject.pictures_in("train"), subject.pictures_in("test")
    of_lesion = np.bincount(pictures.lesions)[pictures.lesions].clip(max=_MOST_OF_LESION)
    strata = pictures.labels * (_MOST_OF_LESION + 1) + of_lesion
    used = np.flatnonzero(train ^ test)
    weights = _even_out(strata[used], test[used])
    used, weights = used[weights > 0], weights[weights > 0]
    strata, in_test, lesions = strata[used], test[used], pictures.lesions[used]
    counts = [len(np.unique(lesions[side])) for side in (in_test, ~in_test)]
    if min(counts) < _LEAST_LESIONS:
        return None
    chance = predict_unseen(pictures.features[used], in_test.astype(np.int64), lesions, weights)
    aucs, sizes = [], []
    for stratum in np.unique(strata):
        rows = strata == stratum
        aucs.append(measure_auc(in_test[rows], chance[rows, 1], lesions[rows]).value)
        sizes.append(int(rows.sum()))
    return with_interval(float(np.average(aucs, weights=sizes)), counts[0], counts[1])


def _even_out(strata: Indices, in_test: Booleans) -> Float64:
    """Return weights that give each stratum the same weight in both parts; 0 if it is in one."""
    counts = np.array(
        [
            np.bincount(strata[in_test == side], minlength=1 + strata.max(initial=0))
            for side in (0, 1)
        ]
    )
    shares = np.where(counts.all(axis=0), counts.sum(axis=0), 0) / counts.clip(1)
    return np.asarray(shares[in_test.astype(np.int64), strata], dtype=np.float64)
