import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import pytest

from entra_emulator.clock import Clock
from entra_emulator.content.life import MOST_RATE, Life, parse_rate
from entra_emulator.content.seed import choose_sizes, seed_directory
from entra_emulator.directory.directory import Directory
from entra_emulator.directory.links import LinkQuery
from entra_emulator.model.kinds import KINDS
from entra_emulator.model.records import Record
from tests.support.control_api import control
from tests.support.emulator_probe import Probe, register

decode = msgspec.json.decode


@contextmanager
def living(users: int = 250, seed: int = 0) -> Iterator[tuple[Directory, Life]]:
    directory = Directory(clock=Clock(at=1_800_000_000))
    seed_directory(directory, **choose_sizes(users)._asdict())
    yield directory, Life(directory, seed)
    directory.close()


def users_of(directory: Directory) -> dict[str, Record]:
    tenant = directory.tenants.list_all()[0]
    found = (decode(doc) for _, doc in directory.collections.scan(tenant, "user"))
    return {user["id"]: user for user in found}


def count_links(directory: Directory, relation: str) -> int:
    tenant = directory.tenants.list_all()[0]
    return sum(
        directory.links.count_neighbours(tenant, LinkQuery(relation, position.seq))
        for kind in KINDS
        for position, _ in directory.collections.scan(tenant, kind)
    )


def test_steps() -> None:
    """People are hired, moved, renamed, disabled, deleted, restored and purged; groups live too."""
    with living() as (directory, life):
        before = users_of(directory)
        events = life.step(1500)
        after = users_of(directory)

    happened = Counter(event.what for event in events)
    assert len(events) == life.count == 1500
    assert set(happened) == set(
        "hired moved renamed reached disabled enabled deleted restored purged joined left founded "
        "dissolved licensed".split()
    )
    assert happened["hired"] > 50
    assert 100 < len(after) < 500
    assert set(after) - set(before)
    assert set(before) - set(after)
    assert len({user["userPrincipalName"].casefold() for user in after.values()}) == len(after)


@pytest.mark.parametrize("seed", [0, 1])
def test_same_life(seed: int) -> None:
    """The same seed makes the same changes, step by step or all at once."""
    results = []
    for sizes in ([200], [1] * 200, [50, 150]):
        with living(seed=seed) as (directory, life):
            events = [event for number in sizes for event in life.step(number)]
            results.append((events, users_of(directory), count_links(directory, "members")))

    assert results[0] == results[1] == results[2]


def test_other_life() -> None:
    """Another seed makes other changes."""
    lives = []
    for seed in (0, 1):
        with living(seed=seed) as (_, life):
            lives.append(life.step(20))

    assert lives[0] != lives[1]


def test_journal() -> None:
    """Every change is in the journal: replaying it over what was seeded gives what is there."""
    with living(seed=5) as (directory, life):
        tenant = directory.tenants.list_all()[0]
        replica = users_of(directory)
        life.step(400)
        for change in directory.changes.list_between(
            tenant, "user", 0, directory.changes.read_watermark()
        ):
            if change.what in {"deleted", "purged"}:
                replica.pop(change.id, None)
            elif change.what in {"created", "updated", "restored"}:
                doc = directory.objects.read_document(change.seq)
                if doc is not None:
                    replica[change.id] = decode(doc)

        assert replica == users_of(directory)


def test_order_is_kept() -> None:
    """Whatever happens, managers stay a tree, licences counted, and administrators in office."""
    with living(seed=2) as (directory, life):
        tenant = directory.tenants.list_all()[0]
        holders = directory.role_members.list_holders(tenant)
        life.step(800)

        held = Counter[str]()
        for user in users_of(directory).values():
            held.update(entry["skuId"] for entry in user.get("assignedLicenses", ()))
        consumed = {
            sku["skuId"]: sku["consumedUnits"] for sku in directory.licences.list_skus(tenant)
        }
        assert consumed == {sku: held[sku] for sku in consumed}
        assert directory.role_members.list_holders(tenant) == holders
        for position, _ in directory.collections.scan(tenant, "user"):
            managers = directory.links.list_neighbours(tenant, LinkQuery("manager", position.seq))
            assert len(managers) <= 1
            assert all(manager.seq < position.seq for manager in managers)
        assert directory.collections.count(tenant, "user") == len(users_of(directory))


def test_domains() -> None:
    """New people and groups have addresses in the tenant's own domains."""
    directory = Directory(clock=Clock(at=1_800_000_000))
    tenant = directory.tenants.create("Fabrikam", ("fabrikam.onmicrosoft.com", "fabrikam.example"))
    Life(directory).step(60)

    for kind in ("user", "group"):
        text = b"".join(doc for _, doc in directory.collections.scan(tenant, kind))
        assert b"@fabrikam." in text
        assert b"contoso.example" not in text.replace(b"@corp.contoso.example", b"")
        assert b"contoso.onmicrosoft" not in text
    directory.close()


