"""Trials in a journal: interrupted, stopped, of another search."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from hmnist.errors import DataError, UsageError
from hmnist.experiments import study as module
from hmnist.experiments.study import JOURNAL, Study, Trial
from hmnist.models.search_space import Choice, Interval, SearchSpace

SPACE: SearchSpace = {
    "rate": Interval(0.001, 1.0, log=True),
    "depth": Interval(1, 6),
    "widths": Choice(((8,), (16, 8))),
}
FIRST = {"rate": 0.1, "depth": 3, "widths": (8,), "other": "x"}

OnLoss = Callable[[float, float], None]


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RANDOM", 3)


def make(folder: Path, key: str = "a", seed: int = 0) -> Study:
    return Study(folder, key, SPACE, first=FIRST, seed=seed)


def distance(parameters: dict[str, Any], on_loss: OnLoss) -> float:
    """Return a loss whose least value is at rate .3, depth 5 and two layers."""
    rate, depth = math.log(parameters["rate"] / 0.3), parameters["depth"] - 5
    return float(rate**2 + depth**2 + (len(parameters["widths"]) == 1))


def without_seconds(trials: Sequence[Trial]) -> list[tuple[Any, ...]]:
    return [(trial.number, dict(trial.parameters), trial.log_loss) for trial in trials]


def test_the_first_trial_is_as_it_is(tmp_path: Path) -> None:
    study = make(tmp_path)
    study.run(distance)
    [trial] = study.trials
    assert trial.number == 1
    assert trial.parameters == {"rate": 0.1, "depth": 3, "widths": [8]}
    assert trial.log_loss == pytest.approx(math.log(3) ** 2 + 4 + 1)


def test_a_first_trial_that_waits_is_run_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def be_killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("optuna.study.Study.ask", be_killed)
        with pytest.raises(KeyboardInterrupt):
            make(tmp_path).run(distance)
    study = make(tmp_path)
    for _ in range(2):
        study.run(distance)
    first, second = study.trials
    assert first.parameters == {"rate": 0.1, "depth": 3, "widths": [8]}
    assert second.parameters != first.parameters


def test_later_trials_learn_from_earlier_ones(tmp_path: Path) -> None:
    study = make(tmp_path)
    for _ in range(25):
        study.run(distance)
    losses = [trial.log_loss or math.inf for trial in study.trials]
    assert min(losses[4:]) < 0.5 < min(losses[:4])
    for trial in study.trials:
        assert 0.001 <= trial.parameters["rate"] <= 1
        assert trial.parameters["rate"] == float(f"{trial.parameters['rate']:.3g}")
        assert trial.parameters["depth"] in range(1, 7)
        assert trial.parameters["widths"] in ([8], [16, 8])


def test_an_interrupted_search_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    def interrupt(parameters: dict[str, Any], on_loss: OnLoss) -> float:
        raise KeyboardInterrupt

    folders = [tmp_path / "at once", tmp_path / "in parts"]
    for folder in folders:
        folder.mkdir()
    at_once = make(folders[0])
    for _ in range(6):
        at_once.run(distance)
    for number in range(6):
        in_parts = make(folders[1])
        if number in {0, 4}:
            with pytest.raises(KeyboardInterrupt):
                in_parts.run(interrupt)
        in_parts.run(distance)
    assert without_seconds(in_parts.trials) == without_seconds(at_once.trials)


def test_a_trial_of_a_process_that_was_killed_counts_for_nothing(tmp_path: Path) -> None:
    make(tmp_path)._study.ask()
    study = make(tmp_path)
    assert len(study.trials) == 0
    study.run(distance)
    assert make(tmp_path).trials[0].parameters["rate"] == 0.1


def test_another_seed_tries_other_parameters(tmp_path: Path) -> None:
    tried: list[Any] = []
    for seed in range(2):
        (tmp_path / str(seed)).mkdir()
        study = make(tmp_path / str(seed), seed=seed)
        for _ in range(2):
            study.run(distance)
        tried.append(study.trials[1].parameters)
    assert tried[0] != tried[1]


def test_a_trial_that_is_worse_than_most_is_stopped(tmp_path: Path) -> None:
    seen: list[float] = []

    def train(parameters: dict[str, Any], on_loss: OnLoss) -> float:
        loss = 1.0 if len(study.trials) < 3 else 2.0
        for epoch in range(1, 101):
            seen.append(epoch / 100)
            on_loss(epoch / 100, loss)
        return loss

    study = make(tmp_path)
    for _ in range(3):
        study.run(train)
    seen.clear()
    study.run(train)
    assert [trial.log_loss for trial in study.trials] == [1.0, 1.0, 1.0, None]
    assert seen[-1] == module.PATIENCE / 100
    assert study.trials[-1].number == 4


def test_a_loss_that_is_no_number_is_no_score(tmp_path: Path) -> None:
    study = make(tmp_path)
    study.run(lambda *_: math.nan)
    assert [trial.log_loss for trial in study.trials] == [None]


def test_a_folder_holds_one_search(tmp_path: Path) -> None:
    make(tmp_path, "a")
    with pytest.raises(UsageError, match="another search") as caught:
        make(tmp_path, "b")
    assert "--out" in caught.value.hint


def test_a_damaged_journal_is_told(tmp_path: Path) -> None:
    (tmp_path / JOURNAL).write_text("no journal\n" * 100)
    with pytest.raises(DataError, match="cannot be read as a journal"):
        make(tmp_path)


def test_a_line_that_was_cut_off_is_dropped(tmp_path: Path) -> None:
    study = make(tmp_path)
    study.run(distance)
    whole = (tmp_path / JOURNAL).read_bytes()
    (tmp_path / JOURNAL).write_bytes(whole + whole[:40])
    study = make(tmp_path)
    study.run(distance)
    assert len(make(tmp_path).trials) == 2


def test_optuna_says_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    study = make(tmp_path)
    study.run(distance)
    make(tmp_path)
    assert capfd.readouterr() == ("", "")


def test_without_optuna_it_is_said_what_to_type(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(UsageError, match="not installed") as caught:
        make(tmp_path)
    assert 'pip install "hmnist[tune]"' in caught.value.hint
