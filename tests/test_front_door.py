import ast
import inspect
import json
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import hmnist

SOURCE = Path(hmnist.__file__)

# Every room is loaded first: a module of the same name would now stand where the public name
# belongs. Each name is asked for twice, because the first answer comes from another place than the
# second; and functions that need no file and no training are called twice.
ASK_TWICE = """
import importlib, json, pkgutil, types
import hmnist

for room in pkgutil.walk_packages(hmnist.__path__, "hmnist."):
    importlib.import_module(room.name)

answers = {}
for name in hmnist.__all__:
    first, second = getattr(hmnist, name), getattr(hmnist, name)
    home = importlib.import_module(f"hmnist.{hmnist._HOME[name]}")
    answers[name] = {
        "same": first is second is getattr(home, name),
        "module": isinstance(first, types.ModuleType),
        "callable": callable(first),
        "home": getattr(first, "__module__", None),
    }

data = hmnist.load_sample(rows=60)
for _ in range(2):
    hmnist.check(data)
    hmnist.load("sample")
    hmnist.load_sample(rows=60)
    hmnist.make_model("majority")
    hmnist.orient(data.images, 1)
    hmnist.oversample(data, "none")
    hmnist.split(data)
    hmnist.split_folds(data, 2)
print(json.dumps(answers))
"""

Answers = dict[str, dict[str, object]]


def test_the_list_is_explicit_and_in_order() -> None:
    names = written("__all__")
    assert names == hmnist.__all__
    assert len(set(names)) == len(names)
    # Constants, classes, functions; each by the alphabet, as ruff sorts.
    assert names == sorted(names, key=lambda name: (kind(name), name))


def test_the_docstring_has_the_example_of_the_readme_and_every_function() -> None:
    text = inspect.getdoc(hmnist) or ""
    readme = (SOURCE.parents[1] / "README.md").read_text(encoding="utf-8")
    [example] = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    assert textwrap.indent(example, "    ") in text
    listed = re.findall(r"\w+", text[text.index("- data:") : text.index("Names are")])
    assert {name for name in hmnist.__all__ if name.islower()} <= {*listed}


def kind(name: str) -> int:
    if name.isupper():
        return 0
    return 1 if name[0].isupper() else 2


def written(variable: str) -> list[str]:
    """Return a list that the source spells out, or the keys of a dictionary."""
    for node in ast.parse(SOURCE.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == variable:
            return list(ast.literal_eval(node.value))
    raise AssertionError(f"{variable} is not spelled out")


def typed_homes() -> dict[str, str]:
    """Return the module of each name as type checkers see it."""
    homes = {}
    for node in ast.parse(SOURCE.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            for statement in node.body:
                assert isinstance(statement, ast.ImportFrom)
                assert statement.module is not None
                for alias in statement.names:
                    assert alias.asname is None
                    homes[alias.name] = statement.module.removeprefix("hmnist.")
    return homes


def test_type_checkers_see_the_same_door() -> None:
    assert typed_homes() == hmnist._HOME
    assert sorted(typed_homes()) == sorted(hmnist.__all__)
    # No name has two homes.
    assert sum(map(len, hmnist._PUBLIC.values())) == len(hmnist._HOME)
    assert len(written("_PUBLIC")) == len(hmnist._PUBLIC)


@pytest.fixture(scope="module")
def answers() -> Answers:
    process = subprocess.run(
        [sys.executable, "-W", "error", "-c", ASK_TWICE],
        capture_output=True,
        text=True,
        check=False,
        cwd=SOURCE.parents[1],
    )
    assert process.returncode == 0, process.stderr
    parsed: Answers = json.loads(process.stdout)
    return parsed


def test_every_name_leads_to_its_home_and_to_no_module(answers: Answers) -> None:
    assert list(answers) == hmnist.__all__
    for name, answer in answers.items():
        assert answer["same"], name
        assert not answer["module"], name
        assert answer["callable"] or name.isupper(), name
        if answer["callable"]:
            assert answer["home"] == f"hmnist.{hmnist._HOME[name]}", name


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"module 'hmnist' has no attribute 'spilt'"):
        hmnist.spilt  # noqa: B018 - looking is what is tested
    assert not hasattr(hmnist, "_no_such_thing")
    with pytest.raises(ImportError, match="spilt"):
        from hmnist import spilt  # noqa: F401


def test_every_name_is_offered_for_completion() -> None:
    assert set(hmnist.__all__) <= set(dir(hmnist))
    assert "__version__" in dir(hmnist)
    assert len(set(dir(hmnist))) == len(dir(hmnist))
