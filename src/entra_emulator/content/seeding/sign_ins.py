"""
Draw when users last signed in, as ages: how long before the seeding it was.

Who looks for inactive accounts should find some of every kind, whenever the tenant was made: so the
moments are counted back from the clock, unlike everything else that is seeded.
"""

from array import array
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from entra_emulator.clock import parse_iso
from entra_emulator.content.seeding.draw import mix
from entra_emulator.model.records import Record

_HOUR, _DAY = 3600, 86_400

# Shares of a hundred: who has never signed in, who has within two weeks, and within half a year;
# the others have not for up to three years.
NEVER, LATELY, RARELY = 9, 83, 92
# One in so many failed at the last attempt.
FAILED = 12

# What stands for no moment.
NONE = -1


class SeededMoments(NamedTuple):
    """Seconds since 1970 of a user's last sign-ins, None where there was none."""

    interactive: int | None
    noninteractive: int | None
    successful: int | None


def note_ages(
    records: Iterable[Record], first: int, seed: int, ages: "array[int]"
) -> Iterator[Record]:
    """
    The users, noted on the way: the first one has the number `first`.

    `ages` gets five numbers for each user who has signed in: its own, the moment of its creation (0
    if that is not known), and the ages in seconds of the last sign-in on a page, of the last one by
    a refresh token, and of the last one that succeeded.
    """
    for number, record in enumerate(records, first):
        drawn = _draw_ages(mix(seed + 2, number - first), record)
        if drawn is not None:
            created = record.get("createdDateTime")
            ages.extend((number, int(parse_iso(created)) if created else 0, *drawn))
        yield record


def date_ages(ages: "array[int]", now: int) -> Iterator[tuple[int, SeededMoments]]:
    """The users' numbers and the moments, counted back from now; nobody signed in before hired."""
    rest = iter(ages)
    for number, created, *each in zip(rest, rest, rest, rest, rest, strict=True):
        moments = (None if age == NONE else max(created, now - age) for age in each)
        yield number, SeededMoments(*moments)


def _draw_ages(bits: int, record: Record) -> tuple[int, int, int] | None:
    luck, bits = bits % 100, bits // 100
    if luck < NEVER or record.get("externalUserState") == "PendingAcceptance":
        return None
    if not record["accountEnabled"]:
        luck = 99
    fraction, failing = bits % 4096, bits // 4096
    if luck < LATELY:
        age = _HOUR + fraction * (14 * _DAY - _HOUR) // 4096
    elif luck < RARELY:
        age = 14 * _DAY + fraction * 166 * _DAY // 4096
    else:
        age = 180 * _DAY + fraction * 900 * _DAY // 4096
    # Accounts of services use no page; a seventh of the people use nothing else.
    if "givenName" not in record:
        return NONE, age, age
    later = NONE if failing % 7 == 0 else age * (1 + failing % 63) // 64
    last = age if later == NONE else later
    succeeded = last + (1 + failing % 5) * _HOUR if failing % FAILED == 1 else last
    return age, later, succeeded
