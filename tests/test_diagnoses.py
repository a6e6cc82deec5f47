import pytest

from hmnist.diagnoses import BENIGN, CODES, DIAGNOSES, MALIGNANT, MEDMNIST_CODES, RARE, label_of


def test_the_order_is_that_of_the_kaggle_files() -> None:
    # nv 4, vasc 5 and mel 6 are where the Kaggle files differ from the alphabet.
    assert CODES == ("akiec", "bcc", "bkl", "df", "nv", "vasc", "mel")
    assert tuple(diagnosis.code for diagnosis in DIAGNOSES) == CODES
    assert [label_of(code) for code in CODES] == list(range(7))


def test_medmnist_numbers_the_same_diagnoses_by_the_alphabet() -> None:
    assert tuple(sorted(CODES)) == MEDMNIST_CODES
    assert MEDMNIST_CODES != CODES


def test_malignant_are_the_two_carcinomas_and_melanoma() -> None:
    assert {CODES[label] for label in MALIGNANT} == {"akiec", "bcc", "mel"}
    assert list(MALIGNANT) == [label_of("akiec"), label_of("bcc"), label_of("mel")]
    assert {CODES[label] for label in BENIGN} == {"bkl", "df", "nv", "vasc"}


def test_rare_diagnoses_are_diagnoses() -> None:
    assert RARE == ("df", "vasc")
    assert set(RARE) < set(CODES)


def test_names_are_distinct_and_not_empty() -> None:
    names = {diagnosis.name for diagnosis in DIAGNOSES}
    assert len(names) == len(DIAGNOSES)
    assert all(names)


@pytest.mark.parametrize("code", ["", "MEL", "melanoma", "scc"])
def test_an_unknown_code_is_an_error(code: str) -> None:
    with pytest.raises(ValueError, match="not in"):
        label_of(code)
