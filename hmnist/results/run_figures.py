"""`save_run_figures`: all figures of one run, as files."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from hmnist.dataset import LesionDataset
from hmnist.errors import UsageError
from hmnist.results import canvas
from hmnist.results.confusion_figures import plot_confusion, plot_errors
from hmnist.results.curve_figures import plot_precision_recall, plot_roc
from hmnist.results.evaluation import Evaluation, check_evaluation, evaluate_run
from hmnist.results.figure_files import save_figures
from hmnist.results.mistake_figure import find_mistakes, plot_mistakes
from hmnist.results.reliability_figure import plot_reliability
from hmnist.results.training_figures import has_recalls, plot_recall, plot_training
from hmnist.runs.opened import check_opened
from hmnist.runs.run import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def save_run_figures(
    run: Run,
    out: str | Path | None = None,
    *,
    evaluation: Evaluation | None = None,
    data: LesionDataset | None = None,
    formats: str | Iterable[str] = ("png",),
) -> list[Path]:
    """Write the figures of a run into a folder.

    Parameters
    ----------
    run : Run
        An opened run.
    out : str, pathlib.Path or None
        The folder for the figures; None takes ``figures`` in the run's folder.
    evaluation : Evaluation or None
        The result of `hmnist.evaluate_run` for this run; None evaluates on `data`, or on the run's
        own test part. Figures of other data need a folder of their own.
    data : LesionDataset or None
        The data set that is evaluated on; None leaves out the images.
    formats : str or iterable of str
        ``png``, ``svg``, ``pdf``.

    Returns
    -------
    list of pathlib.Path
        ``confusion``, ``errors``, ``reliability``, ``roc`` and ``precision-recall``; with data,
        ``mistakes``; for networks ``training`` and ``recall``, unless the evaluation is of other
        data.

    Raises
    ------
    UsageError
        If matplotlib is not installed, it is not a run, a format is unknown or there is none, the
        evaluation is of another run, or figures of other data would go into the run's folder.
    WorkError
        If they cannot be written.
    """
    canvas.check_drawing()
    check_opened(run)
    if evaluation is None:
        evaluation = evaluate_run(run, data)
    check_evaluation(evaluation)
    if evaluation.key != run.manifest.key:
        raise UsageError(
            f"The evaluation, {evaluation.title}, is not one of {run.folder.name}.",
            "Evaluate this run: hmnist.evaluate_run(run)",
        )
    if out is None and not evaluation.own:
        raise UsageError(
            "Figures of other data do not belong in the run's folder.", "Name another: out=..."
        )
    folder = run.folder / "figures" if out is None else out
    return save_figures(draw_run(run, evaluation, data), folder, formats)


def draw_run(
    run: Run, evaluation: Evaluation, data: LesionDataset | None = None
) -> "Iterator[tuple[str, Figure]]":
    """Yield the figures that `save_run_figures` writes, each with its name."""
    yield "confusion", plot_confusion(evaluation)
    yield "errors", plot_errors(evaluation)
    yield "reliability", plot_reliability(evaluation)
    yield "roc", plot_roc(evaluation)
    yield "precision-recall", plot_precision_recall(evaluation)
    if data is not None and len(find_mistakes(evaluation.predictions)):
        yield "mistakes", plot_mistakes(evaluation, data)
    if run.history is not None and evaluation.own:
        yield "training", plot_training(run)
        if has_recalls(run.history):
            yield "recall", plot_recall(run)
