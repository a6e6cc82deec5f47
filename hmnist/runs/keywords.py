"""The keywords of functions that forward settings to `Recipe`: a misspelt one is named."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from hmnist.errors import UsageError, unknown_name
from hmnist.runs.recipe import Settings


def check_keywords(
    function: Callable[..., Any], settings: Mapping[str, Any], kind: type = Settings
) -> None:
    """Raise UsageError for a keyword of a public function that is none of its settings (`kind`).

    Examples
    --------
    >>> def train(data, *, out=None, **settings): ...
    >>> check_keywords(train, {"oversample": "none", "effort": "quick"})
    """
    parameters = inspect.signature(function).parameters.values()
    own = [each.name for each in parameters if each.kind is each.KEYWORD_ONLY]
    known = [*own, *kind.__annotations__]
    for name in settings:
        if name not in kind.__annotations__:
            raise UsageError(
                f"hmnist.{function.__name__} takes no keyword {name!r}.",
                unknown_name("keyword", name, known).hint,
            )
