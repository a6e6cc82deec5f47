import numpy as np
from sklearn.metrics import roc_auc_score

from hmnist.checks.cross_fitting import measure_auc, predict_unseen, with_interval


def test_groups_are_not_seen(rng: np.random.Generator) -> None:
    # Features that name the group, and labels that follow from it: only a model that has seen the
    # group knows its label.
    groups = np.repeat(np.arange(60), 4)
    features = np.eye(60, dtype=np.float32)[groups]
    labels = rng.integers(0, 2, 60)[groups]
    chance = predict_unseen(features, labels, groups)
    assert roc_auc_score(labels, chance[:, 1]) < 0.65
    assert roc_auc_score(labels, predict_unseen(features, labels, np.arange(240))[:, 1]) > 0.9


def test_probabilities_have_a_column_for_each_diagnosis(rng: np.random.Generator) -> None:
    labels = np.repeat([0, 4, 6], 30)
    features = rng.normal(size=(90, 3)).astype(np.float32) + labels[:, None].astype(np.float32)
    chance = predict_unseen(features, labels, np.arange(90))
    np.testing.assert_allclose(chance.sum(axis=1), 1)
    assert chance.shape == (90, 7)
    assert (chance[:, [1, 2, 3, 5]] < 0.01).all()
    assert (chance.argmax(axis=1) == labels).mean() > 0.8


def test_weights_change_the_shares(rng: np.random.Generator) -> None:
    labels = np.repeat([0, 1], [150, 50])
    features = rng.normal(size=(200, 2)).astype(np.float32)
    weights = np.where(labels == 1, 3.0, 1.0)
    groups = np.arange(200)
    assert abs(predict_unseen(features, labels, groups)[:, 1].mean() - 0.25) < 0.05
    assert abs(predict_unseen(features, labels, groups, weights)[:, 1].mean() - 0.5) < 0.05


def test_a_fold_with_one_label_left() -> None:
    labels, groups = np.repeat([4, 6], [29, 1]), np.arange(30)
    chance = predict_unseen(np.ones((30, 2), np.float32), labels, groups)
    np.testing.assert_allclose(chance.sum(axis=1), 1, atol=1e-6)


def test_intervals_hold_the_truth(rng: np.random.Generator) -> None:
    # Normal scores one deviation apart have an AUC of Φ(1/√2) = .760.
    held = []
    for _ in range(200):
        positive = np.arange(120) < 40
        auc = measure_auc(positive, rng.normal(size=120) + positive, np.arange(120))
        held.append(auc.low <= 0.7602 <= auc.high)
    assert np.mean(held) > 0.9


def test_the_area_is_scikit_learns(rng: np.random.Generator) -> None:
    positive, scores = rng.random(80) < 0.3, rng.integers(0, 9, 80) / 9  # with ties
    auc = measure_auc(positive, scores, np.arange(80))
    np.testing.assert_allclose(auc.value, roc_auc_score(positive, scores))


def test_intervals_count_groups() -> None:
    wide, narrow = with_interval(0.8, 20, 20), with_interval(0.8, 200, 200)
    assert wide.low < narrow.low < 0.8 < narrow.high < wide.high
    rows = np.arange(40)
    by_row = measure_auc(rows % 2 == 0, rows / 40, rows)
    by_pair = measure_auc(rows % 2 == 0, rows / 40, rows // 4)
    assert by_pair.low < by_row.low


def test_one_group_leaves_nothing_to_learn_from() -> None:
    features, labels = np.zeros((5, 2), np.float32), np.full(5, 4)
    assert (predict_unseen(features, labels, np.zeros(5, np.int64)) == 0).all()
