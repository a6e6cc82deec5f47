"""Which mistakes ``hmnist data check`` finds: ``python benchmarks/mistakes.py FILE``.

Each mistake is made in the data, weak and strong, on a split by lesion; the checks look, and the
codes that they find stand in the table. Then they look at sound splits, where every finding is a
false alarm. Prints Markdown.
"""

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import hmnist
from hmnist.checks import inspect

sys.path.append(str(Path(__file__).parent.parent))  # this folder is not an installed package

if TYPE_CHECKING:
    from benchmarks.planting.changes import Case


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", help="a pixel file in colour with its metadata")
    parser.add_argument("--metadata")
    parser.add_argument("--photographs", type=Path, help="a folder, for DermaMNIST's form")
    parser.add_argument("--seeds", type=int, default=20, help="sound splits of each kind")
    arguments = parser.parse_args()
    from benchmarks.planting.cases import make_mistakes, make_sound

    data = hmnist.load(arguments.file, metadata=arguments.metadata)
    print(f"{data.name}, {len(data):,} images\n")
    _print_row(["mistake", "strength", "code", "findings", "found"])
    _print_row(["---"] * 5)
    for name, code, strength, case in make_mistakes(data, arguments.photographs):
        found = _codes(case)
        is_found = any(each in found for each in code.split(" or "))
        _print_row([name, strength, code, ", ".join(found) or "–", "yes" if is_found else "no"])
    print()
    _print_row(["sound", "splits", "false alarms", "seconds of a core each"])
    _print_row(["---"] * 4)
    for name, cases in make_sound(data, arguments.seeds, arguments.photographs):
        start, alarms = time.process_time(), [code for case in cases for code in _codes(case)]
        seconds = (time.process_time() - start) / len(cases)
        _print_row([name, str(len(cases)), ", ".join(alarms) or "–", f"{seconds:.1f}"])


def _print_row(cells: list[str]) -> None:
    """Print a row as soon as it is known: all of them take ten minutes."""
    print(f"| {' | '.join(cells)} |", flush=True)


def _codes(case: "Case") -> list[str]:
    data, split, features = case
    return [finding.code for finding in inspect(data, split, features=features).findings]


if __name__ == "__main__":
    main()
