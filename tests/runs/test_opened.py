"""What works on runs, evaluations and tables says so when it is given something else."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hmnist.errors import UsageError
from hmnist.results.compared_runs import compare_runs
from hmnist.results.evaluation import decide_again, evaluate_run
from hmnist.results.explaining import explain
from hmnist.results.exports.card import write_card
from hmnist.results.exports.export import export_run
from hmnist.results.run_figures import save_run_figures
from hmnist.results.training_figures import plot_recall, plot_training

ON_RUNS: list[Callable[[Any], Any]] = [
    evaluate_run,
    write_card,
    export_run,
    save_run_figures,
    plot_training,
    plot_recall,
    lambda run: decide_again(run, "balanced"),
    lambda run: explain(run, []),
    lambda run: compare_runs([run, run]),
    lambda run: compare_runs([[run], [run]]),
]


@pytest.mark.parametrize("path", ["runs/cnn", Path("runs/cnn")])
@pytest.mark.parametrize("function", ON_RUNS)
def test_the_name_of_a_folder_is_not_a_run(function: Callable[[Any], Any], path: Any) -> None:
    with pytest.raises(UsageError, match=r"not 'runs/cnn'\. Open it .*open_run\('runs/cnn'\)"):
        function(path)


@pytest.mark.parametrize("function", ON_RUNS)
def test_something_else_is_not_a_run(function: Callable[[Any], Any]) -> None:
    with pytest.raises(UsageError, match=r"Expected a Run, not an int\."):
        function(3)
