"""What a terminal obeys or does not show is escaped, and names stay as they are written."""

import json
import sys
import unicodedata

import pytest

from graphdaemon.output.escape import escape, escape_lines
from tests.support.pseudo_terminal import CONTROLS, HARMFUL, INVISIBLE

# Where a joiner or a selector of variants may stand.
JOINERS = {0x200C, 0x200D, *range(0x180B, 0x180E), 0x180F, *range(0xFE00, 0xFE10)}
JOINERS |= set(range(0xE0100, 0xE01F0))

# Signs of the category of formats that a font draws: numbers and verses in Arabic and Syriac.
DRAWN = {*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD}
DRAWN |= set(range(0x13430, 0x13440))  # and how hieroglyphs are put together


@pytest.mark.parametrize("sign", [*CONTROLS, *INVISIBLE, "\ud800"], ids=ascii)
def test_a_harmful_sign_is_written_as_json_writes_it(sign: str) -> None:
    """So that JSON on a terminal is the same text."""
    shown = escape(f"a{sign}b")

    assert shown.isascii()
    assert shown.isprintable()
    assert json.loads(f'"{shown}"') == f"a{sign}b"


def test_no_format_or_control_sign_of_unicode_is_left_out() -> None:
    """Of all code points: every category that steers or hides, but for what a font draws."""
    left = [
        code
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code)) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
        and code not in DRAWN
        and escape(f"a{chr(code)}") == f"a{chr(code)}"
    ]

    assert left == []


def test_every_other_sign_is_left_alone() -> None:
    """Letters, marks, numbers, blanks, symbols and private signs of every script."""
    kept = {"L", "M", "N", "P", "S", "Z"}
    changed = {
        chr(code)
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code))[0] in kept and escape(f"a{chr(code)}") != f"a{chr(code)}"
    }

    assert {sign for sign in changed if ord(sign) not in JOINERS} == set(
        "\u034f\u115f\u1160\u17b4\u17b5\u2028\u2029\u3164\uffa0"
    )


@pytest.mark.parametrize(
    "name",
    [
        "می\u200cخواهم",  # noqa: RUF001  a Persian word, and no Latin one
        "क्\u200dष",
        "ශ්\u200dරී",
        "👩\u200d👩\u200d👧",
        "❤\ufe0f\u200d🔥",
        "🏳\ufe0f\u200d🌈",
        "👍🏽",
        "1\ufe0f\u20e3",
        "©\ufe0f",
        "葛\U000e0100城",
        "ᠮᠣ\u180b",
        "山田\u3000太郎",
        "אבג",
        "José Ñandú",
    ],
    ids=ascii,
)
def test_a_name_stays_as_it_is_written(name: str) -> None:
    """Persian, Hindi, Sinhala, emoji, a key cap, Japanese, Mongolian, Hebrew, accents."""
    assert escape(name) == name


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("admin\u200d", r"admin\u200d"),
        ("ad\u200cmin", r"ad\u200cmin"),
        ("\u200dadmin", r"\u200dadmin"),
        ("admin\ufe0f", r"admin\ufe0f"),
        ("1\ufe0f", r"1\ufe0f"),
        ("می\u200c\u200cخ", "می\u200c\\u200cخ"),
        ("❤\ufe0f\ufe0f", "❤\ufe0f\\ufe0f"),
        ("админ\u200d", "админ\\u200d"),
    ],
    ids=ascii,
)
def test_a_joiner_that_joins_nothing_is_shown(name: str, shown: str) -> None:
    """It would make two names that look alike."""
    assert escape(name) == shown


def test_a_document_keeps_its_lines() -> None:
    """Line breaks and tabs stay; a lone carriage return would write over the line."""
    assert escape_lines("a\tb\nc\r\nd\re\x1b") == "a\tb\nc\nd\\u000de\\u001b"


def test_escaping_twice_changes_nothing() -> None:
    """A table's cells are escaped once more where they reach the terminal."""
    assert escape(escape(HARMFUL)) == escape(HARMFUL)
