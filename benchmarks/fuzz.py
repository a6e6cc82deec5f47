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
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.append(str(Path(__file__).parent.parent))  # this folder is not an installed package

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    from benchmarks.fuzzing.cases import draw_cases
    from benchmarks.fuzzing.kinds import KINDS
    from benchmarks.fuzzing.workers import make_sound_files, run_cases

    if arguments.case is not None:
        repeat(arguments.case)
        return
    names = arguments.kinds.split(",") if arguments.kinds else KINDS
    kinds = {name: KINDS[name] for name in names}
    with tempfile.TemporaryDirectory() as folder:
        bases = Path(folder)
        make_sound_files(bases, kinds)
        start = time.perf_counter()
        cases = draw_cases(kinds, arguments.cases, arguments.seed)
        outcomes: list[Outcome] = []
        for outcome in run_cases(cases, kinds, bases, arguments.jobs):
            outcomes.append(outcome)
            if len(outcomes) % 1000 == 0:
                print(f"{len(outcomes):,} of {len(cases):,} cases", file=sys.stderr, flush=True)
        seconds = time.perf_counter() - start
    print_outcomes(outcomes)
    print(f"\n{len(outcomes) / seconds:.0f} cases per second, {arguments.jobs} processes.")
    sys.exit(any(outcome.result == "failed" for outcome in outcomes))


def repeat(case: str) -> None:
    """Repeat one case in this process, and keep its folder."""
    from benchmarks.fuzzing.cases import make_case
    from benchmarks.fuzzing.kinds import KINDS, compare
    from benchmarks.fuzzing.workers import make_sound_files

    name, _, seed = case.partition(":")
    kind = KINDS[name]
    bases, folder = Path(tempfile.mkdtemp()), Path(tempfile.mkdtemp()) / "case"
    make_sound_files(bases, {name: kind})
    signed = make_case((name, int(seed)), kind, bases, folder)
    print(f"{folder}, {'signed' if signed else 'not signed'}; the sound files: {bases}")
    answers = kind.use(folder)
    if not signed:
        compare(answers, kind.use(bases / kind.base))
    print("fine")


def print_outcomes(outcomes: "Sequence[Outcome]") -> None:
    """Print a row for each kind, and the failures that have one sentence together."""
    from hmnist.results.formatting import markdown_table

    results = ("fine", "refused", "failed")
    counts = Counter((outcome.kind, outcome.result) for outcome in outcomes)
    numbers = {
        kind: [counts[kind, result] for result in results]
        for kind in dict.fromkeys(outcome.kind for outcome in outcomes)
    }
    numbers["all"] = [sum(column) for column in zip(*numbers.values(), strict=True)]
    rows = [[kind, f"{sum(row):,}", *(f"{n:,}" for n in row)] for kind, row in numbers.items()]
    print(markdown_table(["kind", "cases", *results], rows))
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
