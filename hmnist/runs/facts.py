"""Facts that runs and tables state: of data, split, device and versions."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta

from hmnist.dataset import PARTS, lesion_text
from hmnist.hardware import find_gpu, processor_name
from hmnist.splits.leaks import Leak

if TYPE_CHECKING:
    from hmnist.dataset import LesionDataset
    from hmnist.splits.split import Split

Amount = Annotated[float, Meta(ge=0)]
Share = Annotated[float, Meta(ge=0, le=1)]
Count = Annotated[int, Meta(ge=0)]
Side = Annotated[int, Meta(ge=1, le=2048)]
"""Of an image, in pixels; or its channels."""
Digest = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
"""A SHA-256 in hexadecimal digits."""

RunName = Annotated[str, Meta(pattern=r"^[^./\\:][^/\\:]*$", max_length=255)]
"""The name of a run folder that lies in a known folder: it leads nowhere else."""

_NAME_LENGTH = 200


@dataclass(frozen=True, kw_only=True)
class DataFacts:
    """What a run says of its data set; see `hmnist.LesionDataset`.

    `digest` is a SHA-256 with lesions, `image_digest` without; `rows` and `lesions` are counts,
    None where lesions are unknown; `image_shape` is height, width and channels; `merged_pairs`
    lesions of two ids are counted as one, as they are known to be the same.
    """

    name: str
    digest: Digest
    image_digest: Digest
    rows: Count
    lesions: Count | None
    synthetic: bool
    image_shape: tuple[Side, Side, Side]
    merged_pairs: Count = 0

    @property
    def lesion_text(self) -> str:
        """How many lesions there are, in words."""
        pairs = "pair" if self.merged_pairs == 1 else "pairs"
        merged = (
            f" ({self.merged_pairs} known duplicate {pairs} merged)" if self.merged_pairs else ""
        )
        return f"{lesion_text(self.lesions)}{merged}"

    @property
    def unit(self) -> str:
        """What intervals are drawn over: lesions, or images where lesions are unknown."""
        return "images" if self.lesions is None else "lesions"


@dataclass(frozen=True, kw_only=True)
class SplitFacts:
    """What a run says of its split: `kind`, `seed`, `fold` and `folds` as in `hmnist.Split`.

    Attributes
    ----------
    published : bool
        Whether it is the protocol of a published system.
    sizes : mapping of str to int
        The images of each part.
    shared_lesions, shared_test_images : int or None
        Lesions in more than one part, and the test images that show one; None where lesions are
        unknown. `proof` says the same in a sentence.
    leaks : tuple of Leak or None
        The leaks of a published protocol; None for other splits, whose leaks `hmnist.check` finds.
    digest : str
        SHA-256 of the rows of the parts.
    """

    kind: str
    published: bool
    seed: Count | None
    fold: Count | None
    folds: Count | None
    sizes: Mapping[str, Count]
    shared_lesions: Count | None
    shared_test_images: Count | None
    proof: str
    leaks: tuple[Leak, ...] | None
    digest: Digest

    def __post_init__(self) -> None:
        if set(self.sizes) != set(PARTS):
            raise ValueError(f"its parts are not {', '.join(PARTS)}")
        # A table may have all folds: its fold is None then.
        if self.fold is not None and self.fold >= (self.folds or 0):
            raise ValueError(f"its fold is {self.fold} of {self.folds}")

    @property
    def is_made_by_hand(self) -> bool:
        """Whether neither `hmnist.split` nor a file makes it again."""
        if self.kind in {"lesion", "image"}:
            return self.seed is None
        is_file = Path(self.kind).suffix or self.kind.startswith("./")
        return not (self.published or self.kind == "own" or is_file)

    @property
    def fold_text(self) -> str:
        """The fold, or how many there are, as it stands behind `description`."""
        if self.folds is None:
            return ""
        if self.fold is None:
            return f", {self.folds} folds"
        return f", fold {self.fold + 1} of {self.folds}"

    @property
    def description(self) -> str:
        """What decides on the parts, in words: ``by lesion`` or ``the file's own``."""
        if self.published:
            return f"the protocol of {self.kind.partition(':')[2]}"
        if self.kind in {"lesion", "image"}:
            return f"by {self.kind}"
        return "the file's own" if self.kind == "own" else f"from {self.kind}"


def as_json(value: object) -> Any:
    """Return a dataclass, or a mapping of dataclasses, in JSON's types: dicts, lists, numbers."""
    import msgspec

    return msgspec.json.decode(msgspec.json.encode(value, enc_hook=_as_text))


def _as_text(value: object) -> str:
    # msgspec asks for subclasses of str: the text of a sampler (`hmnist.oversampling.own_sampler`).
    if isinstance(value, str):
        return str.__str__(value)
    raise NotImplementedError(f"{type(value).__name__} is none of JSON's types")


def json_text(facts: Mapping[str, Any]) -> str:
    """Return facts as the text of a JSON file."""
    return json.dumps(facts, indent=1, ensure_ascii=False, allow_nan=False)


def describe_data(data: "LesionDataset") -> DataFacts:
    """Return what a manifest and a table say of a data set."""
    return DataFacts(
        name=as_line(data.name),
        digest=data.digest,
        image_digest=data.image_digest,
        rows=len(data),
        lesions=data.lesion_count,
        synthetic=data.synthetic,
        image_shape=data.image_shape,
        merged_pairs=data.merged_pairs,
    )


def describe_split(split: "Split") -> SplitFacts:
    """Return what a manifest and a table say of a split."""
    return SplitFacts(
        kind=as_line(split.kind),
        published=split.protocol is not None,
        seed=split.seed,
        fold=split.fold,
        folds=split.folds,
        sizes=split.sizes,
        shared_lesions=split.shared_lesions,
        shared_test_images=split.shared_test_images,
        proof=split.proof(),
        leaks=split.leaks if split.protocol is not None else None,
        digest=split.digest,
    )


def as_line(name: str) -> str:
    """Return a name as one line of Unicode, whatever a file is called: on Linux, any bytes."""
    line = re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", name)
    return line.encode(errors="backslashreplace").decode()[:_NAME_LENGTH]


def describe_device(device: str, workers: int = 0) -> str:
    """Return what a model ran on, with its name: ``CPU (AMD EPYC 9B14)`` or ``GPU (…)``.

    `device` is ``cpu`` or ``gpu``. One model may have been distributed over several workers.
    """
    name = f"GPU ({find_gpu()})" if device == "gpu" else f"CPU ({processor_name()})"
    return f"{name}, distributed over {workers} workers" if workers else name


def describe_versions() -> dict[str, str]:
    """Return the versions of Python, of this package and of the libraries that matter."""
    import importlib.metadata
    import platform

    from hmnist import __version__

    names = "numpy pandas scikit-learn imbalanced-learn xgboost tensorflow keras"
    libraries = {name: importlib.metadata.version(name) for name in names.split()}
    return {"hmnist": __version__, "python": platform.python_version(), **libraries}
