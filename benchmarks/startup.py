"""How long a user waits for the first line: ``python benchmarks/startup.py``.

Each command runs in a fresh process, several times, after one run that is not counted. Prints
Markdown.
"""

import argparse
import platform
import statistics
import subprocess
import sys
import time

from hmnist.results.formatting import markdown_table

HEAVY = ("tensorflow", "keras", "sklearn", "pandas", "xgboost")

COMMANDS = {
    "python -c pass": "pass",
    "import hmnist": "import hmnist",
    "hmnist --help": "import sys; sys.argv = ['hmnist', '--help']; "
    "from hmnist.cli import main; main()",
    "hmnist benchmark --help": "import sys; sys.argv = ['hmnist', 'benchmark', '--help']; "
    "from hmnist.cli import main; main()",
    "hmnist data info sample": "import sys; sys.argv = ['hmnist', 'data', 'info', 'sample']; "
    "from hmnist.cli import main; main()",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=9)
    repeats = parser.parse_args().repeats
    print(f"Python {platform.python_version()}, {platform.machine()}, {repeats} runs each\n")
    rows = []
    for name, code in COMMANDS.items():
        times = sorted([_seconds(code) for _ in range(repeats + 1)][1:])
        loaded = ", ".join(_loaded(code)) or "none"
        spread = f"{times[0]:.3f}–{times[-1]:.3f}"
        rows.append([name, f"{statistics.median(times):.3f}", spread, loaded])
    print(markdown_table(["command", "median s", "least–most s", "heavy libraries loaded"], rows))


def _seconds(code: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    return time.perf_counter() - start


def _loaded(code: str) -> list[str]:
    """Return the heavy libraries that the command leaves in memory."""
    report = f"print('LOADED', *(name for name in {HEAVY!r} if name in sys.modules))"
    body = f"import sys\ntry:\n    exec({code!r})\nexcept SystemExit:\n    pass\n{report}"
    result = subprocess.run(
        [sys.executable, "-c", body], check=True, capture_output=True, text=True
    )
    return result.stdout.splitlines()[-1].split()[1:]


if __name__ == "__main__":
    main()
