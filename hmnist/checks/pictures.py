"""`Pictures`: what checks compute from the images, once for all checks and splits of the data."""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from hmnist.arrays import Booleans, Float32, Float64, Indices, Labels
from hmnist.checks.cross_fitting import predict_unseen
from hmnist.checks.neighbours import NearPairs, find_near_pairs
from hmnist.dataset import LesionDataset
from hmnist.features.unfitted import describe_unfitted
from hmnist.hardware import usable_threads
from hmnist.models.linear import measure_scale, standardise
from hmnist.splits.leaks import number_images

MOST_IMAGES = 20_000
"""Of more distinct images, so many are compared, drawn at random: the time grows with the square of
their number."""

LEAST_NUMBERS = 192
"""Values of an image (8×8 pixels in colour) from which near images are told from others. Of grey
images of 8×8, 5 % of HAM10000's have a likeness of .9 or more to another lesion."""

_COMPONENTS = 96
"""Principal components of the features. On HAM10000, 64 to 128 of them did as well for all checks
as all 461 columns (AUC of the diagnosis .923 against .928), in a third of the time."""


_ALIKE = 0.8
"""The least likeness of pairs that people look at; checks take those that are near."""


@dataclass(frozen=True, eq=False)
class Pictures:
    """The distinct images of a data set, and what they look like."""

    data: LesionDataset

    @cached_property
    def keys(self) -> Indices:
        """A number for each row of the data; rows with the same pixels have the same number."""
        return number_images(self.data.images)

    @cached_property
    def rows(self) -> Indices:
        """The rows that are compared: each image once, at most `MOST_IMAGES`, ascending."""
        distinct = np.unique(self.keys)
        if len(distinct) <= MOST_IMAGES:
            return distinct
        return np.sort(np.random.default_rng(0).choice(distinct, MOST_IMAGES, replace=False))

    @property
    def labels(self) -> Labels:
        """The diagnoses of `rows`."""
        return self.data.labels[self.rows]

    @cached_property
    def lesions(self) -> Indices:
        """The lesion of each of `rows`, numbered; an image each where lesions are unknown."""
        if self.data.lesion_ids is None:
            return np.arange(len(self.rows))
        return np.unique(self.data.lesion_ids[self.rows], return_inverse=True)[1]

    @cached_property
    def features(self) -> Float32:
        """Colours, shapes and textures of `rows` along their principal components: (k, 96)."""
        table = describe_unfitted(self.data.images[self.rows], usable_threads())
        standardised = standardise(table, *measure_scale(table))
        _, components = np.linalg.eigh(standardised.T @ standardised)
        return np.asarray(standardised @ components[:, -_COMPONENTS:])

    @cached_property
    def near_pairs(self) -> NearPairs:
        """The pairs of images that are alike, near ones first; positions in `rows`."""
        return find_near_pairs(self.data.images[self.rows], _ALIKE)

    @property
    def are_others(self) -> Booleans:
        """Which of `near_pairs` show two lesions, as far as lesions are known."""
        first, second = self.near_pairs.first, self.near_pairs.second
        return np.asarray(self.lesions[first] != self.lesions[second])

    @cached_property
    def probabilities(self) -> Float64:
        """Each diagnosis' probability for `rows`, by models that have not seen the lesion: (k, 7).

        They are those of logistic regression on `features`.
        """
        return predict_unseen(self.features, self.labels, self.lesions)


# Folds of the same data are checked one after another.
@lru_cache(maxsize=1)
def pictures_of(data: LesionDataset) -> Pictures:
    """Return the pictures of a data set; those of the last one are kept."""
    return Pictures(data)
