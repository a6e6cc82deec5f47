"""Which change moved the probabilities: ``python benchmarks/drift.py [--since COMMIT]``.

Every model is trained on a part of the synthetic sample, with few steps, and predicts some images
of it. ``tests/reference.json`` holds what came out when it was last written (``--write``), and a
test compares. Without ``--since``, the largest difference to it is printed for each model. With it,
every commit since then is checked out beside this one and computed, and the differences to the
commit before it are printed. ``--json`` prints the probabilities themselves. Prints Markdown.

On one machine the probabilities are equal to the last digit. With the instructions of older
processors (``OPENBLAS_CORETYPE=Haswell ONEDNN_MAX_CPU_ISA=AVX2``, and `NPY_DISABLE_CPU_FEATURES`
for AVX512) or with two threads the networks moved by 5e-7 at most, the linear model by 7e-6, the
trees not at all; the tolerances leave room for processors that were not tried. The linear model has
few steps here: it is stopped before it has converged, and from some forty steps on the search of
L-BFGS made one digit in the last place a hundredth. Trees that start from it inherit that.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import hmnist
from hmnist.arrays import Array
from hmnist.decisions.soft_voting import soft_vote
from hmnist.hardware import use_threads
from hmnist.results.formatting import markdown_table

ROOT = Path(__file__).parent.parent
REFERENCE = ROOT / "tests" / "reference.json"

Probabilities = Mapping[str, Array]


@dataclass(frozen=True)
class Reference:
    """A model whose probabilities are kept.

    Attributes
    ----------
    model : str
        A name of the registry.
    tolerance : float
        How far a probability may differ on another processor.
    parameters : dict
        What makes its training short.
    """

    model: str
    tolerance: float
    parameters: dict[str, Any] = field(default_factory=dict)


_SMALL_CNN = {"epochs": 2, "widths": (8, 12, 16), "perceptrons": 0}

REFERENCES = {
    "majority": Reference("majority", 1e-7),
    "logistic": Reference("logistic", 1e-4, {"max_iter": 20}),
    "hist-gbdt": Reference("hist-gbdt", 1e-3, {"max_iter": 10, "linear_start": False}),
    "xgboost": Reference("xgboost", 1e-3, {"n_estimators": 10, "linear_start": False}),
    "mlp": Reference("mlp", 1e-3, {"epochs": 3}),
    "cnn": Reference("cnn", 1e-3, _SMALL_CNN),
    "cnn in bfloat16": Reference("cnn", 1e-2, {**_SMALL_CNN, "precision": "bfloat16"}),
}
"""The models by name."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--since", metavar="COMMIT", help="compare each commit with its forerunner")
    parser.add_argument("--json", action="store_true", help="print the probabilities")
    parser.add_argument("--write", action="store_true", help=f"write {REFERENCE.name} again")
    arguments = parser.parse_args()
    if arguments.since:
        print_commits(arguments.since)
        return
    found = compute_all()
    if arguments.json:
        print(to_json(found))
    elif arguments.write:
        REFERENCE.write_text(to_json(found), encoding="utf-8")
    else:
        differences = find_differences(found, read_reference())
        rows = [[name, f"{difference:.1e}"] for name, difference in differences.items()]
        print(markdown_table(["model", "largest difference"], rows))


def compute_all() -> dict[str, Array]:
    """Return the probabilities of every model on this machine, and of their ensemble."""
    use_threads(1)
    found = {name: compute(reference) for name, reference in REFERENCES.items()}
    members = [found[name] for name in ("logistic", "xgboost", "mlp", "cnn")]
    return {**found, "ensemble": soft_vote(members, [0.25] * len(members))}


def compute(reference: Reference) -> Array:
    """Return the probabilities of a model for 14 images: float64, shape (14, 7)."""
    data = hmnist.load_sample(rows=210)
    images = data.images[:, ::2, ::2]  # 14×14: a quarter of the time
    model = hmnist.make_model(
        reference.model, effort="quick", random_state=0, **reference.parameters
    )
    model.fit(images[::2], data.labels[::2])
    return np.asarray(model.predict_proba(images[1::15]))


def has_bfloat16() -> bool:
    """Return whether the processor has AVX512-BF16, as that of the reference: others round else."""
    try:
        return "avx512_bf16" in Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return False


def to_json(found: Probabilities) -> str:
    """Return probabilities as the text of a file, a line for each image."""
    rounded = {
        name: [[float(f"{value:.9g}") for value in row] for row in rows.tolist()]
        for name, rows in found.items()
    }
    return json.dumps(rounded, indent=1).replace("\n   ", " ").replace("\n  ]", " ]") + "\n"


def read_reference() -> dict[str, Array]:
    """Return the probabilities that were written last."""
    return from_json(REFERENCE.read_text(encoding="utf-8"))


def find_differences(found: Probabilities, expected: Probabilities) -> dict[str, float]:
    """Return the largest difference of two probabilities for each model that both have."""
    return {
        name: float(abs(rows - expected[name]).max())
        for name, rows in found.items()
        if name in expected
    }


def print_commits(since: str) -> None:
    """Print how far each commit since then has moved the probabilities."""
    commits = git("rev-list", "--reverse", "--first-parent", f"{since}..HEAD").split()
    before = compute_commit(git("rev-parse", since).strip())
    names = [*REFERENCES, "ensemble"]
    rows = []
    for commit in commits:
        found = compute_commit(commit)
        moved = find_differences(found, before)
        title = git("show", "--no-patch", "--format=%h %s", commit).strip()
        rows.append([title, *(f"{moved[name]:.1e}" if name in moved else "–" for name in names)])
        before = found or before
    print(markdown_table(["commit", *names], rows))


def compute_commit(commit: str) -> dict[str, Array]:
    """Return the probabilities of a commit; none if it cannot compute them."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        git("worktree", "add", "--detach", str(tree), commit)
        try:
            done = subprocess.run(
                [sys.executable, __file__, "--json"],
                env={**os.environ, "PYTHONPATH": str(tree), "HMNIST_CACHE": f"{folder}/cache"},
                stdout=subprocess.PIPE,
                text=True,
                check=False,
            )
        finally:
            git("worktree", "remove", "--force", str(tree))
    return from_json(done.stdout) if done.returncode == 0 else {}


def from_json(text: str) -> dict[str, Array]:
    """Return what `to_json` made a text of, of nine digits."""
    return {name: np.array(rows) for name, rows in json.loads(text).items()}


def git(*words: str) -> str:
    """Return what git prints."""
    command = ["git", "-C", str(ROOT), *words]
    return subprocess.check_output(command, text=True)


if __name__ == "__main__":
    main()
