"""Pseudonyms: the same for the same, different for different, and nothing of the original."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entra_emulator.traffic.recording.pseudonyms import Pseudonyms

KEY = b"k" * 32
GUID = "6e7b768e-07e2-4810-8459-485f84f8f204"


@pytest.fixture
def names() -> Pseudonyms:
    return Pseudonyms(KEY, {"00000003-0000-0000-c000-000000000000"})


def test_what_belongs_together(names: Pseudonyms) -> None:
    """Name, address and guest name of one person consist of the same words."""
    first, last, company = names.replace_text("Ann Lee Fabrikam").split()

    assert names.replace_text("ann.lee@fabrikam.com") == (f"{first}.{last}@{company}.com".lower())
    assert names.replace_text("ANN_LEE#EXT#@contoso.onmicrosoft.com").startswith(
        f"{first}_{last}#EXT#@".upper()
    )
    assert names.replace_text("Lee, Ann (Fabrikam)") == f"{last}, {first} ({company})"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("José", "Jose\u0301"),
        ("STRASSE", "straße"),
        ("+1 (425) 555-0109", "+14255550109"),
        (GUID, GUID.upper()),
        (GUID, GUID.replace("-", "")),
    ],
)
def test_the_same_in_other_forms(names: Pseudonyms, one: str, other: str) -> None:
    """Other normal forms, cases and marks between digits are of one person all the same."""
    shown = [
        "".join(sign for sign in names.replace_text(text).lower() if sign.isalnum())
        for text in (one, other)
    ]
    assert shown[0] == shown[1]


def test_ids(names: Pseudonyms) -> None:
    """IDs become IDs; those that are the same in every tenant stay."""
    made = names.replace_guid(GUID)
    assert made != GUID
    assert len(made) == 36
    assert made[14] == "4"
    assert names.replace_text(f"x/{GUID}/y").split("/")[1] == made
    assert names.replace_guid("00000003-0000-0000-C000-000000000000").endswith("C000-000000000000")


@pytest.mark.parametrize("size", [1, 2, 3])
def test_numbers_stay_different(names: Pseudonyms, size: int) -> None:
    """Of all numbers with as many digits no two become one, and none changes its length."""
    made = {
        names.replace_text("".join(digits))
        for digits in itertools.product("0123456789", repeat=size)
    }
    assert len(made) == 10**size
    assert {len(text) for text in made} == {size}


def test_words_stay_different(names: Pseudonyms) -> None:
    """Twenty thousand words, more than a directory has surnames, become as many."""
    words = ["".join(letters) for letters in itertools.product("abcdefghijkl", repeat=4)][:20_000]
    assert len({names.replace_text(word) for word in words}) == len(words)


def test_long_numbers(names: Pseudonyms) -> None:
    """A number of any length is replaced at once, by one of that length."""
    assert len(names.replace_text("7" * 50_000)) == 50_000


def test_keys_make_a_difference() -> None:
    """Two recordings have nothing in common."""
    texts = {Pseudonyms().replace_text(f"Quillfeather {GUID}") for _ in range(5)}
    assert len(texts) == 5


def test_kept_words(names: Pseudonyms) -> None:
    assert names.replace_text("Resource ann does", {"Resource", "does"}).split()[::2] == [
        "Resource",
        "does",
    ]


def test_links(names: Pseudonyms) -> None:
    """A page's token is the same for the same one, and tells nothing."""
    assert names.replace_link("QW5u") == names.replace_link("QW5u") != names.replace_link("QW5v")


@given(st.text(max_size=60))
def test_nothing_is_left(text: str) -> None:
    """Of any text no word, no letter outside of ASCII and no long number remains."""
    shown = Pseudonyms(KEY).replace_text(text)
    assert not any(ord(sign) > 127 for sign in shown)
    assert Pseudonyms(KEY).replace_text(text) == shown
