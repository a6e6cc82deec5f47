import dataclasses

import numpy as np
import pytest

from hmnist.checks.suspects import find_suspects
from hmnist.dataset import LesionDataset
from hmnist.errors import UsageError
from hmnist.sources.sample import load_sample
from tests.checks.painted import paint_evenly, relabel


def test_the_nearest_pair_of_two_lesions_is_first() -> None:
    data = load_sample(rows=210)
    assert data.lesion_ids is not None
    images = data.images.copy()
    other = int(np.flatnonzero(data.lesion_ids != data.lesion_ids[3])[-1])
    images[other] = images[3, ::-1]
    suspects = find_suspects(dataclasses.replace(data, images=images))
    assert suspects.pairs[0].tolist() == [3, other]
    assert suspects.likeness[0] > 0.99
    assert (np.diff(suspects.likeness) <= 0).all()
    lesions = data.lesion_ids[suspects.pairs]
    assert (lesions[:, 0] != lesions[:, 1]).all()


def test_wrong_labels_are_first() -> None:
    painted = paint_evenly(40)
    labels = painted.labels.copy()
    labels[[5, 100, 205]] = 6, 0, 1
    suspects = find_suspects(relabel(painted, labels))
    assert set(suspects.labels[:3].tolist()) == {5, 100, 205}
    assert (suspects.predicted != labels[suspects.labels]).all()
    assert ((suspects.probabilities > 1 / 7) & (suspects.probabilities <= 1)).all()


def test_too_few_or_too_small_images_are_refused() -> None:
    few = load_sample(rows=42)
    small = LesionDataset(np.zeros((200, 8, 8, 1), np.uint8), np.arange(200) % 7)
    for data in (few, small):
        with pytest.raises(UsageError, match="cannot be searched"):
            find_suspects(data)
