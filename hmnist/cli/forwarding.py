"""`with_settings`: a command that forwards the options of a recipe to the library."""

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from hmnist.cli.names import split_names
from hmnist.cli.options import RECIPE_OPTIONS, only_given

Command = TypeVar("Command", bound=Callable[..., None])


def with_settings(options: Mapping[str, Any] = RECIPE_OPTIONS) -> Callable[[Command], Command]:
    """Add the options of a recipe to a command that takes ``**settings``.

    In the help they stand before the keyword-only parameters of the command. Options that the user
    does not give are left out of `settings`.
    """

    def decorate(command: Command) -> Command:
        signature = inspect.signature(command)
        keyword = inspect.Parameter.KEYWORD_ONLY
        own = [value for name, value in signature.parameters.items() if name != "settings"]
        added = [
            inspect.Parameter(name, keyword, default=None, annotation=option)
            for name, option in options.items()
        ]
        first = [parameter for parameter in own if parameter.kind is not keyword]
        last = [parameter for parameter in own if parameter.kind is keyword]

        @functools.wraps(command)
        def call(**given: Any) -> None:
            settings = only_given(**{name: given.pop(name) for name in options})
            if "rare" in settings:
                settings["rare"] = split_names(settings["rare"])
            command(**given, **settings)

        signature = signature.replace(parameters=[*first, *added, *last])
        call.__signature__ = signature  # type: ignore[attr-defined]  # inspect looks for it
        return call  # type: ignore[return-value]  # typer calls it by the new signature

    return decorate
