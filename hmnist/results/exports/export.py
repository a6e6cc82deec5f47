"""`export_run`: the networks of a run in a folder that predicts without TensorFlow."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hmnist.arrays import Float32, Pixels, Shape
from hmnist.diagnoses import CODES
from hmnist.errors import UsageError, WorkError, unknown_name
from hmnist.files import expand_home, short_path, write_folder
from hmnist.models.litert import LARGEST
from hmnist.models.saved_networks import copy_networks, has_networks
from hmnist.patients import PATIENT_COLUMNS
from hmnist.results.exports import graph
from hmnist.results.exports.card import CARD_FILE, card_text
from hmnist.results.exports.exported import (
    EXPORT_FILE,
    GRAPHS,
    NETWORKS,
    ExportedModel,
    ExportFacts,
    write_facts,
)
from hmnist.results.exports.onnx import check_installed
from hmnist.runs.familiarity import write_familiarity
from hmnist.runs.manifest import describe_files
from hmnist.runs.opened import check_opened
from hmnist.runs.run import Run

if TYPE_CHECKING:
    from hmnist.models.network_model import NetworkModel

COMPARED = 1000
"""Generated images that run and export predict, since a run folder holds no images."""

TOLERANCE = 1e-4
"""How far a probability may differ between run and export: rounding, and no more."""

_CARD = "--format card, in Python hmnist.write_card(run)"


def export_run(
    run: Run,
    format: str = "litert",  # noqa: A002 - it has the name of the option
    out: str | Path | None = None,
) -> ExportedModel:
    """Write the networks of a run into a folder of their own, and compare their probabilities.

    Parameters
    ----------
    run : Run
        An opened run of a network: ``cnn``, ``mlp``, ``transfer`` or a published system.
    format : str
        ``litert`` or ``onnx``. A network that reads pixels becomes one graph from pixels to
        calibrated probabilities in either. One that reads features of the lesion can be exported
        for LiteRT only, and `hmnist.open_model` computes the features.
    out : str, pathlib.Path or None
        The folder; None takes the run's with the format behind its name. An older export there is
        replaced.

    Returns
    -------
    ExportedModel

    Raises
    ------
    UsageError
        If it is not a run, the model cannot be exported in this form, or the folder is something
        else.
    WorkError
        If run and export disagree, or the folder cannot be written.
    """
    check_opened(run)
    if format not in GRAPHS:
        raise unknown_name("format", format, GRAPHS)
    folder = _find_folder(run, format, out)
    model = _find_network(run, format)
    with write_folder(folder) as temporary:
        if model.is_traceable:
            function = graph.trace_probabilities(model, run.image_shape, run.decision.temperature)
            convert = graph.to_litert if format == "litert" else graph.to_onnx
            (temporary / GRAPHS[format]).write_bytes(convert(function))
        else:
            copy_networks(run.model_folder, temporary / NETWORKS)
        if run.familiarity is not None:
            write_familiarity(temporary, run.familiarity)
        facts = _compare(run, ExportedModel(temporary, _describe(run, format, model, temporary)))
        write_facts(temporary, facts)
        text = card_text(run, facts)
        (temporary / CARD_FILE).write_text(text, encoding="utf-8")
    return ExportedModel(folder, facts)


def _find_folder(run: Run, form: str, out: str | Path | None) -> Path:
    if out is None:
        # The name of "." and ".." says nothing.
        folder = run.folder if run.folder.name.strip(".") else run.folder.resolve()
        out = folder.with_name(f"{folder.name}-{form}")
    path = expand_home(out)
    if path.is_dir() and any(path.iterdir()) and not (path / EXPORT_FILE).is_file():
        raise UsageError(
            f"{short_path(path)} exists already, and is not an export.",
            "Name another folder: --out FOLDER",
        )
    return path


def _find_network(run: Run, form: str) -> "NetworkModel":
    """Return the model of a run; a UsageError if it cannot be exported in this form."""
    from hmnist.models.network_model import NetworkModel

    name = run.manifest.model
    if run.manifest.members:
        raise UsageError(
            f"{run.folder.name} is an ensemble of several models, and one model can be exported.",
            f"Export one of {', '.join(member.run for member in run.manifest.members)}; or write "
            f"a model card: {_CARD}.",
        )
    if form == "onnx":
        check_installed("tf2onnx", "onnxruntime")
    if not isinstance(run.model, NetworkModel):
        raise UsageError(
            f"The model {name} is not a network, and only networks can be exported.",
            f"hmnist predict reads its run folder without TensorFlow. For a model card: {_CARD}.",
        )
    if run.model.is_traceable:
        return run.model
    if form == "onnx":
        raise UsageError(
            f"{name} reads features of the lesion that are computed in numpy, so that it is no "
            "single graph.",
            f"Use --format litert, or train it so that it reads pixels: {way_to_pixels(name)}",
        )
    if not has_networks(run.model_folder):
        raise UsageError(
            f"{name} has more than {LARGEST:,} weights and reads features of the lesion, so that "
            "it has no file for LiteRT.",
            f"Train it so that it reads pixels: {way_to_pixels(name)}",
        )
    return run.model


def way_to_pixels(name: str) -> str:
    """Return the option with which a model reads nothing but pixels when it is trained."""
    return "--set perceptrons=0" if name == "cnn" else "--features pixels"


def _describe(run: Run, form: str, model: "NetworkModel", folder: Path) -> ExportFacts:
    manifest = run.manifest
    return ExportFacts(
        format="litert" if form == "litert" else "onnx",
        whole=model.is_traceable,
        model=manifest.model,
        run=manifest.key,
        data=manifest.data.name,
        synthetic=manifest.data.synthetic,
        image_shape=run.image_shape,
        diagnoses=CODES,
        patient_columns=PATIENT_COLUMNS if run.uses_patients else (),
        decision=run.decision,
        threads=run.threads,
        images_compared=0,
        largest_difference=0,
        versions=dict(manifest.versions),
        files=describe_files(folder),
    )


def _compare(run: Run, exported: ExportedModel) -> ExportFacts:
    """Return the facts with the largest difference; a WorkError if it is too large."""
    images, patients = generate_images(run.image_shape)
    known = patients if run.uses_patients else None
    expected = run.decision.calibrate(run.model.predict_proba(images, known))
    difference = float(abs(exported.predict_checked(images, known) - expected).max())
    if not difference <= TOLERANCE:  # NaN is not a success
        raise WorkError(
            f"The export predicts other probabilities than the run: they differ by up to "
            f"{difference:.2g}, and {TOLERANCE:.0e} is allowed. It was deleted.",
            "Use the run folder itself: hmnist predict reads it.",
        )
    return replace(exported.facts, images_compared=len(images), largest_difference=difference)


def generate_images(shape: Shape) -> tuple[Pixels, Float32 | None]:
    """Return `COMPARED` images of the synthetic sample in this shape, and their patient data."""
    from PIL import Image

    from hmnist.sources.sample import load_sample

    data = load_sample(rows=COMPARED)
    height, width, channels = shape
    mode = "L" if channels == 1 else "RGB"
    resized = [
        np.asarray(Image.fromarray(image).resize((width, height)).convert(mode))
        for image in data.images
    ]
    return np.stack(resized).reshape(-1, *shape), data.patients
