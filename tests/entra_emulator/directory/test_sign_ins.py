"""The last sign-ins of users, in the directory alone."""

from collections.abc import Iterator
from typing import Any

import pytest

from entra_emulator.clock import Clock
from entra_emulator.content.seed import seed_directory
from entra_emulator.directory.directory import Directory
from entra_emulator.directory.objects import StoredObject
from entra_emulator.directory.representation import read_id
from entra_emulator.directory.sign_ins import SignInSpan, make_request_id, read_last_sign_ins
from entra_emulator.directory.steps import finish
from entra_emulator.model.records import Record, Tenant

NOW = 1_800_000_000
FIRST, SECOND = "11111111-1111-4111-8111-111111111100", "22222222-2222-4222-8222-222222222200"


@pytest.fixture
def directory() -> Iterator[Directory]:
    directory = Directory(clock=Clock(at=NOW))
    seed_directory(directory, users=300)
    yield directory
    directory.close()


@pytest.fixture
def tenant(directory: Directory) -> Tenant:
    return directory.tenants.list_all()[0]


def find_active(directory: Directory, tenant: Tenant, place: int = 0) -> StoredObject:
    """A user who has signed in."""
    numbers = finish(directory.sign_ins.list_matching(tenant, lambda _: True, after=0, limit=-1))
    doc = directory.objects.read_document(numbers[place])
    assert doc is not None
    return StoredObject("user", numbers[place], doc)


def describe(directory: Directory, tenant: Tenant, user: StoredObject) -> Record:
    user_id = read_id(user.doc)
    return directory.sign_ins.read_each(tenant, [user_id])[user_id].describe()


def list_all(
    directory: Directory, tenant: Tenant, chunk: int = 10_000, **span: Any
) -> list[tuple[int, float, bool]]:
    """The seeded sign-ins on pages."""
    chosen = SignInSpan(**({"since": 0.0, "until": float(NOW)} | span))
    return list(directory.sign_ins.list_seeded(tenant, chosen, interactive=True, chunk=chunk))


def test_seeded_sign_ins_are_listed_in_both_orders_and_of_one_user(
    directory: Directory, tenant: Tenant
) -> None:
    listed = list_all(directory, tenant)
    moments = [(at, seq) for seq, at, _ in listed]

    assert moments == sorted(moments, reverse=True)
    assert list_all(directory, tenant, ascending=True) == listed[::-1]
    assert list_all(directory, tenant, number=listed[7][0]) == [listed[7]]
    middle = listed[len(listed) // 2][1]
    assert list_all(directory, tenant, since=middle) == [row for row in listed if row[1] >= middle]


def test_chunks_of_seeded_sign_ins_follow_each_other_without_a_gap() -> None:
    directory = Directory(clock=Clock(at=NOW))
    tenant = seed_directory(directory, users=1)
    records = [
        {
            "id": f"{number:08}-0000-4000-8000-000000000000",
            "userPrincipalName": f"u{number}@x.example",
        }
        for number in range(41)
    ]
    numbers = directory.objects.fill(tenant, "user", records)
    # Many sign in at one moment: the number decides which of them stands at a chunk's end.
    directory.sign_ins.fill((seq, NOW - 100 - seq % 3, None, None) for seq in numbers)
    for ascending in (False, True):
        listed = list_all(directory, tenant, 4, since=NOW - 200.0, ascending=ascending)
        assert [(at, seq) for seq, at, _ in listed] == sorted(
            ((float(NOW - 100 - seq % 3), seq) for seq in numbers), reverse=not ascending
        )
    directory.close()


def test_a_failed_sign_in_changes_all_but_the_last_successful_one(
    directory: Directory, tenant: Tenant
) -> None:
    user = find_active(directory, tenant)
    directory.sign_ins.note(user, FIRST, NOW, interactive=True, succeeded=True)
    directory.sign_ins.note(user, SECOND, NOW + 5, interactive=True, succeeded=False)

    activity = describe(directory, tenant, user)
    assert activity["lastSignInDateTime"] == "2027-01-15T08:00:05Z"
    assert activity["lastSignInRequestId"] == SECOND
    assert activity["lastSuccessfulSignInDateTime"] == "2027-01-15T08:00:00Z"
    assert activity["lastSuccessfulSignInRequestId"] == FIRST


def test_a_refresh_token_leaves_the_last_sign_in_on_a_page(
    directory: Directory, tenant: Tenant
) -> None:
    user = find_active(directory, tenant)
    before = describe(directory, tenant, user)
    directory.sign_ins.note(user, FIRST, NOW, interactive=False, succeeded=True)

    activity = describe(directory, tenant, user)
    assert activity["lastNonInteractiveSignInRequestId"] == FIRST
    assert activity["lastSuccessfulSignInRequestId"] == FIRST
    for name in ("lastSignInDateTime", "lastSignInRequestId"):
        assert activity[name] == before[name]


def test_a_seeded_sign_in_is_found_by_its_request_id(directory: Directory, tenant: Tenant) -> None:
    listed = list_all(directory, tenant)
    assert len(listed) > 100
    for seq, at, succeeded in listed:
        found = directory.sign_ins.find_seeded(tenant, make_request_id(seq, at))
        assert found == (seq, at, True, succeeded)
    for unknown in (FIRST, "nothing", make_request_id(listed[0][0], listed[0][1] - 1)):
        assert directory.sign_ins.find_seeded(tenant, unknown) is None


def test_a_sign_in_takes_the_place_of_the_seeded_one(directory: Directory, tenant: Tenant) -> None:
    listed = list_all(directory, tenant)
    seq, at, _ = listed[0]
    doc = directory.objects.read_document(seq)
    assert doc is not None
    directory.sign_ins.note(
        StoredObject("user", seq, doc), FIRST, NOW, interactive=True, succeeded=True
    )

    left = list_all(directory, tenant)
    assert left == listed[1:]
    assert directory.sign_ins.find_seeded(tenant, make_request_id(seq, at)) is None


def test_nothing_is_left_of_a_user_who_is_gone_for_ever(
    directory: Directory, tenant: Tenant
) -> None:
    user = find_active(directory, tenant)
    user_id = read_id(user.doc)
    directory.recycle_bin.delete(tenant, user)
    assert directory.sign_ins.read_each(tenant, [user_id]) == {}
    deleted = directory.recycle_bin.find(tenant, user_id)
    assert deleted is not None
    restored = directory.recycle_bin.restore(tenant, deleted)
    assert user_id in directory.sign_ins.read_each(tenant, [user_id])

    directory.recycle_bin.delete(tenant, restored, forever=True)
    assert list_all(directory, tenant) == [
        row for row in list_all(directory, tenant) if row[0] != user.seq
    ]
    assert directory.sign_ins.find_seeded(tenant, make_request_id(user.seq, NOW)) is None


def test_an_exported_activity_is_read_back_as_it_was() -> None:
    activity = {
        "lastSignInDateTime": "2021-06-17T16:41:33Z",
        "lastSignInRequestId": FIRST,
        "lastNonInteractiveSignInDateTime": "0001-01-01T00:00:00Z",
        "lastNonInteractiveSignInRequestId": "",
        "lastSuccessfulSignInDateTime": None,
        "lastSuccessfulSignInRequestId": None,
    }
    never = dict.fromkeys(activity) | {
        name: activity[name] for name in ("lastSignInDateTime", "lastSignInRequestId")
    }

    assert read_last_sign_ins(7, activity).describe() == never
    assert read_last_sign_ins(7, activity).seq == 7
