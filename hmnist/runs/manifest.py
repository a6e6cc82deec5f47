"""`Manifest`: what a run folder says of itself, and how it is read and written.

Reading checks every key, type and range, so that the rest of the package can rely on them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta

from hmnist.decisions.decision import Decision
from hmnist.diagnoses import CODES
from hmnist.errors import TrustError, UsageError
from hmnist.runs.facts import Amount, Count, DataFacts, Digest, SplitFacts, as_json, json_text
from hmnist.runs.recipe import Recipe
from hmnist.scores.reliability import ReliabilityBin
from hmnist.scores.scoring import SCORE_NAMES

SCHEMA = "hmnist-run/4"
MANIFEST = "manifest.json"


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

    run: str
    digest: Digest
    weight: Annotated[float, Meta(ge=0, le=1)]


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What was trained on what, how, and how it scored.

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
    scores : mapping of str to (float or None)
        Those of the test part, by the names of `hmnist.SCORE_NAMES`; None where a diagnosis is
        absent.
    reliability : tuple of ReliabilityBin
        Of the test part.
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

    key: str
    model: str
    parameters: Mapping[str, Any]
    recipe: Recipe
    system: Mapping[str, Any] | None
    pretrained_digest: Digest | None
    data: DataFacts
    split: SplitFacts
    prior: tuple[Amount, ...]
    decision: Decision
    scores: Mapping[str, float | None]
    reliability: tuple[ReliabilityBin, ...]
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
        if set(self.scores) != set(SCORE_NAMES):
            raise ValueError("its scores are not those of this version")
        if len(self.prior) != len(CODES):
            raise ValueError(f"its prior is not {len(CODES)} numbers")

    def to_dict(self) -> dict[str, Any]:
        """Return the manifest as JSON's types."""
        return dict(as_json(self))


def read_manifest(folder: Path) -> Manifest:
    """Read what a run folder says of itself, without comparing its files."""
    import msgspec

    path = folder / MANIFEST
    try:
        content = path.read_bytes()
        header = msgspec.json.decode(content, type=dict[str, Any])
        if header.get("schema") == SCHEMA:
            return msgspec.json.decode(content, type=Manifest)
    except FileNotFoundError as error:
        raise UsageError(
            f"{folder} is no run folder: it has no {MANIFEST}.", f"See: hmnist runs list {folder}"
        ) from error
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise TrustError(f"{path} is damaged: {error}.", "Train it again.") from error
    raise TrustError(
        f"{path} is of the kind {str(header.get('schema'))[:40]}, and this version of hmnist reads "
        f"{SCHEMA}.",
        "Train it again, or use the version of hmnist that wrote it.",
    )


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write a manifest into a run folder."""
    (folder / MANIFEST).write_text(json_text(manifest.to_dict()), encoding="utf-8")
