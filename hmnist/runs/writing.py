"""`write_run`: a run folder, whole or not at all."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hmnist.dataset import LesionDataset
from hmnist.decisions.familiarity import Familiarity
from hmnist.files import write_folder
from hmnist.runs.familiarity import write_familiarity
from hmnist.runs.history import write_history
from hmnist.runs.manifest import Manifest, describe_files, read_manifest, write_manifest
from hmnist.runs.predictions import PartPredictions, write_predictions
from hmnist.runs.report import Report, write_report
from hmnist.runs.run import Run
from hmnist.runs.seen import write_seen

if TYPE_CHECKING:
    from hmnist.models.base import Model


def write_run(
    folder: Path,
    manifest: Manifest,
    *,
    model: "Model | None",
    seen: Sequence[LesionDataset],
    familiarity: Familiarity | None,
    predictions: Mapping[str, PartPredictions],
    report: Report,
) -> Run:
    """Write a run folder, whole or not at all; a folder of that name is replaced.

    The `files` of the manifest are filled in here. There is no model for an ensemble, whose
    manifest names its members. `seen` are the parts that trained and validated the model,
    `familiarity` says what they look like, and `report` scores the test part.
    """
    with write_folder(folder) as temporary:
        if model is not None:
            (temporary / "model").mkdir()
            model.save_state(temporary / "model")
        write_predictions(temporary, predictions)
        write_seen(temporary, seen)
        if familiarity is not None:
            write_familiarity(temporary, familiarity)
        if history := getattr(model, "history_", None):
            write_history(temporary, history)
        write_report(report, temporary)
        write_manifest(temporary, replace(manifest, files=describe_files(temporary)))
    return Run(folder, read_manifest(folder))
