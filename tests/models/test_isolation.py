"""Work in a process of its own: answers, complaints, and an end that is none of ours."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from hmnist.models.isolation import Isolated, IsolationError

ODD = "tests.models.odd_worker"


def test_requests_are_answered_one_after_the_other() -> None:
    worker = Isolated(ODD)
    large = bytes(3_000_000)
    assert worker.ask(b"abc", 3, 60) == b"cba"
    assert worker.ask(large, len(large), 60) == large


@pytest.mark.parametrize(
    ("request_", "complaint"),
    [
        (b"raise", "^it is odd$"),
        (b"crash", "ended with code -11"),
        (b"exit", "ended with code 3"),
        (b"allocate", "MemoryError|ended with code"),
        (b"long", "bytes"),
    ],
)
def test_what_goes_wrong_there_is_an_error_here(request_: bytes, complaint: str) -> None:
    with pytest.raises(IsolationError, match=complaint):
        Isolated(ODD).ask(request_, len(request_), 60)


def test_it_goes_on_after_a_complaint() -> None:
    worker = Isolated(ODD)
    with pytest.raises(IsolationError, match="odd"):
        worker.ask(b"raise", 1, 60)
    assert worker.ask(b"ab", 2, 60) == b"ba"


def test_it_is_not_waited_for_without_end() -> None:
    start = time.monotonic()
    with pytest.raises(IsolationError, match="more than 1 seconds"):
        Isolated(ODD).ask(b"sleep", 5, 1)
    assert time.monotonic() - start < 60


def test_threads_get_the_answers_to_their_own_requests() -> None:
    worker = Isolated(ODD)
    requests = [f"{number:05}".encode() for number in range(200)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda request: worker.ask(request, 5, 60), requests))
    assert answers == [request[::-1] for request in requests]


def test_it_is_started_again_after_its_end() -> None:
    worker = Isolated(ODD)
    with pytest.raises(IsolationError, match="ended with code 3"):
        worker.ask(b"exit", 4, 60)
    assert worker.ask(b"ab", 2, 60) == b"ba"
    with pytest.raises(IsolationError, match="bytes"):
        worker.ask(b"long", 4, 60)
    assert worker.ask(b"ab", 2, 60) == b"ba"


def test_an_interrupted_request_leaves_no_answer_for_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worker = Isolated(ODD)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("hmnist.models.isolation._receive", interrupt)
        with pytest.raises(KeyboardInterrupt):
            worker.ask(b"first", 5, 60)
    assert worker.ask(b"other", 5, 60) == b"rehto"
