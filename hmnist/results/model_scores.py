"""`score`: what a fitted classifier achieves on a data set."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hmnist.arrays import Float64
from hmnist.dataset import LesionDataset, check_loaded
from hmnist.diagnoses import CODES
from hmnist.errors import UsageError, with_article
from hmnist.results.exports.exported import ExportedModel
from hmnist.runs.run import Run
from hmnist.scores.scoring import Scores, score_predictions

if TYPE_CHECKING:
    from collections.abc import Sequence


def score(model: Any, data: LesionDataset) -> Scores:
    """Score a fitted classifier on a data set.

    Parameters
    ----------
    model : Model, Run, ExportedModel, or classifier of scikit-learn
        A run and its export apply their decision; a bare model predicts the largest probability. A
        classifier of scikit-learn, such as a pipeline, gets the pixels as rows (``data.X``). Its
        ``classes_`` say which diagnosis each column of ``predict_proba`` is, by number or by name;
        a diagnosis that it does not know has the probability 0. Without ``classes_`` there are
        seven columns in the Kaggle order.
    data : LesionDataset
        Images that it has not seen: a test part. A model that was fitted with patient data gets
        those of the data set.

    Returns
    -------
    Scores

    Raises
    ------
    UsageError
        If the model has no ``predict_proba``, or its classes are not diagnoses; if the data are not
        a `LesionDataset`, or hold no images.
    """
    check_loaded(data)
    probabilities = _in_order(model, _predict(model, data))
    decides = isinstance(model, Run | ExportedModel)
    predicted = model.decision.decide(probabilities) if decides else None
    return score_predictions(data.labels, probabilities, predicted)


def _predict(model: Any, data: LesionDataset) -> npt.NDArray[Any]:
    from hmnist.models.base import Model

    if not hasattr(model, "predict_proba"):
        raise UsageError(
            f"Expected a fitted classifier with predict_proba, not {with_article(type(model))}.",
            "hmnist.make_model makes one to fit, hmnist.open_model opens a run.",
        )
    images = data.images if isinstance(model, Model | Run | ExportedModel) else data.X
    if getattr(model, "uses_patients", False) or getattr(model, "uses_patients_", False):
        return np.asarray(model.predict_proba(images, data.patients))
    return np.asarray(model.predict_proba(images))


def _in_order(model: Any, probabilities: npt.NDArray[Any]) -> Float64:
    """Return probabilities with a column for each diagnosis, in the Kaggle order."""
    if not hasattr(model, "classes_"):
        return probabilities
    labels = _labels_of(np.asarray(model.classes_))
    placed = np.zeros((len(probabilities), len(CODES)))
    placed[:, labels] = probabilities
    return placed


def _labels_of(classes: npt.NDArray[Any]) -> list[int]:
    """Return the label 0–6 of each class of a model, which are labels already, or names."""
    names: Sequence[Any] = range(len(CODES)) if classes.dtype.kind in "iu" else CODES
    known = {name: label for label, name in enumerate(names)}
    for each in classes.tolist():
        if each not in known:
            raise UsageError(
                f"The model was fitted on the class {each!r}, which is not a diagnosis.",
                f"Fit it on 0–{len(CODES) - 1} in the order of hmnist.CODES, or on their names: "
                f"{', '.join(CODES)}.",
            )
    return [known[each] for each in classes.tolist()]
