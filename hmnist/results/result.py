"""`Result`: what a table and an audit have in common: their formats, and reading them again."""

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from hmnist.errors import TrustError, UsageError, unknown_name
from hmnist.guarded import decode_json
from hmnist.runs.facts import json_text

if TYPE_CHECKING:
    from rich.console import RenderableType

Kind = TypeVar("Kind")

_AGAIN = "Run the benchmark or audit again with the same --out: finished runs are kept."

_ANEW = "Run the benchmark or audit again: models of another version are trained anew."


class Result:
    """What `hmnist.benchmark` and `hmnist.audit` return.

    Each format that `formats` names, beside ``table``, is a method ``to_<format>``.
    """

    formats: ClassVar[tuple[str, ...]]

    def to_rich(self) -> "RenderableType":
        """Return the result for a terminal."""
        raise NotImplementedError

    def __str__(self) -> str:
        """Return the result as on a terminal, without colours."""
        from rich.console import Console

        text = io.StringIO()
        console = Console(file=text, color_system=None, force_jupyter=False)
        console.print(self.to_rich())
        return text.getvalue().rstrip("\n")

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON's types."""
        raise NotImplementedError

    def to_json(self) -> str:
        """Return the result as a JSON object."""
        return json_text(self.to_dict())

    def format(self, name: str) -> str:
        """Return the result in a format other than ``table``, a line break at its end.

        Raises
        ------
        UsageError
            If there is no such format.
        """
        if name not in self.formats or name == "table":
            raise unknown_name("format", name, self.formats)
        text: str = getattr(self, f"to_{name}")()
        return text + "\n" if name == "json" else text


def decode_result(
    text: str | bytes,
    schema: str,
    kind: type[Kind],
    arrange: Callable[[dict[str, Any]], dict[str, Any]] = dict,
) -> Kind:
    """Decode a table or an audit from JSON, every key, type and range checked.

    UsageError for the name of a file instead of its text, TrustError if it is damaged.
    """
    import msgspec

    name = kind.__name__
    if not isinstance(text, str | bytes) or (isinstance(text, str) and "{" not in text):
        raise UsageError(
            f"{name}.from_json takes the text of a file, not {str(text)[:80]!r}.",
            f"Read the file first: hmnist.{name}.from_json(pathlib.Path(FILE).read_text())",
        )

    try:
        facts = msgspec.convert(decode_json(text), dict[str, Any])
        found = facts.get("schema")
        if found == schema:
            return msgspec.convert(arrange(facts), kind)
    except (msgspec.MsgspecError, KeyError, TypeError, ValueError) as error:
        raise TrustError(f"The {name.lower()} is damaged: {error}.", _AGAIN) from error
    raise TrustError(
        f"The {name.lower()} is of the kind {str(found)[:40]}, and this version of hmnist reads "
        f"{schema}.",
        _ANEW,
    )
