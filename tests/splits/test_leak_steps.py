from dataclasses import replace

import numpy as np
import pytest

from hmnist.arrays import Indices
from hmnist.dataset import LesionDataset
from hmnist.diagnoses import CODES
from hmnist.errors import UsageError
from hmnist.splits.leak_steps import MOST_TESTED, STEPS, isolate_leaks
from hmnist.splits.split import Split, split
from hmnist.systems import SYSTEMS
from tests.splits.test_protocols import make

EXPECTED = {
    "lenet": ["shared lesions", "test validates"],
    "skin-pamper": ["shared lesions", "test validates"],
    "mobilenet": ["shared lesions"],
    "inception-resnet": ["test validates"],
    "small-cnn": list(STEPS.values()),
    "oversample-first": list(STEPS.values()),
}
"""The leaks of the protocols, in the order in which they are switched on."""

every_protocol = pytest.mark.parametrize("system", EXPECTED)


@pytest.fixture(scope="module")
def ham() -> LesionDataset:
    return make(seed=1)


@pytest.fixture(scope="module")
def isolated(ham: LesionDataset) -> dict[str, tuple[Split, dict[str, Split]]]:
    """Return the own split of each system, and its steps."""
    own = {system: split(ham, f"published:{system}", seed=4) for system in EXPECTED}
    return {system: (parts, isolate_leaks(parts)) for system, parts in own.items()}


Isolated = dict[str, tuple[Split, dict[str, Split]]]


def counts(data: LesionDataset, rows: Indices) -> list[int]:
    return [int(count) for count in np.bincount(data.labels[rows], minlength=len(CODES))]


@every_protocol
def test_steps_differ_in_leaks_alone(system: str, isolated: Isolated, ham: LesionDataset) -> None:
    own, steps = isolated[system]
    clean, *others = steps.values()
    assert list(steps) == ["clean", *EXPECTED[system]]
    assert len(np.unique(clean.test_indices)) == len(clean.test_indices)
    for step in others:
        np.testing.assert_array_equal(step.test_indices, clean.test_indices)
        assert counts(ham, step.train_indices) == counts(ham, clean.train_indices)
        # Rows are repeated alike: what stands in for a row stands there as often.
        for part in (step, clean):
            _, repeated = np.unique(part.train_indices, return_counts=True)
            _, expected = np.unique(clean.train_indices, return_counts=True)
            assert sorted(repeated) == sorted(expected)
    for name, step in steps.items():
        assert step.kind == f"audit:{system}, {name}"
        assert name in step.proof()
        assert abs(len(step.validation_indices) - len(step.test_indices)) <= 12  # two lesions
    assert own.protocol is SYSTEMS[system].protocol


@every_protocol
def test_steps_train_on_as_many_lesions(
    system: str, isolated: Isolated, ham: LesionDataset
) -> None:
    """Of each diagnosis: more lesions would be more different images.

    All lesions of vasc have several images here: none can be replaced by a single image. Repeated
    rows can take the places of some lesions' last images, where no lesion has others left.
    """
    assert ham.lesion_ids is not None
    _, steps = isolated[system]
    lesions = [
        [
            len(np.unique(ham.lesion_ids[step.train_indices[step.train.labels == label]]))
            for label, code in enumerate(CODES)
            if code != "vasc"
        ]
        for step in steps.values()
    ]
    assert lesions[1] == pytest.approx(lesions[0], rel=0.01, abs=1)
    for counted in lesions[2:]:
        assert counted == pytest.approx(lesions[0], rel=0.1, abs=1)
        assert sum(counted) == pytest.approx(sum(lesions[0]), rel=0.01)


@every_protocol
def test_each_step_has_the_leaks_so_far_and_no_other(system: str, isolated: Isolated) -> None:
    _, steps = isolated[system]
    switched_on: set[str] = set()
    codes = {name: code for code, name in STEPS.items()}
    for name, step in steps.items():
        switched_on |= {codes[name]} if name in codes else set()
        assert {leak.code for leak in step.leaks} == switched_on
    assert steps["clean"].leaks == ()
    assert steps["clean"].shared_lesions == 0


@every_protocol
def test_validation_images_show_other_lesions_until_the_test_part_validates(
    system: str, isolated: Isolated, ham: LesionDataset
) -> None:
    assert ham.lesion_ids is not None
    for name, step in isolated[system][1].items():
        train, validation, test = (
            set(ham.lesion_ids[rows].tolist()) for rows in step.indices.values()
        )
        if name == "test validates":
            np.testing.assert_array_equal(step.validation_indices, step.test_indices)
        else:
            assert not validation & (train | test)


