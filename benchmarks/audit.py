"""What published claims are worth: ``python benchmarks/audit.py FILE``.

`hmnist.audit` in a short table: for each leak of a protocol, the share of test images that it
touches. ``hmnist audit FILE`` prints the leaks in words. Finished trainings are kept in the output
folder, so that an interrupted audit continues where it stopped. Prints Markdown.
"""

import argparse
from pathlib import Path

import hmnist
from hmnist.experiments.audit import SIDES
from hmnist.results.formatting import markdown_table
from hmnist.scores.text import score_text, signed_text

LEAKS = {"HM103": "validate", "HM102": "train", "HM101": "lesion seen"}
"""The leaks of a protocol by code, each with its heading."""

HEADER = (
    "system",
    "epochs",
    "claimed",
    *SIDES,
    "difference",
    *(f"balanced: {side}" for side in SIDES),
    *LEAKS.values(),
)


def main() -> None:
    arguments = _parse()
    data = hmnist.load(arguments.file, metadata=arguments.metadata)
    given = {} if arguments.systems is None else {"systems": arguments.systems.split(",")}
    audit = hmnist.audit(
        data, epochs=arguments.epochs, threads=arguments.threads, out=arguments.out, **given
    )
    print(markdown_table(HEADER, [_cells(row) for row in audit.rows]))
    print("", "\n\n".join(audit.notes()), sep="\n")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", help="a pixel file whose metadata tell the lesions")
    parser.add_argument("--metadata")
    parser.add_argument("--systems", help="names with commas; all that two cores can train")
    parser.add_argument("--epochs", type=int, help="of all systems, to try it out")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--out", type=Path, default="hmnist-runs/audit")
    return parser.parse_args()


def _cells(row: hmnist.AuditRow) -> list[str]:
    accuracy, balanced = (
        [score_text(getattr(row, side)[score].mean) for side in SIDES]
        for score in ("accuracy", "balanced_accuracy")
    )
    images_by_leak = {leak.code: leak.images for leak in row.split.leaks or ()}
    test_images = row.split.sizes["test"]
    return [
        f"`{row.system}`",
        f"{row.epochs} of {row.own_epochs}",
        row.claim.published or "–",
        *accuracy,
        signed_text(row.difference("accuracy")),
        *balanced,
        *(f"{images_by_leak.get(code, 0) / test_images:.0%}" for code in LEAKS),
    ]


if __name__ == "__main__":
    main()
