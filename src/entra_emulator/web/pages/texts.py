"""
Every text of the portal in every language it speaks, by key: `section.name`.

The words are those of the Microsoft Entra admin center in that language. They are data, in
words/*.toml; no text holds HTML, and what stands in braces is filled in when it is shown.
"""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

# As `lang` attributes and cookies have them, with their own names for themselves.
LANGUAGES = {"en": "English", "pt-BR": "Português (Brasil)"}

# Keeps the language that somebody chose.
LANGUAGE_COOKIE = "graphdaemon-language"

_RANGE = re.compile(r"\s*([A-Za-z*]+)[A-Za-z0-9-]*\s*(?:;\s*q\s*=\s*([01](?:\.\d*)?))?\s*")


def say(language: str, key: str, **values: object) -> str:
    """
    The text of this key.

    Raises:
        KeyError: there is no such text, or it needs a value that is not given.
    """
    text = read_texts()[key][language]
    return text.format_map(values) if values else text


@cache
def read_texts() -> Mapping[str, Mapping[str, str]]:
    """The texts by key, and by language."""
    found: dict[str, Mapping[str, str]] = {}
    for file in sorted((files(__package__) / "words").iterdir(), key=lambda one: one.name):
        for key, texts in _flatten(tomllib.loads(file.read_text("utf-8"))).items():
            assert key not in found, f"{key} stands twice"
            found[key] = texts
    return found


def choose_language(kept: str | None, accepted: str) -> str:
    """
    The language to answer in.

    Args:
        kept: the one that was chosen before, if any was.
        accepted: the browser's `Accept-Language`.
    """
    if kept in LANGUAGES:
        return str(kept)
    wanted = [match for part in accepted.split(",") if (match := _RANGE.fullmatch(part))]
    for match in sorted(wanted, key=lambda one: -float(one[2] or 1)):
        for language in LANGUAGES:
            if match[1].lower() == language.partition("-")[0] and match[2] not in {"0", "0."}:
                return language
    return next(iter(LANGUAGES))


def _flatten(table: Mapping[str, Any], above: str = "") -> dict[str, Mapping[str, str]]:
    found: dict[str, Mapping[str, str]] = {}
    for name, value in table.items():
        if value.keys() & LANGUAGES.keys():
            found[above + name] = value
        else:
            found |= _flatten(value, f"{above}{name}.")
    return found
