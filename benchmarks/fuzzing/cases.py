"""One case: a copy of a sound folder, one file of it damaged, and what a user gets of it."""

import hashlib
import json
import os
import shutil
import traceback
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random

from benchmarks.fuzzing.kinds import Answers, Kind, WrongAnswerError, compare
from benchmarks.fuzzing.mutations import damage
from hmnist.errors import HmnistError

FINE, REFUSED, FAILED = "fine", "refused", "failed"

Case = tuple[str, int]
"""The name of a kind, and a seed."""

ODD_FILES = 0.03
"""The share of cases in which a file becomes something that is not a file, or goes."""


@dataclass(frozen=True)
class Outcome:
    """What came of a case; `sentence` says why it was refused, or what failed."""

    kind: str
    seed: int
    result: str
    sentence: str = ""


def draw_cases(kinds: Mapping[str, Kind], count: int, seed: int = 0) -> list[Case]:
    """Return so many cases, a kind and a seed each; kinds have as many as their share says."""
    total = sum(kind.share for kind in kinds.values())
    return [
        (name, seed + number)
        for name, kind in kinds.items()
        for number in range(max(1, round(count * kind.share / total)))
    ]


def run_case(case: Case, kind: Kind, bases: Path, folder: Path, expected: Answers) -> Outcome:
    """Damage a file of a copy in `folder`, which must not exist, and use it.

    The answers that are `expected` are those of the sound files.
    """
    with warnings.catch_warnings(action="ignore"):
        signed = make_case(case, kind, bases, folder)
        try:
            answers = kind.use(folder)
            if not signed:
                compare(answers, expected)
        except HmnistError as error:
            result, sentence = REFUSED, str(error)
        except WrongAnswerError as error:
            result, sentence = FAILED, f"wrong answer: {error}"
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is the result
            result, sentence = FAILED, describe(error)
        else:
            result, sentence = FINE, ""
    return Outcome(*case, result, sentence.replace(str(folder), "…"))


def make_case(case: Case, kind: Kind, bases: Path, folder: Path) -> bool:
    """Write the folder of a case; return whether the damaged file is signed."""
    random = Random("{}:{}".format(*case))  # noqa: S311 - nothing is secret
    shutil.copytree(bases / kind.base, folder)
    path = random.choice(sorted(path for path in folder.glob(kind.damaged) if path.is_file()))
    before = path.read_bytes()
    signed = random.random() < 0.5 if kind.signed is None else kind.signed
    if random.random() < ODD_FILES:
        _make_odd(path, random)
        return signed
    path.write_bytes(damage(path.name, before, random))
    if kind.signed is None and signed:
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


def describe(error: BaseException) -> str:
    """Name an error, and the last place of this package that it came through."""
    frames = traceback.extract_tb(error.__traceback__)
    places = [frame for frame in frames if "hmnist" in Path(frame.filename).parts]
    last = places[-1] if places else frames[-1]
    parts = Path(last.filename).parts
    start = len(parts) - 1 - parts[::-1].index("hmnist") if places else -1
    text = (str(error).splitlines() or [""])[0][:100]
    return f"{type(error).__name__} at {'/'.join(parts[start:])}:{last.lineno}: {text}"
