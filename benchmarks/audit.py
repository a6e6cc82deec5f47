"""What published claims and their leaks are worth: ``python benchmarks/audit.py FILE``.

`hmnist.audit` with five seeds, the quick trainings first. Finished trainings are kept in the output
folder, so that an interrupted audit continues where it stopped. Prints Markdown.
"""

import argparse
from pathlib import Path

import hmnist


def main() -> None:
    arguments = _parse()
    data = hmnist.load(arguments.file, metadata=arguments.metadata)
    given = {} if arguments.systems is None else {"systems": arguments.systems.split(",")}
    audit = hmnist.audit(
        data,
        seeds=arguments.seeds,
        epochs=arguments.epochs,
        jobs=arguments.jobs,
        threads=arguments.threads,
        precision=arguments.precision,
        out=arguments.out,
        **given,
    )
    print(audit.to_markdown())


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", help="a pixel file whose metadata tell the lesions")
    parser.add_argument("--metadata")
    parser.add_argument("--systems", help="names with commas; those of the audit by default")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, help="of all systems, to try it out")
    parser.add_argument("--jobs", type=int)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--out", type=Path, default="hmnist-runs/audit")
    return parser.parse_args()


if __name__ == "__main__":
    main()
