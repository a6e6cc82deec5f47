"""Files of small models, changed at random: each is refused, or its model predicts probabilities.

``python -m tests.models.mutations CASES SEED [KIND …]`` tries so many cases of each kind of model
in this process, so that a crash is its exit code, and prints what became of them.
"""

import io
import json
import resource
import shutil
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hmnist.errors import TrustError
from hmnist.models.base import Model
from hmnist.models.boosting_sklearn import HistGBDT
from hmnist.models.boosting_xgboost import XGBoost
from hmnist.models.joint import JointCNN
from hmnist.models.logistic import Logistic
from hmnist.models.majority import Majority
from hmnist.models.mlp import MLP

IMAGES = np.random.default_rng(5).integers(0, 256, (40, 8, 8, 3), dtype=np.uint8)
LABELS = np.arange(40) % 3

KINDS: dict[str, Callable[[], Model]] = {
    "majority": Majority,
    "logistic": lambda: Logistic(features="lesion", max_iter=2),
    "hist-gbdt": lambda: HistGBDT(max_iter=2, linear_start=True),
    "xgboost": lambda: XGBoost(n_estimators=2, linear_start=True),
    "mlp": lambda: MLP(epochs=1, widths=(4,), features="lesion"),
    "cnn": lambda: JointCNN(epochs=1, widths=(2, 3), perceptrons=1),
}

LARGEST_GROWTH = 10**9  # bytes

ODD_NUMBERS = (0, -1, 1, 2, 7, 2**31 - 1, -(2**31), 2**63 - 1, 0.5, 1e-38, 1e38, np.nan, -np.inf)
ODD_VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    3,
    10**30,
    1.5,
    "",
    "x",
    [],
    {},
    [[]],
    ["a"] * 9,
    {"a": 1},
)


def mutate_bytes(content: bytes, rng: np.random.Generator) -> bytes:
    """Return bytes of which some are changed, cut off, added or repeated."""
    changed = bytearray(content)
    where = int(rng.integers(len(content) + 1))
    length = int(rng.integers(1, 40))
    how = rng.integers(5)
    if how == 0:
        for position in rng.integers(len(content), size=rng.integers(1, 8)):
            changed[position] = rng.integers(256)
    elif how == 1:
        del changed[where:]
    elif how == 2:
        del changed[where : where + length]
    elif how == 3:
        changed[where:where] = rng.bytes(length)
    else:
        changed[where:where] = changed[: 20 * length]
    return bytes(changed)


def mutate_arrays(content: bytes, rng: np.random.Generator) -> bytes:
    """Return an ``.npz`` file of which one array has other values, another shape or type."""
    with np.load(io.BytesIO(content)) as stored:
        arrays: dict[str, npt.NDArray[Any]] = dict(stored)
    name = str(rng.choice(sorted(arrays)))
    array = arrays[name]
    how = rng.integers(6)
    if how <= 2:
        flat = array.copy().ravel()
        places = rng.integers(max(1, len(flat)), size=rng.choice([1, 3, max(1, len(flat))]))
        with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
            flat[places] = np.array(rng.choice(ODD_NUMBERS)).astype(array.dtype)
        arrays[name] = flat.reshape(array.shape)
    elif how == 3:
        arrays[name] = np.resize(array, rng.integers(0, 9, size=rng.integers(0, 4)))
    elif how == 4:
        kinds = ["<f8", "<f4", "<i8", "<i4", ">f4", "|u1", "<U3", "<c8", "|O", "<M8[D]"]
        arrays[name] = np.zeros(array.shape, rng.choice(kinds))
    else:
        del arrays[name]
    file = io.BytesIO()
    np.savez(file, allow_pickle=True, **arrays)
    return file.getvalue()


def mutate_json(content: bytes, rng: np.random.Generator) -> bytes:
    """Return JSON of which one value is another, repeated, nested or missing."""
    facts = json.loads(content)
    name = str(rng.choice(sorted(facts)))
    how = rng.integers(4)
    if how == 0:
        del facts[name]
    elif how == 1 and isinstance(facts[name], list) and facts[name]:
        facts[name][int(rng.integers(len(facts[name])))] = ODD_VALUES[rng.integers(len(ODD_VALUES))]
    elif how == 2:
        facts[name] = [facts[name]] * int(rng.integers(1, 4))
    else:
        facts[name] = ODD_VALUES[rng.integers(len(ODD_VALUES))]
    return json.dumps(facts).encode()


def mutate(path: Path, rng: np.random.Generator) -> None:
    """Change a file: half of the times its bytes, half of the times what it says."""
    content = path.read_bytes()
    says = {".npz": mutate_arrays, ".json": mutate_json}.get(path.suffix, mutate_bytes)
    path.write_bytes((mutate_bytes if rng.random() < 0.5 else says)(content, rng))


def save_model(kind: str, folder: Path) -> None:
    """Fit a small model of a kind, and save it."""
    folder.mkdir()
    KINDS[kind]().fit(IMAGES, LABELS).save_state(folder)


def try_case(kind: str, folder: Path, seed: int) -> str:
    """Change one file of a saved model, and return what became of it: ``refused`` or ``used``."""
    rng = np.random.default_rng([seed, *kind.encode()])
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(shutil.copytree(folder, Path(scratch) / "model"))
        files = sorted(path for path in copy.rglob("*") if path.is_file())
        mutate(files[rng.integers(len(files))], rng)
        model = KINDS[kind]()
        try:
            model.load_state(copy)
            probabilities = model.predict_proba(IMAGES)
        except TrustError as error:
            return "refused" if error.hint == "Train it again." else repr(error)
    assert probabilities.shape == (40, 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-4)
    return "used"


def main(cases: int, seed: int, kinds: list[str]) -> None:
    warnings.simplefilter("error")
    with tempfile.TemporaryDirectory() as scratch:
        for kind in kinds or KINDS:
            folder = Path(scratch) / kind
            save_model(kind, folder)
            KINDS[kind]().load_state(folder)
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            longest, counts = 0.0, Counter[str]()
            for case in range(seed, seed + cases):
                start = time.perf_counter()
                try:
                    counts[try_case(kind, folder, case)] += 1
                except BaseException:
                    print(f"{kind}, seed {case}:", flush=True)
                    raise
                longest = max(longest, time.perf_counter() - start)
            growth = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
            print(f"{kind}: {dict(counts)}, {longest:.2f} s, {growth:,} bytes", flush=True)
            assert growth < LARGEST_GROWTH


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
