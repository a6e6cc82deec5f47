"""The time left: it starts from the estimate, ticks down, and is corrected by what was measured."""

import pytest

from hmnist.results import pace as pace_module
from hmnist.results.pace import Pace


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(pace_module, "monotonic", clock)
    return clock


def test_time_left_starts_from_the_estimate_and_ticks_down(clock: Clock) -> None:
    pace = Pace({"a": 60.0, "b": 30.0}, 90)
    assert (pace.left, pace.part, pace.waiting) == (90, 0, 2)
    pace.start("a")
    clock.now += 30
    assert (pace.left, pace.passed, pace.waiting) == (60, 30, 1)
    assert pace.part == pytest.approx(1 / 3)
    pace.move("a", 0.5)  # as expected
    assert pace.left == pytest.approx(60)
    assert pace.running == {"a": 0.5}


def test_a_slow_machine_raises_what_is_left_and_a_quick_one_lowers_it(clock: Clock) -> None:
    for seconds in (400, 25):
        pace = Pace({"a": 100.0, "b": 100.0}, 200)
        pace.start("a")
        clock.now += seconds
        pace.finish("a")
        # The estimate still counts for a tenth of the work, and all work for a quarter of a piece.
        factor = (seconds + 20) / 120
        assert pace.left == pytest.approx(100 * (seconds + 25 * factor) / 125)


def test_pieces_of_a_kind_correct_each_other_most(clock: Clock) -> None:
    seconds = {"a": 10.0, "b": 10.0, "c": 10.0, "d": 10.0}
    pace = Pace(seconds, 40, {"a": "slow", "b": "quick", "c": "slow", "d": "quick"})
    for piece, took in (("a", 100), ("b", 10)):
        pace.start(piece)
        clock.now += took
        pace.finish(piece)
    # Another slow one takes about 90 seconds and another quick one about 20.
    assert pace.left == pytest.approx(110, abs=10)
    pace.finish("c")
    assert pace.left < 30


def test_pieces_side_by_side_share_the_time(clock: Clock) -> None:
    pace = Pace(dict.fromkeys("abcd", 10.0), 20)  # as two workers need
    pace.start("a")
    pace.start("b")
    clock.now += 10
    pace.move("b", 1)
    pace.finish("a")
    pace.finish("b")
    assert pace.left == pytest.approx(10)
    # The last one runs alone.
    pace.start("c")
    pace.start("d")
    clock.now += 5
    pace.finish("c")
    assert pace.left == pytest.approx(7, abs=2)


def test_small_delays_do_not_raise_it(clock: Clock) -> None:
    pace = Pace({"a": 100.0}, 100)
    pace.start("a")
    clock.now += 52
    pace.move("a", 0.5)
    assert pace.left == 48  # a little more by what was measured
    clock.now += 20
    pace.move("a", 0.6)
    assert 44 < pace.left < 48


def test_time_left_ends_at_zero_until_something_moves(clock: Clock) -> None:
    pace = Pace({"a": 10.0, "b": 10.0}, 20)
    pace.start("a")
    clock.now += 60
    assert (pace.left, pace.part) == (0, 1)
    pace.move("a", 0.5)
    assert pace.left > 100


def test_a_piece_that_begins_again_counts_from_its_beginning(clock: Clock) -> None:
    pace = Pace({"a": 10.0, "b": 10.0}, 20)
    pace.start("a")
    pace.move("a", 0.9)
    pace.start("a")  # its worker was lost
    assert pace.running == {"a": 0}
    pace.finish("a")
    pace.finish("b")  # finished before: it did not begin
    assert (pace.left, pace.finished, pace.waiting, pace.running) == (0, 2, 0, {})


def test_work_that_was_done_before_takes_no_time(clock: Clock) -> None:
    pace = Pace({"a": 0.0}, 0)
    pace.finish("a")
    assert pace.left == 0
