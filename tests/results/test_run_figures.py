import csv
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image
from sklearn.metrics import classification_report, confusion_matrix

from hmnist.dataset import LesionDataset
from hmnist.diagnoses import CODES, DIAGNOSES
from hmnist.errors import UsageError
from hmnist.experiments.train import train
from hmnist.results import canvas
from hmnist.results.curve_figures import plot_roc
from hmnist.results.evaluation import evaluate_run
from hmnist.results.figure_files import FORMATS, save_figures
from hmnist.results.run_figures import draw_run, save_run_figures
from hmnist.results.training_figures import plot_recall, plot_training
from hmnist.runs.manifest import describe_files, write_manifest
from hmnist.runs.run import Run, open_run
from hmnist.scores.reliability import measure_reliability
from hmnist.sources.sample import load_sample
from tests.conftest import Command
from tests.results.pictures import outside, text_of

EPOCHS = 4


@pytest.fixture(autouse=True)
def _coarse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw quickly."""
    monkeypatch.setattr(canvas, "DOTS_PER_INCH", 100)


@pytest.fixture
def copy(run: Run, tmp_path: Path) -> Run:
    """Return a run that a test may change."""
    return open_run(shutil.copytree(run.folder, tmp_path / "copy"))


@pytest.fixture(scope="module")
def network(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return a run that has a history, as if it were a network's."""
    copy = open_run(shutil.copytree(run.folder, tmp_path_factory.mktemp("runs") / "network"))
    header = ["epoch", "loss", "accuracy", "val_loss", "val_accuracy", "val_recall"]
    header += [f"val_recall_{code}" for code in CODES]
    rng = np.random.default_rng(0)
    rows = [[epoch, *rng.random(len(header) - 1)] for epoch in range(1, EPOCHS + 1)]
    return with_history(copy, pd.DataFrame(rows, columns=header))


def with_history(run: Run, history: pd.DataFrame) -> Run:
    """Give a run a history, as if it were a network's."""
    history.to_csv(run.folder / "history.csv", index=False)
    files = describe_files(run.folder)
    del files["manifest.json"]
    write_manifest(run.folder, replace(run.manifest, files=files))
    return open_run(run.folder)


def draw(run: Run) -> dict[str, Figure]:
    figures = dict(draw_run(run, evaluate_run(run)))
    for figure in figures.values():
        figure.draw_without_rendering()
    return figures


@pytest.fixture(scope="module")
def figures(network: Run) -> dict[str, Figure]:
    return draw(network)


ALWAYS = ("confusion", "errors", "reliability", "roc", "precision-recall")


def test_the_figures_of_a_network_are_as_wide_as_a_page_or_a_column(network: Run) -> None:
    paths = save_run_figures(network)
    assert [path.name for path in paths] == [
        f"{name}.png" for name in (*ALWAYS, "training", "recall")
    ]
    for path in paths:
        assert path.parent == network.folder / "figures"
        with Image.open(path) as picture:
            inches = 3.5 if path.stem in {"reliability", "roc", "precision-recall"} else 7
            assert picture.width == canvas.DOTS_PER_INCH * inches
            assert np.asarray(picture.convert("L")).std() > 10


def test_a_model_without_epochs_has_no_curves(run: Run) -> None:
    assert run.history is None
    assert [name for name, _ in draw_run(run, evaluate_run(run))] == list(ALWAYS)


def test_a_history_without_recalls_has_no_figure_of_recalls(network: Run, copy: Run) -> None:
    assert network.history is not None
    bare = network.history[["epoch", "loss", "accuracy"]]
    bare_run = with_history(copy, bare)
    assert [name for name, _ in draw_run(bare_run, evaluate_run(bare_run))][5:] == ["training"]


def test_the_same_run_gives_the_same_bytes(run: Run, tmp_path: Path) -> None:
    evaluation = evaluate_run(run)
    first, again = (
        save_figures([("roc", plot_roc(evaluation))], tmp_path / name, FORMATS)
        for name in ("first", "again")
    )
    assert [path.suffix for path in first] == [".png", ".svg", ".pdf"]
    for path, other in zip(first, again, strict=True):
        assert without_clip_names(path) == without_clip_names(other), path.suffix


def without_clip_names(path: Path) -> bytes:
    """Return the bytes of a figure; SVG names what it cuts off by places that are not rounded."""
    content = path.read_bytes()
    return re.sub(rb"\bp[0-9a-f]{10}\b", b"", content) if path.suffix == ".svg" else content


def test_the_users_settings_stay_as_they_are(run: Run, tmp_path: Path) -> None:
    before = dict(mpl.rcParams)
    save_figures([("roc", plot_roc(evaluate_run(run)))], tmp_path, ["png"])
    assert dict(mpl.rcParams) == before


def test_every_cell_of_the_confusion_is_written(run: Run, figures: dict[str, Figure]) -> None:
    counts = np.array(evaluate_run(run).report.confusion)
    axes = figures["confusion"].axes[0]
    shown = np.array([int(text.get_text().split("\n")[0].replace(",", "")) for text in axes.texts])
    np.testing.assert_array_equal(shown.reshape(7, 7), counts)


