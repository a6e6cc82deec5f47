import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hmnist.checks import CHECKS
from hmnist.dataset import LesionDataset
from hmnist.leaks import LEAKS, count_copies, find_leaks, number_images

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
def test_leaks_are_counted_as_one_would_by_hand(parts: tuple[list[int], ...]) -> None:
    data = make()
    train, validation, test = parts
    pixels = [int(image[0, 0, 0]) for image in data.images]
    assert data.lesion_ids is not None
    lesions = data.lesion_ids.tolist()
    seen = [*train, *(row for row in validation if row not in test)]
    expected = {
        "HM103": sum(pixels[row] in {pixels[other] for other in validation} for row in test),
        "HM102": sum(pixels[row] in {pixels[other] for other in train} for row in test),
        "HM101": sum(lesions[row] in {lesions[other] for other in seen} for row in test),
    }
    leaks = find_leaks(data, *map(indices, parts))
    assert {leak.code: leak.images for leak in leaks} == {
        code: count for code, count in expected.items() if count
    }
    for leak in leaks:
        assert f"{leak.images:,} " in leak.sentence
        assert (leak.images == len(test)) == leak.sentence.startswith("all ")
        if leak.code == "HM101":
            shared = {lesions[row] for row in test} & {lesions[row] for row in seen}
            assert len(shared) == 1 or f"one of {len(shared)} lesions" in leak.sentence


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
    for one in range(50):
        for other in range(50):
            assert (numbers[one] == numbers[other]) == (images[one] == images[other]).all()


def test_leaks_are_called_what_their_checks_are_called() -> None:
    names = {check.code: check.name for check in CHECKS}
    assert {code: names[code] for code in LEAKS} == LEAKS
