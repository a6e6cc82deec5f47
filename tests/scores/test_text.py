from hmnist.scores.text import as_sentence_list, interval_text, p_text, score_text, signed_text

UNKNOWN = float("nan")


def test_scores_and_differences_as_text() -> None:
    scores = (0.5, 1.0, 1.085, None, UNKNOWN)
    assert [score_text(score) for score in scores] == [".500", "1.000", "1.085", "–", "–"]
    differences = (-0.0741, 0.002, -0.0001, None, UNKNOWN)
    assert [signed_text(each) for each in differences] == ["−.074", "+.002", "+.000", "–", "–"]
    assert interval_text(0.5, 1.0) == "[.500, 1.000]"
    assert interval_text(-0.5, UNKNOWN, signed=True) == "[−.500, –]"


def test_small_p_values_are_below_a_floor() -> None:
    p_values = (1.0, 0.0132, 0.001, 0.0004, 0.0, None, UNKNOWN)
    expected = ["1.000", "0.013", "0.001", "< 0.001", "< 0.001", "–", "–"]
    assert [p_text(p_value) for p_value in p_values] == expected


def test_names_as_a_list() -> None:
    names = ["lenet", "vgg16", "mobilenet"]
    assert as_sentence_list(names) == "lenet, vgg16 and mobilenet"
