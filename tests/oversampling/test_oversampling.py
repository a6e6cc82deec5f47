from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from imblearn.over_sampling import SMOTE, RandomOverSampler

from hmnist.arrays import Booleans
from hmnist.augmentation import orient
from hmnist.dataset import LesionDataset
from hmnist.diagnoses import CODES, RARE, label_of
from hmnist.errors import UsageError
from hmnist.oversampling import oversample
from hmnist.oversampling.methods import METHODS
from hmnist.oversampling.oversampled import Oversampled

quick = settings(max_examples=25, deadline=None)

DF, NV, VASC, MEL = (label_of(code) for code in ("df", "nv", "vasc", "mel"))

# At least two diagnoses, one of them common enough that the others are raised to it.
counts_by_label = st.dictionaries(
    st.integers(0, 6), st.integers(1, 14), min_size=2, max_size=7
).map(lambda counts: counts | {NV: 15})

targets = st.one_of(st.none(), st.integers(1, 40))

seeds = st.integers(0, 2**32 - 1)


def make(counts: dict[int, int], shape: tuple[int, int, int] = (3, 3, 1)) -> LesionDataset:
    """Return images of random pixels, in random order."""
    rng = np.random.default_rng(sum(counts.values()))
    labels = rng.permutation(np.repeat(list(counts), list(counts.values())))
    return LesionDataset(rng.integers(0, 256, (len(labels), *shape), dtype=np.uint8), labels)


def counted(raised: Oversampled, training: LesionDataset) -> Counter[int]:
    return Counter(raised.apply(training)[1].tolist())


def goals(
    counts: dict[int, int], method: str, rare: list[str], target: int | None
) -> dict[int, int]:
    """Say how many images of each diagnosis there should be."""
    present = sorted(counts.values())
    if method == "none":
        return counts
    if method == "balanced":
        goal = target or max(present)
        return {label: max(count, goal) for label, count in counts.items()}
    middle = len(present) // 2
    median = present[middle] if len(present) % 2 else sum(present[middle - 1 : middle + 1]) // 2
    goal = target or median
    return {
        label: max(count, goal) if CODES[label] in rare else count
        for label, count in counts.items()
    }


@quick
@given(
    counts_by_label,
    st.sampled_from(["none", "random", "augment", "balanced"]),
    st.lists(st.sampled_from(CODES), unique=True),
    targets,
    seeds,
)
def test_counts_are_those_asked_for(
    counts: dict[int, int], method: str, rare: list[str], target: int | None, seed: int
) -> None:
    training = make(counts)
    raised = oversample(training, method, rare=rare, target=target, seed=seed)
    assert counted(raised, training) == goals(counts, method, rare, target)
    assert len(raised) == sum(counted(raised, training).values())
    # Every image is still there, as it is, and stands first.
    assert raised.indices[: len(training)].tolist() == list(range(len(training)))
    assert not raised.orientations[: len(training)].any()
    assert len(raised.new_images) == len(raised.new_labels) == 0


@quick
@given(counts_by_label, st.lists(st.sampled_from(CODES), unique=True), targets, seeds)
def test_smote_reaches_the_same_counts_with_new_images(
    counts: dict[int, int], rare: list[str], target: int | None, seed: int
) -> None:
    training = make(counts)
    raised = oversample(training, "smote", rare=rare, target=target, seed=seed)
    expected = goals(counts, "smote", rare, target)
    # A single image has no neighbour, so nothing lies between it and another.
    alone = {label: 1 for label, count in counts.items() if count == 1}
    assert counted(raised, training) == expected | alone
    assert raised.indices.tolist() == list(range(len(training)))
    images, labels = raised.apply(training)
    np.testing.assert_array_equal(images[: len(training)], training.images)
    np.testing.assert_array_equal(labels[: len(training)], training.labels)
    assert images.dtype == np.uint8
    assert labels.dtype == np.int64
    for image, label in zip(raised.new_images, raised.new_labels, strict=True):
        of_label = training.images[training.labels == label]
        assert (image >= of_label.min(axis=0)).all()
        assert (image <= of_label.max(axis=0)).all()


