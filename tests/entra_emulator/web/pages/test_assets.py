from __future__ import annotations

import re
from pathlib import Path

import pytest

from entra_emulator.web import pages

STYLE = (Path(pages.__file__).parent / "static" / "portal.css").read_text("utf-8")
ROOTS = re.compile(r":root \{(.*?)\}", re.DOTALL)

# What stands on what, and how far apart they must be (WCAG 2.2, 1.4.3 and 1.4.11).
READ = (
    ("text", "ground surface raised tint warn-tint bad-tint good-tint"),
    ("quiet", "ground surface raised"),
    ("strong", "ground surface tint"),
    ("strong-hover", "ground surface"),
    ("on-strong", "strong strong-hover"),
    ("on-bar", "bar"),
    ("bar-quiet", "bar"),
    ("warn", "warn-tint"),
    ("bad", "surface ground bad-tint"),
    ("good", "surface good-tint"),
)
SEEN = (("field", "surface ground"), ("strong", "surface"), ("bad", "surface"))


def colours(style: str, theme: int) -> dict[str, str]:
    """The colours of the light theme, 0, or of the dark one, 1."""
    found = re.findall(r"--([a-z-]+): #([0-9a-f]{3,6});", ROOTS.findall(style)[theme])
    return {name: text if len(text) == 6 else "".join(c * 2 for c in text) for name, text in found}


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_contrast(theme: int) -> None:
    """Text is read and edges are seen in both themes."""
    known = colours(STYLE, theme)
    ratios = {
        (front, back, least): contrast(known[front], known[back])
        for pairs, least in ((READ, 4.5), (SEEN, 3.0))
        for front, backs in pairs
        for back in backs.split()
    }

    assert {pair: ratio for pair, ratio in ratios.items() if ratio < pair[2]} == {}


def test_known_colours() -> None:
    """Every colour is one of the theme's, and every colour of the theme is used."""
    used, named = set(re.findall(r"var\(--([a-z-]+)\)", STYLE)), set(colours(STYLE, 0))

    assert used - named <= {"radius", "shadow"}
    assert named == used - {"radius", "shadow"}
    assert colours(STYLE, 1).keys() == named