def test_errors_are_one_minus_recall(run: Run, figures: dict[str, Figure]) -> None:
    axes = figures["errors"].axes[0]
    widths = [bar.get_width() for bar in axes.patches]  # type: ignore[attr-defined]  # they are rectangles
    expected = [1 - run.scores[f"recall_{code}"] for code in CODES]
    assert widths == pytest.approx([share for share in expected if not np.isnan(share)])


def test_reliability_is_that_of_the_manifest(run: Run, figures: dict[str, Figure]) -> None:
    upper, lower = figures["reliability"].axes
    filled = [bin_ for bin_ in measure_reliability([run.part("test")]) if bin_.images]
    points = upper.lines[-1].get_xydata()
    expected = np.array([(bin_.confidence, bin_.accuracy) for bin_ in filled], float)
    np.testing.assert_allclose(np.asarray(points, float), expected)
    heights = [bar.get_height() for bar in lower.patches]  # type: ignore[attr-defined]  # they are rectangles
    assert heights == [bin_.images for bin_ in filled]


def test_curves_are_those_of_the_history(network: Run, figures: dict[str, Figure]) -> None:
    history = network.history
    assert history is not None
    lines = {
        axes.get_title(loc="left"): [line.get_ydata() for line in axes.lines]
        for axes in figures["training"].axes
    }
    for quantity, (training, validation) in lines.items():
        np.testing.assert_array_equal(training, history[quantity])
        np.testing.assert_array_equal(validation, history[f"val_{quantity}"])
    recalls = [axes for axes in figures["recall"].axes if axes.get_visible()]
    columns = [*(f"val_recall_{code}" for code in CODES), "val_recall"]
    for column, axes in zip(columns, recalls, strict=True):
        np.testing.assert_array_equal(axes.lines[-1].get_ydata(), history[column])


@pytest.mark.parametrize(("highest", "scale"), [(1.9, "linear"), (40.0, "log"), (0.0, "linear")])
def test_a_loss_that_hides_all_others_gets_a_logarithmic_scale(
    highest: float, scale: str, network: Run, copy: Run
) -> None:
    assert network.history is not None
    history = network.history.assign(loss=1.0, val_loss=[highest, 1, 1, 1])
    axes = plot_training(with_history(copy, history)).axes[0]
    assert axes.get_yscale() == scale
    assert ("logarithmic" in axes.get_title(loc="left")) == (scale == "log")
    low, high = axes.get_ylim()
    assert low <= min(highest, 1) <= max(highest, 1) <= high


def test_a_validation_loss_that_is_never_near_is_drawn(network: Run, copy: Run) -> None:
    assert network.history is not None
    history = network.history.assign(loss=0.1, val_loss=9.0)
    low, high = plot_training(with_history(copy, history)).axes[0].get_ylim()
    assert low <= 0.1
    assert high >= 9


def test_a_model_without_epochs_has_no_training_to_draw(run: Run) -> None:
    for plot in (plot_training, plot_recall):
        with pytest.raises(UsageError, match="no epochs"):
            plot(run)


def test_every_figure_has_names_origin_and_warnings(figures: dict[str, Figure]) -> None:
    for name, figure in figures.items():
        text = text_of(figure)
        assert "synthetic sample" in text
        assert "No lesion is in two parts" in text
        if name in {"confusion", "errors", "recall"}:
            for diagnosis in DIAGNOSES:
                assert diagnosis.name.split(" / ")[0] in text
                assert diagnosis.code in text


def test_a_leak_is_named_on_the_figure(sample: LesionDataset, tmp_path: Path) -> None:
    leaky = train(sample, "majority", split="image", threads=1, out=tmp_path / "run")
    for figure in draw(leaky).values():
        assert "show a lesion that the models have seen" in text_of(figure)


def test_no_text_leaves_the_figure(figures: dict[str, Figure]) -> None:
    for figure in figures.values():
        assert not outside(figure)


def test_figures_of_other_data_do_not_go_into_the_run(run: Run, tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="synthetic"):
        evaluation = evaluate_run(run, load_sample(rows=250, seed=9))
    with pytest.raises(UsageError, match="Figures of other data"):
        save_run_figures(run, evaluation=evaluation)
    paths = save_run_figures(run, tmp_path, evaluation=evaluation)
    assert {path.stem for path in paths} == set(ALWAYS)


def test_the_figures_name_a_diagnosis_without_images(run: Run) -> None:
    evaluation = evaluate_run(run)
    confusion = list(evaluation.report.confusion)
    confusion[3] = (0,) * 7
    report = replace(evaluation.report, confusion=tuple(confusion))
    figures = dict(draw_run(run, replace(evaluation, report=report)))
    assert "no images" in text_of(figures["errors"])
    assert text_of(figures["confusion"]).count("–") == 7


