"""The README says what is true: its commands exist, its script runs, its help is the help."""

import re
import shlex
from pathlib import Path

import pytest

from hmnist.errors import HmnistError
from tests.conftest import Command

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


COMMANDS = sorted(
    {
        line.split("&&")[-1].strip()
        for block in _blocks("bash")
        for line in block.splitlines()
        if "hmnist " in line and not line.endswith("pytest")
    }
    | set(re.findall(r"`(hmnist [^`]+)`", README))
)


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_exists_with_its_options(line: str, command: Command) -> None:
    words = shlex.split(line)[1:]
    # ``data info`` and its like are two words deep.
    depth = 2 if words[0] in {"data", "runs"} else 1
    called = command(*words[:depth], "--help")
    assert called.code == 0, called.err
    for option in (word for word in words if word.startswith("--")):
        assert option in called.out, f"{line}: {option}"


def test_the_help_is_the_programs(command: Command) -> None:
    assert command("--help").out.strip() in README


def test_every_command_is_mentioned(command: Command) -> None:
    from hmnist.cli import app

    for registered in app.registered_commands:
        assert f"hmnist {registered.name}" in README or f"  {registered.name} " in README


def test_ci_runs_the_test_command() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    [line] = [line for block in _blocks("bash") for line in block.splitlines() if "pytest" in line]
    install, test = (part.strip() for part in line.split("&&"))
    assert install.removeprefix("pip install") in script
    assert test in script


def test_the_script_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from hmnist.sources.sample import write_sample

    write_sample(tmp_path / "hmnist_28_28_RGB.csv", rows=300)
    [script] = _blocks("python")
    assert len([line for line in script.splitlines() if line]) == 10
    # The real models take minutes; the calls are the same.
    quick = script.replace("models, seeds=3", '["logistic"], features="pixels", effort="quick"')
    assert quick != script
    monkeypatch.chdir(tmp_path)
    exec(compile(quick, "README.md", "exec"), {})
    printed = capsys.readouterr().out
    assert "No lesion stands in two parts" in printed
    assert "| logistic |" in printed


def test_the_tree_names_what_is_there() -> None:
    [tree] = [block for block in _blocks("text") if block.startswith("hmnist/")]
    named = set(re.findall(r"(\w+\.py|\w+/)", tree))
    there = {
        path.name + ("/" if path.is_dir() else "")
        for path in (ROOT / "hmnist").iterdir()
        if not path.name.startswith("_") and path.suffix in {".py", ""}
    }
    assert there - named == set()


def test_exit_codes_are_the_errors(command: Command) -> None:
    codes = {error.exit_code for error in HmnistError.__subclasses__()}
    [sentence] = re.findall(r"Exit codes: (.*?130)", README, re.DOTALL)
    assert {int(code) for code in re.findall(r"\d+", sentence)} == codes | {0, 130}
