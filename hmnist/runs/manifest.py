"""`Manifest`: what a run folder says of itself, and how it is read and written.

Reading checks every key, type and range, so that the rest of the package can rely on them.
"""

import hashlib
import math
import os
import shlex
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta

from hmnist.decisions.decision import Decision
from hmnist.diagnoses import CODES
from hmnist.errors import TrustError, UsageError
from hmnist.guarded import open_guarded, read_json
from hmnist.runs.facts import (
    Amount,
    Count,
    DataFacts,
    Digest,
    RunName,
    Share,
    SplitFacts,
    as_json,
    json_text,
)
from hmnist.runs.parameters import check_parameters
from hmnist.runs.recipe import Recipe

SCHEMA = "hmnist-run/7"
MANIFEST = "manifest.json"

NEEDED = frozenset({"predictions.csv", "report.json", "report.csv", "confusion.csv", "seen.npz"})
"""The files that every run has."""

NEEDED_BY_MODELS = "model/model.json"
"""The file that every run has but an ensemble, whose members have it."""

_LARGEST = 2**22
"""Bytes of a manifest: four megabytes."""

TRAIN_ONE = "Train one: hmnist train cnn DATA --out runs/cnn"
"""What to type where there is no run."""

_CURE = "Train it again."


@dataclass(frozen=True, kw_only=True)
class StoredFile:
    """A file of a run folder: its size in bytes, and its SHA-256."""

    bytes: Count
    sha256: Digest


@dataclass(frozen=True, kw_only=True)
class Member:
    """A run that belongs to an ensemble, beside whose folder it lies.

    `digest` is the SHA-256 of its manifest, `weight` its share of the soft vote.
    """

    run: RunName
    digest: Digest
    weight: Annotated[float, Meta(gt=0, le=1)]


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What was trained on what, and how. How it scored is computed from its predictions.

    Attributes
    ----------
    key : str
        See `Recipe.key`.
    model : str
        A name of the registry.
    parameters : mapping
        The constructor parameters of the model; empty for ensembles.
    recipe : Recipe
        The settings of the training.
    system : mapping or None
        How a published system is trained; None for other models.
    pretrained_digest : str or None
        The SHA-256 of the file of pretrained weights, if there is one.
    data : DataFacts
    split : SplitFacts
    prior : tuple of 7 floats
        The share of each diagnosis in the training part, before any oversampling.
    decision : Decision
        How probabilities become predicted diagnoses, as fitted on validation.
    fit_seconds, predict_ms_per_1000 : float
        How long fitting took, and the prediction of 1,000 images.
    parameter_count : int
        How many numbers were fitted.
    side_by_side : bool
        Whether other cells ran at the same time, so that the times say little.
    members : tuple of Member
        The members of an ensemble; empty for other models.
    written : str
        When, in UTC.
    device : str
        ``CPU`` or ``GPU``, with the name of the processor.
    versions : mapping of str to str
        Of Python and the libraries.
    files : mapping of str to StoredFile
        Every file of the folder, by its path in it.
    """

    key: Annotated[str, Meta(pattern="^[0-9a-f]{12}$")]
    model: str
    parameters: Mapping[str, Any]
    recipe: Recipe
    system: Mapping[str, Any] | None
    pretrained_digest: Digest | None
    data: DataFacts
    split: SplitFacts
    prior: tuple[Share, ...]
    decision: Decision
    fit_seconds: Amount
    predict_ms_per_1000: Amount
    parameter_count: Count
    side_by_side: bool
    members: tuple[Member, ...]
    written: str
    device: str
    versions: Mapping[str, str]
    files: Mapping[str, StoredFile]
    schema: str = SCHEMA

    def __post_init__(self) -> None:
        check_parameters(self.parameters)
        for fault, is_faulty in self._faults():
            if is_faulty:
                raise ValueError(fault)

    def _faults(self) -> Iterator[tuple[str, bool]]:
        """Yield what may be wrong with entries that belong together, and whether it is."""
        entry = self.recipe.entry
        # A model may have taken fewer settings in another version.
        stated = [self.parameters[name] for name in entry.settings if name in self.parameters]
        yield "its model is not that of its recipe", self.model != entry.name
        yield (
            "a setting of its model is not a text",
            not all(isinstance(one, str) for one in stated),
        )
        yield "its system is not that of its model", (self.system is None) != (entry.system is None)
        known = len(self.prior) == len(CODES) and math.isclose(sum(self.prior), 1, abs_tol=1e-6)
        yield f"its prior is not {len(CODES)} shares of 1", not known
        yield "it does not state the version of hmnist", "hmnist" not in self.versions
        yield "only ensembles have members", bool(self.members) != entry.composed
        names = self.recipe.parameters.get("members", ())
        are_names = isinstance(names, list | tuple) and all(isinstance(one, str) for one in names)
        yield "the members of its recipe are not names of models", not are_names
        total = sum(member.weight for member in self.members)
        yield (
            "the weights of its members do not add up to 1",
            bool(self.members) and not (math.isclose(total, 1, abs_tol=1e-6)),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the manifest as JSON's types."""
        return dict(as_json(self))


