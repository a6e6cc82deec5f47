"""`find_suspects`: what people should look at: images of two lesions that are alike, and labels."""

from dataclasses import dataclass

import numpy as np

from hmnist.arrays import Float64, Indices, Labels
from hmnist.checks.subject import Subject
from hmnist.dataset import LesionDataset
from hmnist.errors import UsageError


@dataclass(frozen=True, eq=False)
class Suspects:
    """Images that may be wrong, the most suspicious first. Nothing is corrected by itself.

    Attributes
    ----------
    pairs : numpy.ndarray of int64, shape (k, 2)
        Rows of images that show two lesions, by their ids, and are alike; any images where lesions
        are unknown.
    likeness : numpy.ndarray of float64, shape (k,)
        From .8; 1 where one is the other, turned or brightened (`hmnist.checks.neighbours`).
    labels : numpy.ndarray of int64, shape (m,)
        Rows of images whose label is improbable.
    predicted : numpy.ndarray of int64, shape (m,)
        Their most probable diagnosis, by models that have not seen the lesion.
    probabilities : numpy.ndarray of float64, shape (m,)
        Of the predicted diagnosis.
    """

    pairs: Indices
    likeness: Float64
    labels: Indices
    predicted: Labels
    probabilities: Float64


def find_suspects(data: LesionDataset) -> Suspects:
    """Rank images of two lesions that are alike, and images whose label is improbable.

    Labels are ranked by how much more probable another diagnosis is, estimated by logistic
    regression on colours, shapes and textures, fitted without the lesion (confident learning;
    Northcutt, Jiang & Chuang, Journal of Artificial Intelligence Research 70, 2021).

    Raises
    ------
    UsageError
        If there are too few images, or they are too small.

    Examples
    --------
    >>> from hmnist.sources.sample import load_sample
    >>> suspects = find_suspects(load_sample(rows=210))
    >>> suspects.pairs.shape[1], len(suspects.labels) == len(suspects.predicted)
    (2, True)
    """
    subject = Subject(data)
    lacks = [lack for need in ("sample", "detail") if (lack := subject.lacks(need))]
    if lacks:
        raise UsageError(
            f"{data.name} cannot be searched for suspects: it takes {' and '.join(lacks)}."
        )
    pictures, pairs = subject.pictures, subject.pictures.near_pairs
    others = pictures.are_others
    probabilities, labels = pictures.probabilities, pictures.labels
    given = probabilities[np.arange(len(labels)), labels]
    margin = probabilities.max(axis=1) - given
    wrong = np.argsort(-margin, kind="stable")[: int((margin > 0).sum())]
    return Suspects(
        pictures.rows[np.column_stack([pairs.first[others], pairs.second[others]])],
        pairs.likeness[others],
        pictures.rows[wrong],
        probabilities[wrong].argmax(axis=1),
        probabilities[wrong].max(axis=1),
    )
