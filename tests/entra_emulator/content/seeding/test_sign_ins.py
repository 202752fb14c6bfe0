"""What is drawn of the users' last sign-ins."""

from array import array
from collections import Counter

from entra_emulator.clock import parse_iso
from entra_emulator.content.seeding.sign_ins import date_ages, note_ages
from entra_emulator.content.seeding.users import draw_users

NOW = 1_800_000_000
DAY = 86_400


def draw(count: int, seed: int = 0) -> "array[int]":
    ages = array("q")
    users = list(draw_users(count, seed))
    assert list(note_ages(users, 1, seed, ages)) == users
    return ages


def test_every_kind_of_account_is_among_those_who_sign_in() -> None:
    users = list(draw_users(3000, 0))
    moments = dict(date_ages(draw(3000), NOW))
    sorts: Counter[str] = Counter()
    for number, user in enumerate(users, 1):
        each = moments.get(number)
        if each is None:
            sorts["never"] += 1
            continue
        last = max(moment for moment in each if moment is not None)
        sorts["lately" if last > NOW - 14 * DAY else "stale" if last < NOW - 90 * DAY else ""] += 1
        sorts["failed"] += each.successful != last
        sorts["on no page"] += each.interactive is None
        assert each.successful is not None
        created = parse_iso(user.get("createdDateTime") or "2016-01-01")
        assert all(moment is None or created <= moment < NOW for moment in each)
        assert user["accountEnabled"] or last < NOW - 7 * DAY

    assert sorts["lately"] > 1500
    assert all(sorts[sort] > 100 for sort in ("never", "stale", "failed"))
    assert sorts["on no page"] > 50


def test_user_n_signed_in_at_the_same_time_whatever_the_number_of_users() -> None:
    few, many = draw(100), draw(1500)

    assert many[: len(few)] == few
    assert draw(100, seed=1) != few


def test_nobody_signs_in_before_being_hired() -> None:
    ages = array("q", (5, NOW - 10, 3600, -1, 7200))

    (entry,) = date_ages(ages, NOW)
    assert entry == (5, (NOW - 10, None, NOW - 10))
