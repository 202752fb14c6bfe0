"""
Every text of the pages in every language, by key: `section.name`.

The words are those of the Microsoft Entra admin center in that language, in words/*.toml. No text
holds HTML; names in braces are replaced by values when the text is shown.
"""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

# The languages by their BCP 47 tags, with what they call themselves.
LANGUAGES = {"en": "English", "pt-BR": "Português (Brasil)"}

# The cookie that holds the language that somebody chose.
LANGUAGE_COOKIE = "graphdaemon-language"

# A language range of `Accept-Language` and its weight (RFC 9110, 12.5.4).
_RANGE = re.compile(
    r"([A-Za-z]+|\*)(?:[0-9-][A-Za-z0-9-]*)?(?:\s*;\s*q\s*=\s*([01](?:\.[0-9]{0,20})?))?"
)


def say(language: str, key: str, **values: object) -> str:
    """
    The text of this key, with the values in the place of their names in braces.

    Raises:
        KeyError: there is no such text, or a value that it needs is missing.
    """
    text = read_texts()[key][language]
    return text.format_map(values) if values else text


@cache
def read_texts() -> Mapping[str, Mapping[str, str]]:
    """The texts by key, and then by language."""
    texts: dict[str, Mapping[str, str]] = {}
    for file in sorted((files(__package__) / "words").iterdir(), key=lambda file: file.name):
        for key, translations in _flatten(tomllib.loads(file.read_text("utf-8"))).items():
            assert key not in texts, f"{key} stands twice"
            texts[key] = translations
    return texts


def choose_language(chosen: str | None, accepted: str) -> str:
    """The language to answer in, by the LANGUAGE_COOKIE and the `Accept-Language` of a browser."""
    if chosen in LANGUAGES:
        return str(chosen)
    ranges = [match for part in accepted.split(",") if (match := _RANGE.fullmatch(part.strip()))]
    # Sorting keeps the browser's order among equal weights.
    for match in sorted(ranges, key=lambda match: -float(match[2] or 1)):
        for language in LANGUAGES:
            if match[1].lower() == language.partition("-")[0] and match[2] not in {"0", "0."}:
                return language
    return next(iter(LANGUAGES))


def _flatten(table: Mapping[str, Any], above: str = "") -> dict[str, Mapping[str, str]]:
    """The texts of a table and of the tables in it, by their dotted keys."""
    texts: dict[str, Mapping[str, str]] = {}
    for name, value in table.items():
        if value.keys() & LANGUAGES.keys():
            texts[above + name] = value
        else:
            texts |= _flatten(value, f"{above}{name}.")
    return texts
