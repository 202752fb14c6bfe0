"""
Every text of the status page in every language, by key: `section.name`.

No text holds HTML; names in braces are replaced by values when the text is shown.
"""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

LANGUAGES = {"en": "English", "pt-BR": "Português (Brasil)"}
"""The languages by their BCP 47 tags, with what they call themselves."""

# A language range of `Accept-Language` and its weight (RFC 9110, 12.5.4).
_RANGE = re.compile(
    r"([A-Za-z]{1,8}|\*)(?:-[A-Za-z0-9-]{1,35})?(?:[ \t]*;[ \t]*q=([01](?:\.[0-9]{0,3})?))?"
)
_SPANS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


@cache
def read_texts() -> Mapping[str, Mapping[str, str]]:
    """Return the texts by key, and then by language."""
    content = (files(__package__) / "words.toml").read_text("utf-8")
    return {
        f"{section}.{name}": translations
        for section, names in tomllib.loads(content).items()
        for name, translations in names.items()
    }


def say(language: str, key: str, **values: object) -> str:
    """
    Return the text of this key, with the values in the place of their names in braces.

    Raises:
        KeyError: There is no such text, or a value that it needs is missing.
    """
    text = read_texts()[key][language]
    return text.format_map(values) if values else text


def choose_language(chosen: str | None, accepted: str) -> str:
    """Return the language to answer in, by what was chosen and the header `Accept-Language`."""
    if chosen in LANGUAGES:
        return str(chosen)
    ranges = [match for part in accepted.split(",") if (match := _RANGE.fullmatch(part.strip()))]
    # Sorting keeps the browser's order among equal weights.
    for match in sorted(ranges, key=lambda match: -float(match[2] or 1)):
        for language in LANGUAGES:
            if match[1].lower() == language.partition("-")[0] and float(match[2] or 1) > 0:
                return language
    return next(iter(LANGUAGES))


def show_number(language: str, number: int) -> str:
    """Return a number with its thousands set apart."""
    return f"{number:,}".replace(",", "." if language == "pt-BR" else ",")


def show_span(language: str, seconds: float) -> str:
    """Return a length of time in the largest unit of which it has at least one."""
    name, length = next((row for row in _SPANS if seconds >= row[1]), _SPANS[-1])
    return say(language, f"time.{name}", number=show_number(language, int(seconds // length)))


def show_age(language: str, seconds: float | None) -> str:
    """Return how long ago something was; None is never."""
    if seconds is None:
        return say(language, "time.never")
    return say(language, "time.ago", span=show_span(language, seconds))


def show_day(language: str, day: str) -> str:
    """Return a date, given as `YYYY-MM-DD…`, as people of the language write it."""
    year, month, number = day[:10].split("-")
    return f"{number}/{month}/{year}" if language == "pt-BR" else f"{year}-{month}-{number}"
