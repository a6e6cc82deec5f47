"""What a manifest says of data, split, device and versions, and how it is read."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hmnist.dataset import LesionDataset
from hmnist.errors import TrustError
from hmnist.splits.split import Split

__all__ = [
    "MANIFEST",
    "SCHEMA",
    "describe_data",
    "describe_device",
    "describe_split",
    "describe_versions",
    "read_manifest",
]

SCHEMA = "hmnist-run/1"

MANIFEST = "manifest.json"

REQUIRED = frozenset(
    {
        "key",
        "model",
        "parameters",
        "recipe",
        "data",
        "split",
        "prior",
        "decision",
        "scores",
        "files",
    }
)
"""What every manifest says."""


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read what a run folder says of itself, without holding its files against it.

    Raises
    ------
    TrustError
        If it is no run folder, or one of another version.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise TrustError(
            f"{folder} is no run folder: it has no {MANIFEST}.", f"See: hmnist runs list {folder}"
        ) from error
    except (OSError, ValueError) as error:
        raise TrustError(f"{folder / MANIFEST} cannot be read: {error}.") from error
    if not isinstance(manifest, dict) or manifest.get("schema") != SCHEMA:
        raise TrustError(f"{folder / MANIFEST} is not of the kind {SCHEMA}.")
    if missing := sorted(REQUIRED - manifest.keys()):
        raise TrustError(f"{folder / MANIFEST} is damaged: it has no entry {missing[0]!r}.")
    return manifest


def describe_data(data: LesionDataset) -> dict[str, Any]:
    """Return what a manifest and a table say of a data set."""
    return {
        "name": data.name,
        "digest": data.digest,
        "image_digest": data.image_digest,
        "rows": len(data),
        "lesions": data.lesion_count,
        "synthetic": data.synthetic,
        "image_shape": list(data.image_shape),
    }


def describe_split(on: Split) -> dict[str, Any]:
    """Return what a manifest and a table say of a split."""
    return {
        "kind": on.kind,
        "seed": on.seed,
        "fold": on.fold,
        "folds": on.folds,
        "sizes": on.sizes,
        "shared_lesions": on.shared_lesions,
        "shared_test_images": on.shared_test_images,
        "proof": on.proof(),
        # Counted where they are a protocol's own; `hmnist.check` counts those of any split.
        "leaks": None if on.protocol is None else [asdict(leak) for leak in on.leaks],
        "digest": on.digest,
    }


def describe_device(model: object) -> str:
    """Say what a model ran on: networks take a GPU if there is one, all others the CPU."""
    if not hasattr(model, "networks") or "tensorflow" not in sys.modules:
        return "CPU"
    import tensorflow as tf

    return "GPU" if tf.config.list_physical_devices("GPU") else "CPU"


def describe_versions() -> dict[str, str]:
    """Return the versions of Python, of this package and of the libraries that count."""
    import importlib.metadata
    import platform

    from hmnist import __version__

    names = (
        "numpy",
        "pandas",
        "scikit-learn",
        "imbalanced-learn",
        "xgboost",
        "tensorflow",
        "keras",
    )
    return {
        "hmnist": __version__,
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in names},
    }