def read_manifest(folder: Path) -> Manifest:
    """Read what a run folder says of itself, without comparing its files.

    Raises
    ------
    UsageError
        If the folder has no manifest.
    TrustError
        If the manifest is damaged, or of another version.
    """
    import msgspec

    path = folder / MANIFEST
    if not os.path.lexists(path):
        raise UsageError(f"{folder} is not a run folder: it has no {MANIFEST}.", _hint_of(folder))
    facts = read_json(path, _LARGEST)
    schema = facts.get("schema") if isinstance(facts, dict) else None
    if isinstance(schema, str) and schema != SCHEMA:
        raise TrustError(
            f"{path} is of the kind {schema[:40]}, and this version of hmnist reads {SCHEMA}.",
            "Train it again, or use the version of hmnist that wrote it.",
        )
    try:
        manifest = msgspec.convert(facts, Manifest)
    except msgspec.MsgspecError as error:
        raise TrustError(f"{path} is damaged: {str(error).rstrip('.')}.", _CURE) from error
    needed = NEEDED if manifest.members else NEEDED | {NEEDED_BY_MODELS}
    if missing := needed - manifest.files.keys():
        raise TrustError(f"{path} is damaged: it does not list {min(missing)}.", _CURE)
    return manifest


def _hint_of(folder: Path) -> str:
    """Say what to do with a folder that is no run folder."""
    if next(folder.glob(f"*/{MANIFEST}"), None) is None:
        return TRAIN_ONE
    quoted = shlex.quote(str(folder))
    return (
        f"It holds runs; name one of them: hmnist runs list {quoted}. An interrupted benchmark "
        f"goes on if you run the same command with --out {quoted}."
    )


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write a manifest into a run folder."""
    (folder / MANIFEST).write_text(json_text(manifest.to_dict()), encoding="utf-8")


def describe_files(folder: Path) -> dict[str, StoredFile]:
    """Return size and hash of every file in a folder and its sub-folders, by its path in it."""
    described = {}
    for name in sorted(_list_files(folder, _CURE)):
        size = (folder / name).stat().st_size
        described[name] = StoredFile(bytes=size, sha256=_hash(folder / name, size))
    return described


def check_files(folder: Path, files: Mapping[str, StoredFile], cure: str) -> set[str]:
    """Compare the files of a folder with their description, and return the others by name.

    Hidden files are none of ours, and left out.

    Raises
    ------
    TrustError
        With the hint `cure`: if a file is missing or not the one described, or the folder contains
        a link or anything else that is neither file nor folder.
    """
    found = _list_files(folder, cure)
    for name, stored in files.items():
        # A name that leads out of the folder is not among them.
        if name not in found:
            raise TrustError(f"{folder} is damaged: {name[:200]} is missing.", cure)
        check_file(folder, name, stored, cure)
    return found - files.keys()


def check_file(folder: Path, name: str, stored: StoredFile, cure: str = _CURE) -> None:
    """Compare one file of a folder with its description; TrustError if it is another one."""
    path, size = folder / name, stored.bytes
    if not os.path.lexists(path):
        raise TrustError(f"{folder} is damaged: {name} is missing.", cure)
    if path.lstat().st_size != size or _hash(path, size, cure) != stored.sha256:
        raise TrustError(f"{folder} is damaged: {name} is not what was written.", cure)


def _hash(path: Path, limit: int, cure: str = _CURE) -> str:
    with open_guarded(path, limit, cure) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _list_files(folder: Path, cure: str) -> set[str]:
    """Return the files in a folder and its sub-folders; links and devices are refused."""
    found = set()
    for above, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in (*folders, *files):
            path = Path(above, name)
            mode = path.lstat().st_mode
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                inside = path.relative_to(folder).as_posix()
                raise TrustError(f"{folder} is damaged: {inside!r} is a link or a device.", cure)
        own = (Path(above, name).relative_to(folder) for name in files)
        found |= {path.as_posix() for path in own if not path.name.startswith(".")}
    return found
