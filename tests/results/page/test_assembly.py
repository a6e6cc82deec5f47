"""The files that a page is made of."""

import re
from importlib.resources import files

import pytest

from hmnist.results.page.assembly import assemble_page, embed_json

ASSETS = files("hmnist.results.page") / "assets"
CSS = (ASSETS / "page.css").read_text(encoding="utf-8")

READ_TOGETHER = [
    ("ink", "paper"), ("ink", "panel"), ("ink", "warn"), ("ink", "heat"), ("faint", "paper"),
    ("faint", "panel"), ("accent", "paper"), ("accent", "panel"),
]  # fmt: skip
"""Colours of text, and of what it stands on."""


def luminance(colour: str) -> float:
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [
        channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
        for channel in channels
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), READ_TOGETHER)
def test_texts_can_be_read_on_their_ground(theme: str, text: str, ground: str) -> None:
    # Web Content Accessibility Guidelines 2.2, level AA: a contrast of 4.5.
    blocks = re.findall(r"--paper:[^}]*", CSS)
    block = blocks[0 if theme == "light" else -1]
    colours = dict(re.findall(r"--(\S+): (#[0-9a-f]{6})", block))
    lighter, darker = sorted((luminance(colours[text]), luminance(colours[ground])))[::-1]
    assert (lighter + 0.05) / (darker + 0.05) >= 4.5


def test_both_ways_to_the_dark_theme_have_the_same_colours() -> None:
    _, by_preference, by_button = (
        " ".join(block.split()) for block in re.findall(r"--paper:[^}]*", CSS)
    )
    assert by_preference == by_button


@pytest.mark.parametrize("text", ["</script>", "<!--", "]]>", "&amp;", "\u2028", "'\"`$"])
def test_data_cannot_leave_their_element(text: str) -> None:
    import json

    embedded = embed_json({text: text})
    assert json.loads(embedded) == {text: text}
    assert not {"<", ">", "&", "\u2028"} & set(embedded)


def test_titles_are_escaped_and_dollars_stay() -> None:
    page = assemble_page("<b>$title</b>", "a & b", "<p>$5</p>", None)
    assert "<title>&lt;b&gt;$title&lt;/b&gt;</title>" in page
    assert "a &amp; b" in page
    assert "<p>$5</p>" in page


def test_no_asset_is_forgotten() -> None:
    page = assemble_page("", "", "", None)
    for asset in ASSETS.iterdir():
        if asset.name.endswith((".js", ".css")):
            assert asset.read_text(encoding="utf-8") in page
