"""
Names of people who do not exist, in the scripts that real directories hold.

They are in data/names.json, because source code with look-alike letters in it
deserves suspicion.
"""

from functools import cache
from importlib.resources import files
from typing import NamedTuple

import msgspec


class Culture(NamedTuple):
    """
    A country that people work in, and the names they have there.

    `given` and `family` hold (native, Latin) pairs; `share` is how many of a
    hundred users belong here.
    """

    share: int
    language: str
    country: str
    country_name: str
    cities: tuple[str, ...]
    phone: str
    family_first: bool
    given: tuple[tuple[str, str], ...]
    family: tuple[tuple[str, str], ...]


class Names(NamedTuple):
    """
    What made-up users are drawn from.

    `cultures` has a hundred entries, each culture as often as its share;
    `jobs` are (department, title); guests come from `guest_domains`.
    """

    cultures: tuple[Culture, ...]
    jobs: tuple[tuple[str, str], ...]
    guest_domains: tuple[str, ...]


@cache
def load_names() -> Names:
    """The names, read once."""
    data = msgspec.json.decode(files(__package__).joinpath("data", "names.json").read_bytes())
    cultures = (
        Culture(
            **entry
            | {
                "cities": tuple(entry["cities"]),
                "given": _split_pairs(entry["given"]),
                "family": _split_pairs(entry["family"]),
            }
        )
        for entry in data["cultures"]
    )
    return Names(
        tuple(culture for culture in cultures for _ in range(culture.share)),
        tuple((d, title) for d, titles in data["departments"].items() for title in titles),
        tuple(data["guest_domains"]),
    )


def _split_pairs(text: str) -> tuple[tuple[str, str], ...]:
    """`native=latin` words; a name without `=` is its own Latin form."""
    pairs = (word.partition("=") for word in text.split())
    return tuple((native, (latin or native).lower()) for native, _, latin in pairs)