@quick
@given(counts_by_label, st.sampled_from(list(METHODS)), seeds)
def test_a_target_below_what_there_is_changes_nothing(
    counts: dict[int, int], method: str, seed: int
) -> None:
    training = make(counts)
    raised = oversample(training, method, rare=CODES, target=min(counts.values()), seed=seed)
    assert raised.indices.tolist() == list(range(len(training)))
    images, labels = raised.apply(training)
    np.testing.assert_array_equal(images, training.images)
    np.testing.assert_array_equal(labels, training.labels)


@quick
@given(counts_by_label, st.sampled_from(list(METHODS)), seeds)
def test_a_seed_fixes_the_draw(counts: dict[int, int], method: str, seed: int) -> None:
    training = make(counts)
    once, twice = (oversample(training, method, target=30, seed=seed) for _ in range(2))
    for first, second in zip(once.apply(training), twice.apply(training), strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("method", ["random", "augment", "affine", "smote", "balanced"])
def test_another_seed_draws_otherwise(method: str) -> None:
    training = make({DF: 9, NV: 15})
    first, second = (oversample(training, method, target=40, seed=seed) for seed in (0, 1))
    assert not np.array_equal(first.apply(training)[0], second.apply(training)[0])


# Against imbalanced-learn


@pytest.mark.parametrize("seed", [0, 7])
def test_repetition_is_that_of_imbalanced_learn(seed: int) -> None:
    from imblearn.over_sampling import RandomOverSampler

    training = make({DF: 3, VASC: 5, MEL: 9, NV: 15})
    sampler = RandomOverSampler(sampling_strategy={DF: 7, VASC: 7}, random_state=seed)
    pixels, labels = sampler.fit_resample(training.X, training.y)
    ours = oversample(training, "random", seed=seed).apply(training)
    np.testing.assert_array_equal(ours[0].reshape(len(labels), -1), pixels)
    np.testing.assert_array_equal(ours[1], labels)


@pytest.mark.parametrize("counts", [{DF: 4, NV: 15}, {NV: 12, DF: 4, MEL: 3}])
def test_smote_is_that_of_imbalanced_learn_on_floats(counts: dict[int, int]) -> None:
    from imblearn.over_sampling import SMOTE

    training = make(counts)
    sampler = SMOTE(sampling_strategy={DF: 12}, k_neighbors=3, random_state=5)
    pixels, _ = sampler.fit_resample(training.X.astype(np.float32), training.y)
    ours = oversample(training, "smote", target=12, seed=5)
    np.testing.assert_array_equal(ours.new_images.reshape(8, -1), np.rint(pixels[19:]))


# augment


@quick
@given(st.integers(1, 5), st.integers(2, 45), seeds)
def test_repetitions_of_an_image_have_orientations_of_their_own(
    count: int, target: int, seed: int
) -> None:
    training = make({DF: count, NV: 15})
    raised = oversample(training, "augment", target=max(target, count), seed=seed)
    plain = oversample(training, "random", target=max(target, count), seed=seed)
    np.testing.assert_array_equal(raised.indices, plain.indices)
    for row in range(len(training)):
        orientations = raised.orientations[raised.indices == row].tolist()
        assert orientations[0] == 0
        assert len(set(orientations[:8])) == min(len(orientations), 8)
        # The unturned image is there once, however often the other orientations are repeated.
        assert orientations.count(0) == 1
        assert set(orientations) <= set(range(8))


def test_affine_makes_new_images_of_those_that_random_repeats() -> None:
    training = make({DF: 3, NV: 15}, shape=(9, 9, 3))
    raised = oversample(training, "affine", target=40, seed=3)
    plain = oversample(training, "random", target=40, seed=3)
    np.testing.assert_array_equal(raised.new_rows, plain.indices[len(training) :])
    np.testing.assert_array_equal(raised.new_labels, training.labels[raised.new_rows])
    assert counted(raised, training) == counted(plain, training)
    images, _ = raised.apply(training)
    np.testing.assert_array_equal(images[: len(training)], training.images)
    assert len({image.tobytes() for image in raised.new_images}) == len(raised.new_images)


def test_images_are_turned_as_their_orientations_say() -> None:
    training = make({DF: 2, NV: 15})
    raised = oversample(training, "augment", rare=["df"], target=16)
    images, _ = raised.apply(training)
    for image, row, turn in zip(images, raised.indices, raised.orientations, strict=True):
        expected = orient(training.images[row : row + 1], int(turn))[0]
        np.testing.assert_array_equal(image, expected)
    assert len({image.tobytes() for image in images[labels_are(training, raised, DF)]}) > 8


def test_large_training_parts_are_oversampled_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    training = make({DF: 4, NV: 15})
    for method in METHODS:
        raised = oversample(training, method, target=12)
        expected = raised.apply(training)
        with monkeypatch.context() as patch:
            patch.setattr("hmnist.large_arrays.LARGE", 1)
            patch.setattr("hmnist.large_arrays.CHUNK", 20)
            images, labels = raised.apply(training)
        np.testing.assert_array_equal(images, expected[0])
        np.testing.assert_array_equal(labels, expected[1])


def labels_are(training: LesionDataset, raised: Oversampled, label: int) -> Booleans:
    return np.asarray(training.labels[raised.indices] == label)


def test_images_that_are_not_square_keep_their_shape() -> None:
    training = make({DF: 1, NV: 15}, shape=(2, 4, 3))
    raised = oversample(training, "augment", rare=["df"], target=6)
    orientations = raised.orientations[labels_are(training, raised, DF)].tolist()
    assert set(orientations[:4]) == {0, 2, 4, 6}
    assert raised.apply(training)[0].shape == (21, 2, 4, 3)


# weights


@quick
@given(counts_by_label, st.lists(st.sampled_from(CODES), unique=True), targets, seeds)
def test_weights_are_how_often_random_is_expected_to_show_an_image(
    counts: dict[int, int], rare: list[str], target: int | None, seed: int
) -> None:
    training = make(counts)
    weighed = oversample(training, "weights", rare=rare, target=target, seed=seed)
    repeated = oversample(training, "random", rare=rare, target=target, seed=seed)
    images, labels = weighed.apply(training)
    np.testing.assert_array_equal(images, training.images)
    np.testing.assert_array_equal(labels, training.labels)
    shown = counted(repeated, training)
    # Every image of a diagnosis is as likely to be repeated as the next.
    expected = [shown[label] / counts[label] for label in training.labels.tolist()]
    weights = np.ones(len(training)) if weighed.weights is None else weighed.weights
    np.testing.assert_allclose(weights, expected, rtol=1e-15)
    assert (weighed.weights is None) == (len(repeated) == len(training))
    assert repeated.weights is None


def test_over_many_seeds_random_shows_images_as_often_as_they_weigh() -> None:
    training = make({DF: 3, VASC: 5, NV: 15})
    weights = oversample(training, "weights", target=12).weights
    assert weights is not None
    assert weights.dtype == np.float64
    seen = np.mean(
        [
            np.bincount(oversample(training, target=12, seed=seed).indices, minlength=23)
            for seed in range(200)
        ],
        axis=0,
    )
    np.testing.assert_allclose(seen, weights, atol=0.4)  # four standard errors


# SMOTE


def test_pixels_do_not_wrap_around() -> None:
    training = make({DF: 6, NV: 15})
    is_df = (training.labels == DF)[:, None, None, None]
    images = np.where(is_df, 200 + training.images % 10, training.images)
    training = replace(training, images=images)
    new = oversample(training, "smote", target=60, seed=1).new_images
    assert len(new) == 54
    assert new.min() >= 200
    assert new.max() <= 209


@pytest.mark.parametrize("count", [2, 3, 5, 6])
def test_fewer_images_than_neighbours_are_enough(count: int) -> None:
    training = make({DF: count, NV: 15})
    new = oversample(training, "smote", target=12).new_images
    assert len(new) == 12 - count


def test_a_single_image_stays_alone() -> None:
    training = make({DF: 1, VASC: 3, NV: 15})
    raised = oversample(training, "smote", target=10)
    assert counted(raised, training) == {DF: 1, VASC: 10, NV: 15}
    assert counted(oversample(training, "random", target=10), training)[DF] == 10


def test_between_two_images_lies_a_line() -> None:
    training = make({DF: 2, NV: 15}, shape=(4, 4, 3))
    first, second = training.X[training.labels == DF].astype(float)
    for new in oversample(training, "smote", rare=["df"], target=30).new_images:
        line = second - first
        share = (new.reshape(-1) - first) @ line / (line @ line)
        assert -0.01 <= share <= 1.01
        assert np.abs(first + share * line - new.reshape(-1)).max() < 1


# Unknown names and absent diagnoses


def test_one_diagnosis_may_be_named_alone() -> None:
    training = make({DF: 2, VASC: 3, NV: 15})
    assert counted(oversample(training, rare="df"), training) == {DF: 3, VASC: 3, NV: 15}
    with pytest.raises(UsageError, match="no diagnosis called 'wart'"):
        oversample(training, rare="wart")


def test_rare_diagnoses_are_the_default() -> None:
    training = make({label: 4 + label for label in range(7)} | {DF: 2, VASC: 3})
    counts = counted(oversample(training), training)
    assert RARE == ("df", "vasc")
    assert counts == {0: 4, 1: 5, 2: 6, DF: 5, NV: 8, VASC: 5, MEL: 10}


def test_an_absent_diagnosis_stays_absent() -> None:
    training = make({VASC: 2, NV: 15})
    for method in METHODS:
        assert DF not in counted(oversample(training, method, target=20), training)


@pytest.mark.parametrize(
    ("method", "options", "message"),
    [
        ("SMOTE", {}, "no oversampling called 'SMOTE'"),
        ("adasyn", {}, "no oversampling called 'adasyn'"),
        ("random", {"rare": ["df", "scc"]}, "no diagnosis called 'scc'"),
        ("balanced", {"rare": ["DF"]}, "no diagnosis called 'DF'"),
        ("random", {"target": 0}, "target cannot be 0"),
        ("none", {"target": -5}, "target cannot be -5"),
        ("random", {"seed": -1}, "seed cannot be -1"),
        ("smote", {"seed": 2**32}, "seed cannot be 4294967296"),
        ("none", {"seed": 1.5}, "seed cannot be 1.5"),
        ("random", {"target": 2.5}, "target cannot be 2.5"),
    ],
)
def test_unknown_names_and_unsuitable_numbers_are_refused(
    method: str, options: dict[str, list[str] | int], message: str
) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        oversample(make({DF: 3, NV: 15}), method, **options)  # type: ignore[arg-type] # as written
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("method", [method for method in METHODS if method != "none"])
def test_one_diagnosis_alone_cannot_be_raised(method: str) -> None:
    training = make({DF: 5})
    assert counted(oversample(training, method), training) == {DF: 5}
    with pytest.raises(UsageError, match="one diagnosis only"):
        oversample(training, method, target=10)


@pytest.mark.parametrize("method", METHODS)
def test_patient_data_are_those_of_the_images(method: str, sample: LesionDataset) -> None:
    raised = oversample(sample, method, target=60)
    images, labels = raised.apply(sample)
    patients = raised.patients(sample)
    assert sample.patients is not None
    assert patients is not None
    assert len(patients) == len(images)
    count = len(raised.indices)
    np.testing.assert_array_equal(patients[:count], sample.patients[raised.indices])
    # Those of new images are of their diagnosis.
    assert (sample.labels[raised.new_rows] == labels[count:]).all()
    np.testing.assert_array_equal(patients[count:], sample.patients[raised.new_rows])
    assert (len(raised.new_rows) > 0) == (method in {"affine", "smote"})


def test_what_smote_makes_belongs_to_the_image_it_is_most_like() -> None:
    training = make({DF: 5, NV: 15}, shape=(6, 6, 1))
    for method in ("smote", SMOTE(k_neighbors=3)):
        raised = oversample(training, method, target=40, seed=1)
        assert len(raised.new_images) > 5
        for image, label, row in zip(
            raised.new_images, raised.new_labels, raised.new_rows, strict=True
        ):
            distances = ((training.images - image.astype(float)) ** 2).sum(axis=(1, 2, 3))
            distances[training.labels != label] = np.inf
            assert row == distances.argmin()


def test_without_metadata_there_are_no_patient_data() -> None:
    training = make({NV: 15, DF: 3})
    assert oversample(training, "smote").patients(training) is None


@pytest.mark.parametrize("method", ["none", "random", "balanced", RandomOverSampler()])
def test_a_training_part_without_images_is_refused(method: Any) -> None:
    with pytest.raises(UsageError, match="holds no images to oversample"):
        oversample(make({NV: 1}).take(np.arange(0)), method)
