"""Samplers with imbalanced-learn's interface in the place of a method."""

import copy
import pickle
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import SMOTE, RandomOverSampler
from imblearn.under_sampling import RandomUnderSampler
from sklearn.base import BaseEstimator, clone

from hmnist.arrays import Float32, Labels
from hmnist.errors import UsageError
from hmnist.oversampling import is_method, name_method, oversample
from hmnist.oversampling.own_sampler import OwnSampler
from tests.oversampling.test_oversampling import DF, MEL, NV, VASC, make


def test_a_sampler_that_chooses_rows_is_used_as_it_is() -> None:
    """Repetition and leaving out, against imbalanced-learn itself."""
    training = make({DF: 3, NV: 15, MEL: 8})
    for sampler in (RandomOverSampler(), RandomUnderSampler()):
        raised = oversample(training, sampler, seed=7)
        images, labels = raised.apply(training)
        expected = clone(sampler).set_params(random_state=7)
        pixels, expected_labels = expected.fit_resample(training.X, training.labels)
        np.testing.assert_array_equal(images.reshape(len(images), -1), pixels)
        np.testing.assert_array_equal(labels, expected_labels)
        assert sampler.random_state is None  # the user's object stays as it was


def test_the_new_images_of_a_sampler_follow_the_old_ones() -> None:
    training = make({DF: 6, NV: 15, VASC: 2})
    sampler = SMOTE(sampling_strategy={DF: 12}, k_neighbors=3, random_state=1)
    raised = oversample(training, sampler, seed=7)
    pixels, labels = clone(sampler).fit_resample(training.X.astype(np.float32), training.labels)
    images, raised_labels = raised.apply(training)
    np.testing.assert_array_equal(images.reshape(len(images), -1), np.rint(pixels))
    np.testing.assert_array_equal(raised_labels, labels)
    np.testing.assert_array_equal(raised.indices, np.arange(len(training)))
    assert (training.labels[raised.new_rows] == DF).all()


def test_a_sampler_that_changes_the_rows_that_it_repeats_is_used_as_it_is() -> None:
    """`shrinkage` moves copies, a smoothed bootstrap; imbalanced-learn says of which rows."""
    training = make({DF: 6, NV: 15, VASC: 2})
    sampler = RandomOverSampler(random_state=1, shrinkage=0.5)
    raised = oversample(training, sampler)
    expected = clone(sampler)
    pixels, labels = expected.fit_resample(training.X.astype(np.float32), training.labels)
    images, raised_labels = raised.apply(training)
    np.testing.assert_array_equal(images.reshape(len(images), -1), np.clip(np.rint(pixels), 0, 255))
    np.testing.assert_array_equal(raised_labels, labels)
    np.testing.assert_array_equal(raised.new_rows, expected.sample_indices_[len(training) :])


