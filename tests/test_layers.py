"""Imports follow the floors: a room imports only lower ones."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import hmnist

PACKAGE = Path(hmnist.__file__).parent

ROOMS_IN_ORDER = (
    "diagnoses",
    "errors",
    "arrays",
    "files",
    "guarded",
    "large_arrays",
    "hardware",
    "html",
    "patients",
    "dataset",
    "augmentation",
    "systems",
    "sources",
    "splits",
    "oversampling",
    "features",
    "models",
    "decisions",
    "scores",
    "runs",
    "checks",
    "experiments",
    "results",
    "cli",
)
"""The modules and packages of `hmnist`; each imports only those above it."""

HEAVY = frozenset(
    {
        "dask",
        "distributed",
        "imblearn",
        "joblib",
        "keras",
        "matplotlib",
        "pandas",
        "sklearn",
        "tensorflow",
        "xgboost",
    }
)
"""Libraries that take long to load, so that they are loaded where they are used."""

FRONT_DOOR = "hmnist"

FLOOR_OF = {room: floor for floor, room in enumerate(ROOMS_IN_ORDER)}


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}

ROOMS = [module for module in SOURCES if module != FRONT_DOOR]


def room_of(module: str) -> str:
    return module.split(".")[1]


def parse(module: str) -> ast.Module:
    return ast.parse(SOURCES[module].read_text(encoding="utf-8"))


def named_modules(node: ast.AST, package: str) -> Iterator[str]:
    """Yield what an import statement loads, each name from a package as a module of its own."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        above = package.split(".")[: len(package.split(".")) - node.level + 1]
        origin = ".".join([*(above if node.level else []), *filter(None, [node.module])])
        for alias in node.names:
            member = f"{origin}.{alias.name}"
            is_own = origin in SOURCES and (member in SOURCES or origin == FRONT_DOOR)
            yield member if is_own else origin


def imports_of(module: str) -> set[str]:
    """Return everything that a module imports anywhere: at its top, in functions, for types."""
    package = module if SOURCES[module].name == "__init__.py" else module.rpartition(".")[0]
    return {name for node in ast.walk(parse(module)) for name in named_modules(node, package)}


def own_imports_of(module: str) -> set[str]:
    return {name for name in imports_of(module) if name.split(".")[0] == FRONT_DOOR}


def loaded_at_once(body: list[ast.stmt]) -> Iterator[str]:
    """Yield the libraries that are loaded with a module, not by a function or for types."""
    for node in body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from loaded_at_once(node.orelse)
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from (name.split(".")[0] for name in named_modules(node, FRONT_DOOR))
            inner = [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)]
            handlers = [handler.body for handler in getattr(node, "handlers", [])]
            yield from loaded_at_once([*inner, *(child for body in handlers for child in body)])


def test_every_room_has_its_floor() -> None:
    assert {room_of(module) for module in ROOMS} == set(FLOOR_OF)
    assert len(ROOMS_IN_ORDER) == len(FLOOR_OF)


@pytest.mark.parametrize("module", ROOMS)
def test_a_room_imports_only_lower_floors(module: str) -> None:
    room = room_of(module)
    for name in own_imports_of(module):
        if name == f"{FRONT_DOOR}.__version__":
            continue
        assert name in SOURCES, f"{module} imports {name} through the front door"
        assert {room, room_of(name)} <= set(FLOOR_OF), f"{room} or {room_of(name)} has no floor"
        assert room_of(name) == room or FLOOR_OF[room_of(name)] < FLOOR_OF[room], (
            f"{module} (floor {FLOOR_OF[room]}) imports {name} (floor {FLOOR_OF[room_of(name)]})"
        )


def test_there_are_no_circles() -> None:
    graph = {module: own_imports_of(module) - {f"{FRONT_DOOR}.__version__"} for module in ROOMS}
    # It raises if there is one, and says which.
    assert set(TopologicalSorter(graph).static_order()) == set(ROOMS)


@pytest.mark.parametrize("module", SOURCES)
def test_heavy_libraries_are_loaded_where_they_are_used(module: str) -> None:
    # Estimators are classes of scikit-learn's kind, which have to be there to be inherited from.
    if module.startswith(("hmnist.models.", "hmnist.features.")):
        return
    assert not HEAVY & set(loaded_at_once(parse(module).body))


@pytest.mark.parametrize("module", ROOMS)
def test_no_room_has_the_name_of_something_public(module: str) -> None:
    # The front door would hand out the room: hmnist.split is a function, so it lives in splits.py.
    if module.count(".") == 1:
        assert room_of(module) not in hmnist.__all__


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import pandas as pd", {"pandas"}),
        ("from sklearn.base import clone", {"sklearn"}),
        ("try:\n    import keras\nexcept ImportError:\n    import xgboost", {"keras", "xgboost"}),
        ("class A:\n    import joblib", {"joblib"}),
        ("def f():\n    import pandas", set()),
        ("if TYPE_CHECKING:\n    import pandas\nelse:\n    import joblib", {"joblib"}),
        ("if big:\n    with quiet():\n        import tensorflow.keras", {"tensorflow"}),
    ],
)
def test_what_is_loaded_at_once_is_found(source: str, expected: set[str]) -> None:
    assert set(loaded_at_once(ast.parse(source).body)) == expected


@pytest.mark.parametrize(
    ("source", "package", "expected"),
    [
        ("from hmnist import __version__", "hmnist", {"hmnist.__version__"}),
        ("from hmnist import split, splits", "hmnist", {"hmnist.split", "hmnist.splits"}),
        ("from hmnist.splits.split import Split, split", "hmnist", {"hmnist.splits.split"}),
        ("from hmnist.cli import options", "hmnist.cli", {"hmnist.cli.options"}),
        ("from . import options", "hmnist.cli", {"hmnist.cli.options"}),
        ("from .options import say", "hmnist.cli", {"hmnist.cli.options"}),
        ("from ..errors import DataError", "hmnist.cli", {"hmnist.errors"}),
        ("import hmnist.experiments.grid as grid", "hmnist.cli", {"hmnist.experiments.grid"}),
    ],
)
def test_imports_are_understood(source: str, package: str, expected: set[str]) -> None:
    assert set(named_modules(ast.parse(source).body[0], package)) == expected
