"""One case: a copy of a sound folder, one file of it damaged, and what a user gets of it."""

import hashlib
import json
import os
import shutil
import traceback
import warnings
from dataclasses import dataclass
from pathlib import Path
from random import Random

from benchmarks.fuzzing.kinds import KINDS, WrongAnswerError
from benchmarks.fuzzing.mutations import damage
from hmnist.errors import HmnistError

FINE, REFUSED, FAILED = "fine", "refused", "failed"

ODD_FILES = 0.03
"""The share of cases in which a file becomes something that is no file, or goes."""


@dataclass(frozen=True)
class Outcome:
    """What came of a case; `sentence` says why it was refused, or what failed."""

    kind: str
    seed: int
    result: str
    sentence: str = ""


def run_case(kind: str, seed: int, bases: Path, folder: Path) -> Outcome:
    """Damage a file of a copy in `folder`, which must not exist, and use it."""
    signed = make_case(kind, seed, bases, folder)
    found = KINDS[kind]
    try:
        with warnings.catch_warnings(action="ignore"):
            found.use(folder, bases / found.base, signed)
    except HmnistError as error:
        return Outcome(kind, seed, REFUSED, str(error))
    except WrongAnswerError as error:
        return Outcome(kind, seed, FAILED, f"wrong answer: {error}")
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is the result
        return Outcome(kind, seed, FAILED, _describe(error))
    return Outcome(kind, seed, FINE)


def make_case(kind: str, seed: int, bases: Path, folder: Path) -> bool:
    """Write the folder of a case; return whether the damaged file is signed."""
    found, random = KINDS[kind], Random(f"{kind}:{seed}")
    shutil.copytree(bases / found.base, folder)
    files = sorted(path for path in folder.glob(found.damaged) if path.is_file())
    path = random.choice(files)
    before = path.read_bytes()
    signed = random.random() < 0.5 if found.signed is None else found.signed
    if random.random() < ODD_FILES:
        _make_odd(path, random)
        return signed
    path.write_bytes(damage(path.name, before, random))
    if found.signed is None and signed:
        _sign(folder, path, before)
    return signed


def _make_odd(path: Path, random: Random) -> None:
    """Replace a file by something that has its name, or remove it."""
    others = sorted(other for other in path.parent.iterdir() if other != path)
    path.unlink()
    match random.randrange(5):
        case 0:
            os.mkfifo(path)
        case 1:
            path.mkdir()
        case 2:
            path.symlink_to("/dev/zero")
        case 3:
            path.symlink_to(random.choice([path, *others]).name)


def _sign(folder: Path, path: Path, before: bytes) -> None:
    """Make size and digest of a changed file right again in the files that store them, and so on.

    A manifest names the files of its run; that of an ensemble, and the table, name manifests.
    """
    after = path.read_bytes()
    old, new = (hashlib.sha256(content).hexdigest() for content in (before, after))
    for signer in sorted(folder.rglob("*.json")):
        content = signer.read_bytes()
        if signer == path or old.encode() not in content:
            continue
        facts = json.loads(content)
        for stored in facts.get("files", {}).values():
            if stored["sha256"] == old:
                stored["bytes"] = len(after)
        text = json.dumps(facts, indent=1, ensure_ascii=False)
        signer.write_text(text.replace(old, new), encoding="utf-8")
        _sign(folder, signer, content)


def _describe(error: BaseException) -> str:
    """Name an error, and the last place of this package that it came through."""
    frames = traceback.extract_tb(error.__traceback__)
    places = [frame for frame in frames if "hmnist" in Path(frame.filename).parts]
    last = places[-1] if places else frames[-1]
    parts = Path(last.filename).parts
    start = len(parts) - 1 - parts[::-1].index("hmnist") if places else -1
    text = (str(error).splitlines() or [""])[0][:100]
    return f"{type(error).__name__} at {'/'.join(parts[start:])}:{last.lineno}: {text}"
