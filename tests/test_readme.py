"""README.md and benchmarks/RESULTS.md agree with the program, its scripts and its files."""

import re
import shlex
from pathlib import Path

import pytest

from hmnist.errors import HmnistError, SampleWarning
from tests.conftest import Command

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
RESULTS = (ROOT / "benchmarks" / "RESULTS.md").read_text(encoding="utf-8")


def find_blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def find_calls(program: str) -> list[str]:
    """Return every call of a program, in blocks and in lines of both texts."""
    calls = set()
    for text in (README, RESULTS):
        lines = "".join(find_blocks(text, "bash")).replace("&&", "\n").splitlines()
        calls |= {line.strip() for line in lines if re.match(rf"{program} ", line.strip())}
        calls |= set(re.findall(rf"`({program} [^`]+)`", text))
    return sorted(calls)


@pytest.mark.parametrize("line", find_calls("hmnist"))
def test_every_command_exists_with_its_options(line: str, command: Command) -> None:
    words = shlex.split(line)[1:]
    # The commands of ``data`` and ``runs`` have two words.
    depth = 2 if words[0] in {"data", "runs"} else 1
    called = command(*words[:depth], "--help")
    assert called.code == 0, called.err
    for option in (word for word in words if word.startswith("--")):
        assert option in called.out, f"{line}: {option}"


@pytest.mark.parametrize("line", find_calls("python benchmarks/[a-z]+.py"))
def test_every_script_exists_with_its_options(line: str) -> None:
    _, script, *words = shlex.split(line)
    source = (ROOT / script).read_text(encoding="utf-8")
    assert f"python {script}" in source, "its own docstring has another name"
    for option in (word for word in words if word.startswith("--")):
        assert f'add_argument("{option}"' in source, f"{line}: {option}"


def test_every_script_is_mentioned() -> None:
    for script in (ROOT / "benchmarks").glob("*.py"):
        assert f"python benchmarks/{script.name}" in RESULTS


def test_the_help_is_that_of_the_program(command: Command) -> None:
    assert command("--help").out.strip() in README


def test_every_command_is_mentioned(command: Command) -> None:
    from hmnist.cli.commands import app

    for registered in app.registered_commands:
        assert f"hmnist {registered.name}" in README or f"  {registered.name} " in README


def test_ci_runs_the_test_command() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    lines = "".join(find_blocks(README, "bash")).splitlines()
    [line] = [line for line in lines if "pytest" in line]
    install, test = (part.strip() for part in line.split("&&"))
    assert install.removeprefix("pip install") in script
    assert test in script


def test_the_script_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from hmnist.sources.sample import write_sample

    write_sample(tmp_path / "hmnist_28_28_RGB.csv", rows=300)
    [script] = find_blocks(README, "python")
    assert len([line for line in script.splitlines() if line]) == 10
    # The models of the README take minutes; the calls are the same.
    quick = script
    for slow, fast in (
        ('["cnn", "mlp", "xgboost"], seeds=3', '["logistic"], features="pixels", effort="quick"'),
        ('train(data, "cnn"', 'train(data, "majority"'),
    ):
        assert slow in quick
        quick = quick.replace(slow, fast)
    monkeypatch.chdir(tmp_path)
    with pytest.warns(SampleWarning):
        exec(compile(quick, "README.md", "exec"), {})
    printed = capsys.readouterr().out
    assert "No lesion is in two parts" in printed
    assert "| logistic" in printed
    assert (tmp_path / "runs" / "cnn" / "manifest.json").is_file()


def test_the_tree_names_every_package_and_module() -> None:
    [tree] = [block for block in find_blocks(README, "text") if block.startswith("hmnist/")]
    named = re.findall(r"^  (\w+(?:\.py|/)) ", tree, re.MULTILINE)
    existing = {
        path.name + ("/" if path.is_dir() else "")
        for path in (ROOT / "hmnist").iterdir()
        if not path.name.startswith("_") and path.suffix in {".py", ""}
    }
    assert sorted(named) == sorted(existing)


def test_the_tree_is_in_the_order_of_imports() -> None:
    from tests.test_layers import ROOMS_IN_ORDER

    [tree] = [block for block in find_blocks(README, "text") if block.startswith("hmnist/")]
    named = re.findall(r"^  (\w+)(?:\.py|/) ", tree, re.MULTILINE)
    assert named == list(ROOMS_IN_ORDER)


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 200


def test_exit_codes_are_those_of_the_errors(command: Command) -> None:
    codes = {error.exit_code for error in HmnistError.__subclasses__()}
    [sentence] = re.findall(r"Exit codes: (.*?130)", README, re.DOTALL)
    assert {int(code) for code in re.findall(r"\d+", sentence)} == codes | {0, 130}
