"""`explain`: which parts of an image a prediction rests on."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hmnist.arrays import Float32, Float64, Indices, Labels, Pixels
from hmnist.errors import UsageError, unknown_name
from hmnist.features.groups import group_columns
from hmnist.patients import check_patients
from hmnist.results.explanation import Explanation
from hmnist.results.explanation_maps import occlude, permute, permute_groups
from hmnist.runs.opened import check_opened
from hmnist.runs.run import Run

if TYPE_CHECKING:
    from collections.abc import Iterable

METHODS = ("occlusion", "grad-cam", "permutation")
"""The ways to explain a prediction, the default first."""


def explain(
    run: Run,
    images: npt.ArrayLike,
    *,
    method: str = METHODS[0],
    patients: npt.ArrayLike | None = None,
    names: "Iterable[str] | None" = None,
) -> Explanation:
    """Explain the predicted diagnoses of images by maps of their parts.

    Parameters
    ----------
    run : Run
        An opened run.
    images : array-like of uint8, shape (n, h, w, c)
        Pixels 0–255 of the size that the model was trained on.
    method : {"occlusion", "grad-cam", "permutation"}
        ``occlusion`` covers a part of the image with the colour of its skin, ``permutation``
        exchanges it for the same part of other images among `images`; both work for every model.
        ``grad-cam`` looks into convolutional networks.
    patients : array-like, shape (n, p), or None
        Their patient data, for a run that `uses_patients`; they stay as they are.
    names : iterable of str, or None
        Names of the images for figures; None numbers them.

    Returns
    -------
    Explanation

    Raises
    ------
    UsageError
        If it is not a run, the method is unknown or unsuitable for it, the images have another
        size, or the names are more or fewer than the images.

    Examples
    --------
    >>> import tempfile
    >>> from hmnist.experiments.train import train
    >>> from hmnist.sources.sample import load_sample
    >>> data = load_sample(rows=200)
    >>> run = train(data, "logistic", features="pixels", threads=1, out=tempfile.mkdtemp())
    >>> import warnings
    >>> with warnings.catch_warnings(action="ignore"):
    ...     explain(run, data.images[:2]).maps.shape
    (2, 28, 28)
    """
    check_opened(run)
    if method not in METHODS:
        raise unknown_name("method", method, METHODS)
    pixels = _check_images(run, images)
    titles = _check_names(names, len(pixels))
    if method == "permutation" and len(pixels) < 2:
        raise UsageError(
            "Permutation exchanges parts between images, so it needs two images or more.",
            "Name more images, or use occlusion.",
        )
    probabilities = run.predict_proba(pixels, patients)
    known = check_patients(patients, len(pixels)) if run.uses_patients else None
    predicted = run.decision.decide(probabilities)
    groups: dict[str, float] = {}
    notes: list[str] = []
    if method == "grad-cam":
        maps, notes = _look_inside(run, pixels, predicted, known)
    else:

        def predict(changed: Pixels, origins: Indices) -> Float64:
            theirs = None if known is None else known[origins]
            return run.decision.calibrate(run.predict_uncalibrated(changed, theirs))

        measure = occlude if method == "occlusion" else permute
        maps = measure(pixels, predicted, predict)
        if method == "permutation":
            groups = _rank_groups(run, pixels, predicted, known)
    return Explanation(
        title=f"{run.manifest.model}, trained on {run.manifest.data.name}: {method}",
        method=method,
        images=pixels,
        names=titles,
        predicted=predicted,
        probabilities=probabilities,
        maps=maps,
        groups=groups,
        notes=tuple(notes),
    )


def _check_images(run: Run, images: npt.ArrayLike) -> Pixels:
    pixels = np.asarray(images)
    expected = run.manifest.data.image_shape
    if pixels.dtype != np.uint8 or pixels.shape[1:] != expected or not len(pixels):
        raise UsageError(
            f"The images have shape {pixels.shape} and type {pixels.dtype}; expected uint8 pixels "
            f"of shape (n, {', '.join(map(str, expected))}), at least one."
        )
    return pixels


def _check_names(names: "Iterable[str] | None", count: int) -> tuple[str, ...]:
    """Return a name for each image."""
    if names is None:
        return tuple(f"image {number}" for number in range(count))
    titles = (names,) if isinstance(names, str) else tuple(map(str, names))
    if len(titles) != count:
        raise UsageError(
            f"The names are {len(titles):,} and the images {count:,}; expected a name for each."
        )
    return titles


def _look_inside(
    run: Run, images: Pixels, predicted: Labels, patients: Float32 | None
) -> tuple[Float32, list[str]]:
    """Return maps of Grad-CAM, and what they leave out."""
    if run.manifest.members:
        members = ", ".join(member.run for member in run.manifest.members)
        raise UsageError(
            "Grad-CAM looks into one model, and an ensemble has several.",
            f"Use occlusion, or explain a member: {members}.",
        )
    from hmnist.models.network_model import NetworkModel

    model = run.model
    if not isinstance(model, NetworkModel):
        raise UsageError(
            f"Grad-CAM looks into convolutional networks, and {run.manifest.model} is none.",
            "Use occlusion: it explains every model.",
        )
    from hmnist.models.grad_cam import grad_cam

    notes = []
    if getattr(model, "perceptrons", 0):
        notes.append("Its perceptrons on features, one half of the model, are not in the maps.")
    return grad_cam(model, images, predicted, patients), notes


def _rank_groups(
    run: Run, images: Pixels, predicted: Labels, patients: Float32 | None
) -> dict[str, float]:
    """Return the loss by group of features for a tabular model on features; else nothing."""
    if run.manifest.members:
        return {}
    from hmnist.models.tabular import TabularModel

    model = run.model
    if not isinstance(model, TabularModel) or model.features == "pixels":
        return {}
    return permute_groups(
        model.read_columns(images, patients),
        group_columns(model.feature_names()),
        predicted,
        lambda columns: run.decision.calibrate(model.predict_columns(columns)),
    )
