"""What published claims are worth: ``python benchmarks/audit.py FILE``.

`hmnist.audit` as it is by default, in a table that is short enough for the README: the shares of
test images that a protocol's leaks touch stand for its reasons in words. Finished trainings are
kept in the output folder, so an interrupted run goes on where it was; ``hmnist audit FILE`` with
the same folder prints the reasons.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import hmnist
from hmnist.results.audit_table import signed_number
from hmnist.results.table import markdown_table, score_text

COLUMNS = ("system", "epochs", "claimed", "reproduced", "honest", "difference")

SIDES = ("reproduced", "honest")

LEAKS = {"HM103": "validate", "HM102": "train", "HM101": "lesion seen"}


def main() -> None:
    arguments = _parse()
    data = hmnist.load(arguments.file, metadata=arguments.metadata)
    found = hmnist.audit(data, threads=arguments.threads, out=arguments.out)
    header = [*COLUMNS, *(f"balanced: {side}" for side in SIDES), *LEAKS.values()]
    print(markdown_table(header, [_cells(row) for row in found.rows]))
    print("", *found.notes(), sep="\n")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", help="a pixel file whose metadata tell the lesions")
    parser.add_argument("--metadata")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--out", type=Path, default="hmnist-runs/audit")
    return parser.parse_args()


def _cells(row: Mapping[str, Any]) -> list[str]:
    accuracy, balanced = (
        [score_text(row[side][score]) for side in SIDES]
        for score in ("accuracy", "balanced_accuracy")
    )
    touched = {leak["code"]: leak["images"] for leak in row["protocol"]["leaks"]}
    tested = row["protocol"]["sizes"]["test"]
    return [
        f"`{row['system']}`",
        f"{row['epochs']} of {row['own_epochs']}",
        row["published"] or "–",
        *accuracy,
        signed_number(row["difference"]["accuracy"]),
        *balanced,
        *(f"{touched.get(code, 0) / tested:.0%}" for code in LEAKS),
    ]


if __name__ == "__main__":
    main()
