"""The words of the status page."""

from __future__ import annotations

import re

import pytest

from graphdaemon.daemon.page.texts import (
    LANGUAGES,
    choose_language,
    read_texts,
    say,
    show_age,
    show_day,
    show_number,
    show_span,
)


@pytest.mark.parametrize("key", read_texts())
def test_every_text_is_there_in_every_language_with_the_same_values(key: str) -> None:
    texts = read_texts()[key]

    assert texts.keys() == LANGUAGES.keys()
    assert all(texts.values())
    assert len({frozenset(re.findall(r"{(\w+)}", text)) for text in texts.values()}) == 1
    assert not any("<" in text for text in texts.values())


@pytest.mark.parametrize(
    ("chosen", "accepted", "language"),
    [
        (None, "", "en"),
        ("pt-BR", "en", "pt-BR"),
        ("xx", "pt", "pt-BR"),
        (None, "de, pt-PT;q=0.8, en;q=0.5", "pt-BR"),
        (None, "pt;q=0, en;q=0.1", "en"),
        (None, "en;q=0.2,pt-BR;q=0.9", "pt-BR"),
        (None, "pt;q=nonsense", "en"),
        (None, "-" * 10_000, "en"),
        (None, "*", "en"),
    ],
)
def test_the_language_is_the_chosen_one_or_what_the_browser_likes_best(
    chosen: str | None, accepted: str, language: str
) -> None:
    assert choose_language(chosen, accepted) == language


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0 s"),
        (59.9, "59 s"),
        (60.0, "1 min"),
        (7_199.0, "1 h"),
        (86_400.0 * 1_234, "1,234 d"),
    ],
)
def test_a_length_of_time_is_told_in_its_largest_unit(seconds: float, text: str) -> None:
    assert show_span("en", seconds) == text


def test_ages_numbers_and_days_are_told_as_each_language_does() -> None:
    assert show_age("en", 61) == "1 min ago"
    assert show_age("pt-BR", 61) == "há 1 min"
    assert show_age("pt-BR", None) == "nunca"
    assert [show_number(one, 12_345) for one in LANGUAGES] == ["12,345", "12.345"]
    assert [show_day(one, "2026-11-02") for one in LANGUAGES] == ["2026-11-02", "02/11/2026"]


def test_a_text_without_its_values_is_a_fault() -> None:
    with pytest.raises(KeyError):
        say("en", "chart.text", changes=1)
