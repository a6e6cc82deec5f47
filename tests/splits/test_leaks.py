import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmnist.checks.catalogue import CHECKS
from hmnist.dataset import LesionDataset
from hmnist.splits.leaks import LEAKS, count_copies, find_leaks, number_images

quick = settings(max_examples=40, deadline=None)

rows_of_parts = st.tuples(*(st.lists(st.integers(0, 19), min_size=1, max_size=12),) * 3)


def make(lesions: bool = True) -> LesionDataset:
    """Return twenty images of eight lesions; every fifth image shows what its neighbour shows."""
    images = np.arange(20, dtype=np.uint8)
    images[::5] += 1
    ids = np.array([f"L{row * 7 % 8}" for row in range(20)]) if lesions else None
    return LesionDataset(images.reshape(20, 1, 1, 1), np.full(20, 4), ids)


def indices(rows: list[int]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array(rows, dtype=np.int64)


@quick
@given(rows_of_parts)
def test_leaks_are_those_counted_row_by_row(parts: tuple[list[int], ...]) -> None:
    data = make()
    train, validation, test = parts
    pixels = [int(image[0, 0, 0]) for image in data.images]
    assert data.lesion_ids is not None
    lesions = data.lesion_ids.tolist()
    seen = [*train, *(row for row in validation if row not in test)]
    expected = {
        "HM103": sum(pixels[row] in {pixels[other] for other in validation} for row in test),
        "HM102": sum(pixels[row] in {pixels[other] for other in train} for row in test),
        # Images that train themselves are counted once, above.
        "HM101": sum(
            lesions[row] in {lesions[other] for other in seen}
            and pixels[row] not in {pixels[other] for other in train}
            for row in test
        ),
    }
    leaks = find_leaks(data, *map(indices, parts))
    assert {leak.code: leak.images for leak in leaks} == {
        code: count for code, count in expected.items() if count
    }
    for leak in leaks:
        whole = leak.sentence.startswith(("all ", "the only "))
        assert (leak.images == len(test)) == whole
        assert whole or leak.sentence.startswith(f"{leak.images:,} ")
        if leak.code == "HM101":
            shared = {
                lesions[row]
                for row in test
                if pixels[row] not in {pixels[other] for other in train}
            } & {lesions[row] for row in seen}
            show = "shows" if leak.images == 1 else "show"
            which = (
                "a lesion that was seen before"
                if len(shared) == 1
                else f"one of {len(shared)} lesions that were seen before"
            )
            assert leak.sentence.endswith(f" {show} {which}")
            assert (" more of " in leak.sentence) == ("HM102" in {other.code for other in leaks})


def sentences(train: list[int], validation: list[int], test: list[int]) -> list[str]:
    """Return the sentences for six images of three lesions, two images each."""
    images = np.arange(6, dtype=np.uint8).reshape(6, 1, 1, 1)
    data = LesionDataset(images, np.full(6, 4), np.array(["A", "A", "B", "B", "C", "C"]))
    return [leak.sentence for leak in find_leaks(data, *map(indices, (train, validation, test)))]


@pytest.mark.parametrize(
    ("test", "said"),
    [
        ([1, 4], "1 of 2 test images (50%) shows a lesion that was seen before"),
        ([1, 1, 4], "2 of 3 test images (67%) show a lesion that was seen before"),
        ([1, 3, 4], "2 of 3 test images (67%) show one of 2 lesions that were seen before"),
        ([1], "the only test image shows a lesion that was seen before"),
        ([1, 3], "all 2 test images show one of 2 lesions that were seen before"),
    ],
)
def test_a_sentence_counts_its_images_and_its_lesions(test: list[int], said: str) -> None:
    assert sentences([0, 2], [], test) == [said]


def test_one_image_validates_and_trains_and_several_do() -> None:
    assert sentences([5], [0], [0, 2]) == ["1 of 2 test images (50%) validates as well"]
    assert sentences([5], [0, 2], [0, 2]) == ["all 2 test images validate as well"]
    assert sentences([0], [], [0, 2]) == ["1 of 2 test images (50%) trains as well, pixel by pixel"]
    assert sentences([0, 2], [], [0, 2, 5]) == [
        "2 of 3 test images (67%) train as well, pixel by pixel"
    ]


def test_images_that_train_are_no_shared_lesions_as_well() -> None:
    assert sentences([0, 2], [], [0, 1, 3, 5]) == [
        "1 of 4 test images (25%) trains as well, pixel by pixel",
        "2 more of 4 test images (50%) show one of 2 lesions that were seen before",
    ]
    assert sentences([0, 2], [], [0, 3]) == [
        "1 of 2 test images (50%) trains as well, pixel by pixel",
        "1 more of 2 test images (50%) shows a lesion that was seen before",
    ]


def test_lesions_that_are_unknown_are_not_counted() -> None:
    leaks = find_leaks(make(lesions=False), indices([0]), indices([]), indices([0, 3]))
    assert [leak.code for leak in leaks] == ["HM102"]


def test_parts_that_share_nothing_have_no_leaks() -> None:
    assert find_leaks(make(lesions=False), indices([2]), indices([3]), indices([4, 4])) == ()


def test_a_few_photographs_that_are_there_twice_are_no_leak() -> None:
    keys = np.arange(2000)
    keys[0] = keys[1999]
    assert count_copies(keys, np.arange(1000), np.arange(1000, 2000)) == 0
    assert count_copies(keys, np.arange(10), np.arange(1000, 2000)) == 1
    # A row that stands in both parts is one, however few there are.
    assert count_copies(keys, np.arange(1001), np.arange(1000, 2000)) == 2


def test_numbers_tell_images_apart() -> None:
    images = np.random.default_rng(0).integers(0, 3, (50, 2, 1, 1)).astype(np.uint8)
    numbers = number_images(images)
    for first in range(50):
        for second in range(50):
            same = (images[first] == images[second]).all()
            assert (numbers[first] == numbers[second]) == same


def test_leaks_are_called_what_their_checks_are_called() -> None:
    names = {check.code: check.name for check in CHECKS}
    assert {code: names[code] for code in LEAKS} == LEAKS
