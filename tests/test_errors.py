import builtins
import pickle
import re

import pytest

from hmnist import errors
from hmnist.errors import DataMissingError, HmnistError

_LINE = re.compile(
    r"(?P<branch>[│ ]*(?:├── |└── )?)(?P<name>\w+Error)"
    r"(?: +\((?P<builtin>\w+)\))?(?: +(?P<code>\d))?"
)


def drawn_tree() -> dict[str, tuple[str | None, str | None, int | None]]:
    """Return parent, built-in kind and exit code of each error drawn in the docstring."""
    tree: dict[str, tuple[str | None, str | None, int | None]] = {}
    above: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        if not (found := _LINE.match(line.removeprefix("    "))) or not line.startswith("    "):
            continue
        depth = len(found["branch"]) // 4
        above[depth:] = [found["name"]]
        parent = above[depth - 1] if depth else None
        code = int(found["code"]) if found["code"] else None
        tree[found["name"]] = parent, found["builtin"], code
    return tree


def every_error(root: type[HmnistError] = HmnistError) -> list[type[HmnistError]]:
    return [root, *(error for child in root.__subclasses__() for error in every_error(child))]


NAMES = [error.__name__ for error in every_error() if error.__module__ == errors.__name__]


def test_the_tree_shows_every_error() -> None:
    assert sorted(drawn_tree()) == sorted(NAMES)
    assert len(NAMES) == 6


@pytest.mark.parametrize("name", NAMES)
def test_the_tree_is_true(name: str) -> None:
    parent, builtin, code = drawn_tree()[name]
    error = getattr(errors, name)
    assert error.__bases__[0] is (Exception if parent is None else getattr(errors, parent))
    kinds = [base for base in error.__bases__ if base.__module__ == "builtins"]
    if builtin is not None:
        assert kinds == [getattr(builtins, builtin)]
    else:
        assert kinds == ([Exception] if parent is None else [])
    if code is not None:
        assert error.exit_code == code
    elif parent is not None:
        assert error.exit_code == getattr(errors, parent).exit_code


@pytest.mark.parametrize("name", NAMES)
def test_message_and_hint_survive_pickling(name: str) -> None:
    error = getattr(errors, name)("It broke.", "Mend it.")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert (again.message, again.hint) == ("It broke.", "Mend it.")
    assert again.args == error.args == ("It broke.",)


@pytest.mark.parametrize("name", NAMES)
def test_the_text_is_message_and_hint(name: str) -> None:
    error = getattr(errors, name)
    assert str(error("It broke.", "Mend it.")) == "It broke. Mend it."
    assert str(error("It broke.")) == "It broke."


def test_callers_may_catch_the_builtin_kind() -> None:
    with pytest.raises(FileNotFoundError):
        raise DataMissingError("There is no file.")
    with pytest.raises(ValueError, match="There is no file"):
        raise DataMissingError("There is no file.")
