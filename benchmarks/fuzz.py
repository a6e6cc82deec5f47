"""Damaged files of every kind, and what comes of them: ``python benchmarks/fuzz.py``.

Small sound files of every kind are written first. Each case damages one file of a copy, in half of
the cases at random and else with knowledge of its format, and does with it what a user would. It
should be *fine* (the answer is right: a slow reader of data files finds the same, a run predicts
the same as before) or *refused* (an error of this package says what is wrong). Everything else has
*failed*: another error, a crash, five seconds of the processor, a gigabyte of memory, a wrong
answer. The files of runs and exports have digests; in half of the cases these are made right again,
and any probabilities are right then: another model is not a wrong one.

``--case KIND:SEED`` repeats one case in this process and keeps its folder. Prints Markdown; the
exit code is 1 if a case failed. It needs Linux.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.append(str(Path(__file__).parent.parent))  # this folder is no installed package

if TYPE_CHECKING:
    from benchmarks.fuzzing.cases import Outcome

SEEDS_LISTED = 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=20_000, help="of all kinds together")
    parser.add_argument("--seed", type=int, default=0, help="of the first case of each kind")
    parser.add_argument("--kinds", help="separated by commas; all if none are named")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--case", metavar="KIND:SEED", help="repeat one case")
    arguments = parser.parse_args()
    from benchmarks.fuzzing.kinds import KINDS
    from benchmarks.fuzzing.workers import make_sound_files, run_cases

    kinds = arguments.kinds.split(",") if arguments.kinds else list(KINDS)
    if arguments.case is not None:
        kind, _, seed = arguments.case.partition(":")
        repeat(kind, int(seed))
        return
    with tempfile.TemporaryDirectory() as folder:
        make_sound_files(Path(folder))
        start = time.perf_counter()
        cases = list(draw_cases(kinds, arguments.cases, arguments.seed))
        outcomes = list(run_cases(cases, Path(folder), arguments.jobs))
        seconds = time.perf_counter() - start
    print_outcomes(outcomes)
    print(f"\n{len(outcomes) / seconds:.0f} cases per second, {arguments.jobs} processes.")
    sys.exit(any(outcome.result == "failed" for outcome in outcomes))


def draw_cases(kinds: Sequence[str], count: int, seed: int) -> Iterator[tuple[str, int]]:
    """Yield so many cases, one of each kind at least; kinds have as many as their share says."""
    from benchmarks.fuzzing.kinds import KINDS

    total = sum(KINDS[kind].share for kind in kinds)
    for kind in kinds:
        for number in range(max(1, round(count * KINDS[kind].share / total))):
            yield kind, seed + number


def repeat(kind: str, seed: int) -> None:
    """Repeat one case in this process, and keep its folder."""
    from benchmarks.fuzzing.cases import make_case
    from benchmarks.fuzzing.kinds import KINDS
    from benchmarks.fuzzing.workers import make_sound_files

    bases, folder = Path(tempfile.mkdtemp()), Path(tempfile.mkdtemp()) / "case"
    make_sound_files(bases)
    signed = make_case(kind, seed, bases, folder)
    print(f"{folder}, {'signed' if signed else 'not signed'}; the sound files: {bases}")
    KINDS[kind].use(folder, bases / KINDS[kind].base, signed)
    print("fine")


def print_outcomes(outcomes: "Sequence[Outcome]") -> None:
    """Print a row for each kind, and the failures that have one sentence together."""
    from hmnist.results.formatting import markdown_table

    results = ("fine", "refused", "failed")
    counts = Counter((outcome.kind, outcome.result) for outcome in outcomes)
    kinds = list(dict.fromkeys(outcome.kind for outcome in outcomes))
    rows = [[kind, *(counts[kind, result] for result in results)] for kind in kinds]
    rows.append(["all", *(sum(row[number] for row in rows) for number in (1, 2, 3))])
    body = [[kind, *(f"{number:,}" for number in (sum(of), *of))] for kind, *of in rows]
    print(markdown_table(["kind", "cases", *results], body))
    seeds: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for outcome in sorted(outcomes, key=lambda outcome: outcome.seed):
        if outcome.result == "failed":
            seeds[outcome.kind, outcome.sentence].append(outcome.seed)
    if seeds:
        print("\n| failed | times | cases |\n| --- | ---: | --- |")
    for (kind, sentence), found in sorted(seeds.items(), key=lambda item: -len(item[1])):
        named = ", ".join(f"{kind}:{seed}" for seed in islice(found, SEEDS_LISTED))
        print(f"| {sentence.replace('|', '/')} | {len(found)} | {named} |")


if __name__ == "__main__":
    main()
