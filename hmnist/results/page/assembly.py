"""One HTML file of sections, data, style and scripts, which loads nothing from anywhere.

The content security policy allows the scripts and the style of the file alone, by their hashes:
whatever a name in a data file contains, it is not run.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

_ASSETS = files("hmnist.results.page") / "assets"

_SCRIPTS = (
    "tablesort.js",
    "packed.js",
    "statistics.js",
    "elements.js",
    "confusion.js",
    "threshold.js",
    "gallery.js",
    "groups.js",
    "reliability.js",
    "page.js",
)
"""In the order in which they are run."""


def assemble_page(title: str, lead: str, content: str, data: Mapping[str, Any] | None) -> str:
    """Return the page.

    Parameters
    ----------
    title, lead : str
        Heading and first sentence, which are escaped here.
    content : str
        The sections, as HTML.
    data : mapping or None
        What the scripts read, in JSON's types; None for a page without a model to look at.
    """
    style, script = _asset("page.css"), "\n".join(map(_asset, _SCRIPTS))
    policy = (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    return Template(_asset("page.html")).substitute(
        policy=policy,
        title=escape(title),
        lead=escape(lead),
        style=style,
        content=content,
        data=embed_json(data),
        script=script,
    )


def model_sections() -> str:
    """Return the sections that the scripts fill for the model that a reader selects."""
    return _asset("model.html")


def embed_json(data: Mapping[str, Any] | None) -> str:
    r"""Return JSON that may stand inside a script element: nothing in it can end the element.

    Examples
    --------
    >>> embed_json({"id": "</script>"})
    '{"id":"\\u003c/script\\u003e"}'
    """
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _asset(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    """Return a source of a content security policy: the hash of what stands between the tags."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