def test_a_sampler_that_moves_all_pixels_leaves_new_images_only() -> None:
    class Darker(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
        def fit_resample(self, X: Float32, y: Labels) -> tuple[Float32, Labels]:
            return X - 300, y

    training = make({DF: 3, NV: 15})
    images, labels = oversample(training, Darker()).apply(training)
    assert images.max() == 0
    np.testing.assert_array_equal(labels, training.labels)


def test_what_is_no_sampler_or_cannot_resample_is_refused() -> None:
    training = make({DF: 3, NV: 15})
    with pytest.raises(UsageError, match="3 is not an oversampling method, and no sampler"):
        oversample(training, 3)
    with pytest.raises(UsageError, match="The random_state of SMOTE is an object"):
        oversample(training, SMOTE(random_state=np.random.RandomState(0)))
    with pytest.raises(UsageError, match=r"SMOTE\(.*\) cannot resample this training part"):
        oversample(training, SMOTE(k_neighbors=9))


def test_the_text_of_a_sampler_carries_the_sampler() -> None:
    sampler = SMOTE(k_neighbors=2)
    name = name_method(sampler)
    assert name == "SMOTE(k_neighbors=2)"
    for copied in (pickle.loads(pickle.dumps(name)), copy.deepcopy(name)):
        assert isinstance(copied, OwnSampler)
        assert copied == name
        assert copied.sampler.k_neighbors == 2
    assert is_method(name)
    assert is_method(str.__str__(name))  # as a manifest has it
    assert not is_method("smoat")


class Plain:
    """A sampler that is not an estimator of scikit-learn, and says nothing of itself."""

    def __init__(self, times: int = 2, random_state: int | None = None) -> None:
        self.times, self.random_state = times, random_state

    def fit_resample(self, X: Float32, y: Labels) -> "tuple[pd.DataFrame, pd.Series[int]]":
        rows = np.random.default_rng(self.random_state).permutation(len(y))
        self.sample_indices_ = np.tile(rows, self.times)
        return pd.DataFrame(X[self.sample_indices_]), pd.Series(y[self.sample_indices_])


def test_a_sampler_needs_fit_resample_alone_and_may_return_tables() -> None:
    training, sampler = make({DF: 3, NV: 15}), Plain()
    raised = oversample(training, sampler, seed=7)
    rows = np.random.default_rng(7).permutation(18)
    np.testing.assert_array_equal(raised.indices, np.tile(rows, 2))
    assert vars(sampler) == {"times": 2, "random_state": None}  # the user's object stays as it was
    assert name_method(sampler) == "Plain(times=2, random_state=None)"
    assert is_method(str.__str__(name_method(sampler)))


@dataclass
class Returning:
    """A sampler that returns what it is told, of what it is given."""

    answer: Any

    def fit_resample(self, X: Float32, y: Labels) -> Any:
        return self.answer(X, y)


def relabelled(X: Float32, y: Labels) -> tuple[Float32, Labels]:
    y[:] = VASC  # in place
    return X, y


def shrunk(X: Float32, y: Labels) -> tuple[Float32, Labels]:
    X /= 2
    return X, y


def test_labels_that_a_sampler_changes_count() -> None:
    training = make({DF: 3, NV: 15})
    before = training.labels.copy()
    raised = oversample(training, Returning(relabelled))
    images, labels = raised.apply(training)
    np.testing.assert_array_equal(images, training.images)
    assert (labels == VASC).all()
    np.testing.assert_array_equal(raised.rows, np.arange(18))  # which have the patients
    np.testing.assert_array_equal(training.labels, before)


def test_labels_that_a_sampler_changes_count_where_it_says_which_rows_it_chose() -> None:
    class Relabelling(RandomOverSampler):  # type: ignore[misc]  # imbalanced-learn has no types
        def fit_resample(self, X: Float32, y: Labels) -> tuple[Float32, Labels]:
            pixels, labels = super().fit_resample(X, y)
            return pixels, np.full_like(labels, MEL)

    training = make({DF: 3, NV: 15})
    raised = oversample(training, Relabelling())
    assert (raised.apply(training)[1] == MEL).all()
    assert set(raised.rows.tolist()) <= set(range(18))


def test_pixels_that_a_sampler_changes_in_place_count() -> None:
    training = make({DF: 3, NV: 15})
    images, _ = oversample(training, Returning(shrunk)).apply(training)
    np.testing.assert_array_equal(images, np.rint(training.images / np.float32(2)))


def test_a_new_diagnosis_has_the_most_similar_image_of_all() -> None:
    training = make({DF: 3, NV: 15})
    raised = oversample(training, Returning(lambda X, _: (X[3:5] + 0.2, np.full(2, MEL))))
    np.testing.assert_array_equal(raised.rows, [3, 4])


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda X, _: X, "does not return pixels and labels"),
        (lambda X, y: (X, y, y), "does not return pixels and labels"),
        (lambda X, y: (X[:, :-1], y), r"pixels of the shape \(18, 8\); expected \(n, 9\)"),
        (lambda X, y: (X.reshape(-1, 3, 3), y), r"pixels of the shape \(18, 3, 3\)"),
        (lambda X, y: (X, y[1:]), r"labels of the shape \(17,\); expected \(18,\)"),
        (lambda X, y: (X[:0], y[:0]), "returns no images"),
        (lambda X, y: (X + np.nan, y), "pixels that are not finite numbers"),
        (lambda X, y: (X.astype(str), y), "pixels that are not finite numbers"),
        (lambda X, y: (X, y + 1), "labels that are not diagnoses"),
        (lambda X, y: (X, y + 0.5), "labels that are not diagnoses"),
        (lambda X, y: (X, y.astype(str)), "labels that are not diagnoses"),
        (lambda X, y: (X / 255, y), "pixels between 0 and 1; expected 0–255"),
    ],
)
def test_what_is_not_images_and_labels_is_refused(answer: Any, said: str) -> None:
    training = make({VASC: 3, MEL: 15})
    with pytest.raises(UsageError, match=said) as caught:
        oversample(training, Returning(answer))
    assert "fit_resample returns a pair" in caught.value.hint