def test_the_report_agrees_with_scikit_learn(command: Command, copy: Run) -> None:
    called = command("evaluate", copy.folder)
    assert called.code == 0, called.err
    assert "report.csv" in called.err
    test = copy.part("test")
    expected = classification_report(
        test.labels, test.predicted, labels=range(7), target_names=CODES, output_dict=True,
        zero_division=0,
    )  # fmt: skip
    with (copy.folder / "report.csv").open(newline="") as file:
        rows = {row["diagnosis"]: row for row in csv.DictReader(file)}
    for code in (*CODES, "macro avg", "weighted avg"):
        for column, their_name in (("precision", "precision"), ("recall", "recall"),
                                   ("f1", "f1-score"), ("images", "support")):  # fmt: skip
            assert float(rows[code][column]) == pytest.approx(expected[code][their_name])
    with (copy.folder / "confusion.csv").open(newline="") as file:
        header, *body = csv.reader(file)
    assert header == ["diagnosis", *(f"predicted_{code}" for code in CODES)]
    assert [row[0] for row in body] == list(CODES)
    counts = [[int(cell) for cell in row[1:]] for row in body]
    assert counts == confusion_matrix(test.labels, test.predicted, labels=range(7)).tolist()
    report = json.loads((copy.folder / "report.json").read_text(encoding="utf-8"))
    evaluation = json.loads(evaluate_run(copy).to_json())
    assert report == {"schema": report["schema"], **evaluation["report"]}


def test_figures_leave_the_other_files_of_a_run_alone(command: Command, copy: Run) -> None:
    assert command("evaluate", copy.folder, "--quiet").err == ""
    assert (copy.folder / "figures" / "confusion.png").is_file()
    assert command("runs", "verify", copy.folder).code == 0


def test_with_out_nothing_is_written_into_the_run(command: Command, copy: Run) -> None:
    before = sorted(copy.folder.rglob("*"))
    assert command("evaluate", copy.folder, "--out", "elsewhere").code == 0
    assert sorted(copy.folder.rglob("*")) == before
    assert {path.name for path in Path("elsewhere").iterdir()} == {
        "confusion.csv", "figures", "report.csv", "report.json",
    }  # fmt: skip


def test_the_report_on_other_data_is_written_with_out_only(command: Command, copy: Run) -> None:
    assert command("data", "sample", "--rows", "250", "--seed", "9", "--out", "other.csv").code == 0
    before = sorted(copy.folder.rglob("*"))
    called = command("evaluate", copy.folder, "other.csv")
    assert "--out FOLDER" in called.err
    assert command("evaluate", copy.folder, "other.csv", "--out", "other").code == 0
    assert sorted(copy.folder.rglob("*")) == before
    assert Path("other/figures/errors.png").is_file()


def test_with_its_data_a_run_shows_its_mistakes(run: Run, sample: LesionDataset) -> None:
    evaluation = evaluate_run(run, sample)
    assert [name for name, _ in draw_run(run, evaluation, sample)] == [*ALWAYS, "mistakes"]
    test = evaluation.predictions
    right = replace(evaluation, predictions=replace(test, predicted=test.labels))
    assert [name for name, _ in draw_run(run, right, sample)] == list(ALWAYS)


def test_figures_of_another_run_are_refused(
    copy: Run, sample: LesionDataset, tmp_path: Path
) -> None:
    other = train(sample, "majority", threads=1, out=tmp_path / "other")
    with pytest.raises(UsageError, match=r"majority on .* is not one of copy"):
        save_run_figures(copy, evaluation=evaluate_run(other))
    assert not (copy.folder / "figures").exists()


def test_the_formats_are_those_of_the_option(command: Command, copy: Run) -> None:
    assert command("evaluate", copy.folder, "--figures", "svg").code == 0
    names = {path.name for path in (copy.folder / "figures").iterdir()}
    assert names == {f"{name}.svg" for name in ALWAYS}
    called = command("evaluate", copy.folder, "--figures", "jpeg")
    assert called.code == 2
    assert "no figure format called 'jpeg'" in called.err
    with pytest.raises(UsageError, match="jpeg"):
        save_run_figures(copy, formats=["jpeg"])


def test_a_format_may_be_named_alone_but_not_left_out(run: Run, tmp_path: Path) -> None:
    figures = [(name, plot_roc(evaluate_run(run))) for name in ("first", "second")]
    assert [path.name for path in save_figures(figures, tmp_path, "svg")] == [
        "first.svg", "second.svg",
    ]  # fmt: skip
    each_once = (name for name in ("png", "svg"))
    assert len(save_figures(figures, tmp_path, each_once)) == 4
    with pytest.raises(UsageError, match=r"No format .* Choose png, svg, pdf"):
        save_figures(figures, tmp_path, [])


def test_without_matplotlib_the_report_is_written(
    command: Command, copy: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hmnist.results.canvas.can_draw", lambda: False)
    called = command("evaluate", copy.folder)
    assert called.code == 0
    assert "pip install matplotlib" in called.err
    assert (copy.folder / "report.csv").is_file()
    assert not (copy.folder / "figures").exists()
    with pytest.raises(UsageError, match="matplotlib"):
        save_run_figures(copy)