@pytest.mark.parametrize("system", ["lenet", "skin-pamper", "mobilenet"])
def test_lesions_are_seen_as_often_as_under_the_protocol(system: str, isolated: Isolated) -> None:
    own, steps = isolated[system]
    step = steps["shared lesions"]
    shares = [
        np.isin(
            parts.data.lesion_ids[parts.test_indices],  # type: ignore[index] # they are known
            parts.data.lesion_ids[parts.train_indices],  # type: ignore[index] # they are known
        ).mean()
        for parts in (own, step)
    ]
    assert shares[0] > 0.2
    assert shares[1] == pytest.approx(shares[0], abs=0 if system == "lenet" else 0.03)


@pytest.mark.parametrize("system", ["small-cnn", "oversample-first"])
def test_images_are_repeated_as_often_as_under_the_protocol(
    system: str, isolated: Isolated, ham: LesionDataset
) -> None:
    own, steps = isolated[system]
    step = steps["repeated rows"]
    for label, code in enumerate(CODES):
        shares, sizes = [], []
        for parts in (own, step):
            tested = np.unique(parts.test_indices[ham.labels[parts.test_indices] == label])
            shares.append(np.isin(tested, parts.train_indices).mean())
            sizes.append(len(tested))
        assert shares[1] == pytest.approx(shares[0], abs=1 / min(sizes)), code
    assert not np.isin(step.test_indices, steps["shared lesions"].train_indices).any()


def test_the_test_part_is_that_of_the_protocol_but_for_repetitions(
    isolated: Isolated, ham: LesionDataset
) -> None:
    own, steps = isolated["lenet"]
    np.testing.assert_array_equal(steps["clean"].test_indices, own.test_indices)
    own, steps = isolated["skin-pamper"]
    assert len(steps["clean"].test_indices) == MOST_TESTED * len(ham)
    assert set(steps["clean"].test_indices) < set(own.test_indices)
    natural = np.bincount(ham.labels) / len(ham)
    tested = isolated["small-cnn"][1]["clean"].test.labels
    np.testing.assert_allclose(np.bincount(tested) / len(tested), natural, atol=0.03)


def test_training_images_are_resampled_as_under_the_protocol(
    isolated: Isolated, ham: LesionDataset
) -> None:
    assert counts(ham, isolated["small-cnn"][1]["clean"].train_indices) == [400] * 7
    trained = counts(ham, isolated["oversample-first"][1]["clean"].train_indices)
    assert len(set(trained)) == 1
    own, steps = isolated["lenet"]
    assert 0.75 < steps["clean"].sizes["train"] / own.sizes["train"] < 1


def test_an_image_stands_where_the_image_stood_that_it_replaces(isolated: Isolated) -> None:
    clean, shared, *_ = isolated["lenet"][1].values()
    same = clean.train_indices == shared.train_indices
    assert 0.7 < same.mean() < 1
    labels = clean.data.labels
    np.testing.assert_array_equal(labels[clean.train_indices], labels[shared.train_indices])


def test_a_seed_fixes_the_steps(ham: LesionDataset) -> None:
    first, again, other = (
        isolate_leaks(split(ham, "published:small-cnn", seed))["repeated rows"].digest
        for seed in (0, 0, 1)
    )
    assert first == again != other


def test_a_lesion_under_two_ids_is_no_leak_of_a_protocol(ham: LesionDataset) -> None:
    assert ham.lesion_ids is not None
    merged = ham.lesion_ids.copy()
    names, counted = np.unique(merged, return_counts=True)
    first, second = names[counted == 1][:2]
    merged[merged == second] = first
    for seed in range(40):
        own = split(replace(ham, lesion_ids=merged), "published:inception-resnet", seed)
        if any(leak.code == "HM101" for leak in own.leaks):
            break
    assert any(leak.code == "HM101" for leak in own.leaks)
    assert list(isolate_leaks(own)) == ["clean", "test validates"]


def test_few_images_keep_their_counts() -> None:
    few = make(seed=2).take(np.arange(0, 10_015, 40))
    for system in ("small-cnn", "oversample-first", "skin-pamper"):
        steps = isolate_leaks(split(few, f"published:{system}"))
        assert len({str(counts(few, step.train_indices)) for step in steps.values()}) == 1


def test_what_has_no_known_leaks_is_refused(ham: LesionDataset) -> None:
    with pytest.raises(UsageError, match="kind lesion has no leaks"):
        isolate_leaks(split(ham, "lesion"))
    unknown = replace(ham, lesion_ids=None, metadata=None)
    with pytest.raises(UsageError, match="lesions are unknown"):
        isolate_leaks(split(unknown, "published:lenet"))
