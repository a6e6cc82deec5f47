"""Numbers on the command line: checked when it is parsed; the error says where a number is from."""

from collections.abc import Callable
from typing import Any

import typer

from hmnist.errors import UsageError

_LONGEST = 40  # characters of a value that an error shows


def whole_number(least: int, most: int | None = None) -> dict[str, Any]:
    """Return arguments of `typer.Option` for a whole number from `least` to `most`."""
    upper = "" if most is None else f" to {most:,}"

    def fits(number: int) -> bool:
        return number >= least and (most is None or number <= most)

    return _number(int, fits, f"a whole number from {least}{upper}")


def share() -> dict[str, Any]:
    """Return arguments of `typer.Option` for a share, which is not a percentage."""

    def fits(number: float) -> bool:
        return 0 < number < 1

    def advise(number: float) -> str:
        return f"Write {number / 100:g}" if 1 < number < 100 else ""

    return _number(float, fits, "a number between 0 and 1", advise)


def _number(
    kind: Callable[[str], Any],
    fits: Callable[[Any], bool],
    expected: str,
    advise: Callable[[Any], str] = lambda _: "",
) -> dict[str, Any]:
    def check(context: typer.Context, option: typer.CallbackParam, value: Any) -> Any:
        if value is None:
            return None
        hint = ""
        try:
            number = kind(value)
            if fits(number):
                return number
            hint = advise(number)
        except ValueError:
            pass
        raise UsageError(
            f"{option.opts[0]} is {value[:_LONGEST]!r} (from {_place(context, option)}); "
            f"expected {expected}.",
            hint,
        )

    # typer would convert the text before it calls `check`, with an error that leaves the value out.
    return {"parser": str, "callback": check}


def _place(context: typer.Context, option: typer.CallbackParam) -> str:
    """Say where a value was given."""
    source = context.get_parameter_source(option.name or "")
    places = {"ENVIRONMENT": str(option.envvar), "DEFAULT_MAP": "hmnist.toml"}
    return places.get("" if source is None else source.name, "the command line")