def test_empty_directory() -> None:
    """Without a tenant nothing happens; without people, somebody is hired first."""
    directory = Directory(clock=Clock(at=1_800_000_000))
    life = Life(directory)
    nothing = life.step(3)
    directory.tenants.create("Fabrikam", ("fabrikam.example",))
    events = life.step(3)
    directory.close()

    assert nothing == []
    assert [event.what for event in events][:1] == ["hired"]


def test_by_itself() -> None:
    """A started life changes the directory without being asked, and stops at once."""
    with living() as (directory, life):
        changed = threading.Event()
        step = life.step

        def watched(number: int = 1) -> Any:
            events = step(number)
            if life.count >= 20:
                changed.set()
            return events

        life.step = watched  # type: ignore[method-assign]
        life.start(500)
        assert life.rate == 500
        assert changed.wait(60)
        life.stop()
        count = life.count
        life.stop()

        assert life.rate == 0
        assert (life.count, directory.changes.read_watermark() > 0) == (count, True)
        assert not [thread for thread in threading.enumerate() if thread.name == "life"]


def test_slow_life_stops() -> None:
    """A life that has an hour until the next change stops without waiting for it."""
    with living(users=10) as (_, life):
        life.start(1 / 3600, seed=4)
        life.stop()

    assert life.count <= 1


@pytest.mark.parametrize(
    ("text", "rate"), [("5/s", 5), ("300/m", 5), ("9/h", 0.0025), ("0.5/s", 0.5), ("864/d", 0.01)]
)
def test_rate(text: str, rate: float) -> None:
    """Rates are changes in a second, a minute, an hour or a day."""
    assert parse_rate(text) == pytest.approx(rate)


@pytest.mark.parametrize("text", ["", "5", "5/x", "-1/s", "0/s", "/s", "1e3/s", "5/s ", "2000/s"])
def test_bad_rate(text: str) -> None:
    """What is no rate is said to be none, with an example of one."""
    with pytest.raises(ValueError, match=r"say 5/s, 300/m or 10/h"):
        parse_rate(text)


@pytest.mark.parametrize("rate", [0, -1, MOST_RATE + 1])
def test_bad_number(rate: float) -> None:
    """A life needs some changes, and not too many."""
    with living(users=1) as (_, life), pytest.raises(ValueError, match="above 0 and at most"):
        life.start(rate)


def test_emulator(launch: Callable[..., Probe]) -> None:
    """An emulator's directory lives when told to, and requests see it."""
    probe = launch(users=30)
    app = register(probe, "User.Read.All")
    token = app.token()
    before = app.get("/v1.0/users?$top=999", token).json()["value"]

    emulator = probe.emulator
    life = emulator.live(200, seed=3)
    life.stop()
    events = emulator.life.step(40)
    after = app.get("/v1.0/users?$top=999", token).json()["value"]

    assert life is emulator.life
    assert len(events) == 40
    assert before != after
    emulator.live(1000)
    emulator.stop()
    assert emulator.life.rate == 0


def test_control(launch: Callable[..., Probe]) -> None:
    """The control API starts and stops life, and refuses what is no rate."""
    probe = launch(users=20, control=True)

    idle = control(probe, "GET", "/life").json()
    started = control(probe, "POST", "/life", {"rate": "60/m", "seed": 7})
    faster = control(probe, "POST", "/life", {"rate": 2.5})
    wrong = [
        control(probe, "POST", "/life", body)
        for body in ({"rate": "often"}, {"rate": 0}, {}, {"rate": 1, "speed": 2})
    ]
    stopped = control(probe, "DELETE", "/life")

    assert idle == {"rate": 0.0, "count": 0}
    assert (started.status, started.json()["rate"]) == (200, 1.0)
    assert faster.json()["rate"] == 2.5
    assert [answer.status for answer in wrong] == [400] * 4
    assert "300/m" in wrong[0].json()["error"]["message"]
    assert stopped.json()["rate"] == 0.0


def test_reset_while_living(launch: Callable[..., Probe]) -> None:
    """A directory that is emptied and filled anew lives on."""
    probe = launch(users=20, control=True)
    control(probe, "POST", "/life", {"rate": 500})

    answer = control(probe, "POST", "/reset", {"users": 12, "groups": 3, "devices": 2})
    control(probe, "DELETE", "/life")

    assert answer.status == 200
    directory = probe.emulator.directory
    assert len(probe.emulator.life.step(5)) == 5
    assert directory.collections.count(probe.emulator.tenant, "device") == 2
