"""The texts of the walk: whole in each language."""

from __future__ import annotations

import string

import pytest

from graphdaemon.cli.quickstart_words import ENGLISH, WORDS, Words


@pytest.mark.parametrize("words", WORDS.values(), ids=WORDS)
def test_each_language_names_the_same_values(words: Words) -> None:
    """A name that is missing would lose a value; one more would end the walk."""
    for name, text in words._asdict().items():
        english = getattr(ENGLISH, name)
        assert text.strip(), name
        assert names(text) == names(english), name


def names(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}
