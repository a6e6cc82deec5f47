from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from PIL import Image

from hmnist.errors import DataMissingError, TrustError, UsageError
from hmnist.results.benchmark_folder import is_benchmark, open_table
from hmnist.results.rows import TableRow
from hmnist.results.table import Table
from hmnist.results.table_figures import (
    plot_scores,
    plot_times,
    save_table_figures,
    training_seconds,
)
from tests.conftest import Command
from tests.results.examples import (
    UNKNOWN,
    data_facts,
    split_facts,
    summaries,
    table_row,
    table_settings,
)
from tests.results.pictures import misplaced, outside, text_of


def make_table(*rows: TableRow, **settings: Any) -> Table:
    return Table(data_facts(), split_facts(), table_settings(**settings), rows)


ROWS = (
    table_row("cnn", 0.65, fit_seconds=200.0, scores=summaries(0.65, half=0.03)),
    table_row("mlp", 0.61, fit_seconds=30.0, patients=True, scores=summaries(0.61, half=0.03)),
    table_row("mlp", 0.6, fit_seconds=31.0, scores=summaries(0.6, half=0.03)),
    table_row("majority", 0.143, fit_seconds=0.001, scores=summaries(0.143, half=0)),
)


def lines_of(figure: Figure, axes: int = 0) -> list[np.ndarray[Any, Any]]:
    parts = [part for part in figure.axes[axes].collections if isinstance(part, LineCollection)]
    return [np.asarray(segment) for part in parts for segment in part.get_segments()]


def test_models_stand_side_by_side_with_their_intervals() -> None:
    figure = plot_scores(make_table(*ROWS))
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert names == ["cnn", "mlp + patients", "mlp", "majority"]
    assert len(figure.axes) == 3
    for number in range(3):
        lines = lines_of(figure, number)
        assert len(lines) == 3
        np.testing.assert_allclose(lines[0][:, 0], [0.62, 0.68])
    assert text_of(figure).count("← .143") == 3
    assert text_of(figure).count(".650") >= 3
    assert not misplaced(figure)


def test_intervals_are_over_images_where_lesions_are_unknown() -> None:
    table = make_table(*ROWS)
    unknown = replace(table, data=replace(table.data, lesions=None))
    for draw in (plot_scores, plot_times):
        assert "intervals over lesions." in text_of(draw(table))
        assert "intervals over images." in text_of(draw(unknown))


def test_the_methods_are_named_where_there_are_several() -> None:
    rows = (ROWS[0], table_row("cnn", 0.6, oversampling="smote"))
    names = [label.get_text() for label in plot_scores(make_table(*rows)).axes[0].get_yticklabels()]
    assert names == ["cnn random", "cnn smote"]


def test_the_baseline_alone_is_drawn() -> None:
    table = make_table(ROWS[-1])
    assert ".143" in text_of(plot_scores(table))
    with pytest.raises(UsageError, match="no model with a time"):
        plot_times(table)


def test_an_unknown_score_is_named() -> None:
    row = table_row("cnn", 0.5, scores=dict.fromkeys(summaries(0.5), UNKNOWN))
    table = make_table(ROWS[0], row)
    assert text_of(plot_scores(table)).count("unknown") == 3
    assert training_seconds(row, table.rows) is None
    assert "Not shown: cnn." in text_of(plot_times(table))


def test_an_ensemble_takes_the_time_of_its_members() -> None:
    ensemble = table_row("ensemble", 0.66, fit_seconds=0.5, members={"cnn": 1.0, "mlp": 0.0})
    rows = (*ROWS, ensemble)
    # Those without patient data, as the ensemble itself.
    assert training_seconds(ensemble, rows) == pytest.approx(200 + 31 + 0.5)
    assert training_seconds(ensemble, ROWS[:1]) is None
    assert training_seconds(ROWS[-1], rows) is None


def test_times_are_on_a_logarithmic_scale() -> None:
    figure = plot_times(make_table(*ROWS, side_by_side=True))
    [axes] = figure.axes
    assert axes.get_xscale() == "log"
    points = np.asarray(axes.lines[0].get_xydata(), dtype=np.float64)
    np.testing.assert_allclose(points, [(200, 0.65), (30, 0.61), (31, 0.6)])
    text = text_of(figure)
    assert "Not shown: majority." in text
    assert "not comparable" in text


def test_names_of_many_near_points_cover_nothing(rng: np.random.Generator) -> None:
    rows = [
        table_row(
            f"model-{number}",
            mean,
            patients=number % 2 == 0,
            fit_seconds=float(seconds),
            scores=summaries(mean, half=0.02),
        )
        for number, (mean, seconds) in enumerate(
            zip(rng.uniform(0.58, 0.66, 12).tolist(), rng.uniform(20, 400, 12), strict=True)
        )
    ]
    figure = plot_times(make_table(*rows))
    assert not misplaced(figure)


def test_long_names_stay_within_the_figure() -> None:
    row = table_row("a-model-of-a-really-long-name", 0.6, fit_seconds=9.0, patients=True)
    for plot in (plot_scores, plot_times):
        assert not outside(plot(make_table(row, *ROWS)))


def test_the_command_draws_a_benchmark(command: Command, tmp_path: Path) -> None:
    folder = tmp_path / "benchmark"
    folder.mkdir()
    table = make_table(*ROWS)
    (folder / "table.json").write_text(table.to_json(), encoding="utf-8")
    assert is_benchmark(folder)
    assert open_table(folder) == table
    called = command("evaluate", folder, "--figures", "svg")
    assert called.code == 0, called.err
    assert "balanced acc." in called.out
    assert {path.name for path in (folder / "figures").iterdir()} == {"scores.svg", "times.svg"}
    assert command("evaluate", folder, "--format", "json", "-q").out == table.to_json() + "\n"
    called = command("evaluate", folder, "sample")
    assert called.code == 2
    assert "is a benchmark" in called.err
    (folder / "table.json").write_text("{", encoding="utf-8")
    assert command("evaluate", folder).code == TrustError.exit_code


def test_an_unfinished_benchmark_has_no_table(tmp_path: Path) -> None:
    with pytest.raises(DataMissingError, match="no finished benchmark") as error:
        open_table(tmp_path)
    assert "--out" in error.value.hint


def test_files_are_written_in_each_format(tmp_path: Path) -> None:
    alone = make_table(ROWS[-1])
    paths = save_table_figures(alone, tmp_path, formats=["png", "pdf"])
    assert [path.name for path in paths] == ["scores.png", "scores.pdf"]
    with Image.open(paths[0]) as picture:
        assert picture.width == 2100


@pytest.mark.parametrize(
    "draw", [plot_scores, plot_times, lambda folder: save_table_figures(folder, "figures")]
)
def test_a_folder_is_not_a_table(draw: Callable[[Any], Any]) -> None:
    with pytest.raises(UsageError, match=r"a Table, not 'runs/benchmark'\. .*table\.json"):
        draw(Path("runs/benchmark"))
