"""
Fill a directory with the tenant "Contoso", the same for the same seed, for ever.

The modules of `seeding` draw what is in it; this one stores it.
"""

from array import array
from collections.abc import Callable, Iterator
from typing import NamedTuple

from entra_emulator.content.seeding.draw import Draw
from entra_emulator.content.seeding.grants import fill_grants
from entra_emulator.content.seeding.parts import (
    ConsumedLicences,
    LinkPairs,
    ObjectRows,
    Part,
    SeedOrder,
    SignInAges,
    draw_parts,
)
from entra_emulator.content.seeding.sign_ins import date_ages
from entra_emulator.content.seeding.users import DOMAIN, FIRST_HIRE, INITIAL_DOMAIN
from entra_emulator.content.seeding.worker import draw_elsewhere
from entra_emulator.directory.directory import Directory
from entra_emulator.model.records import Tenant

# From so many users on another process draws; starting it costs as much as drawing so many.
LARGE = 20_000


class Sizes(NamedTuple):
    """How many users, groups, devices and applications a directory has."""

    users: int
    groups: int
    devices: int
    applications: int


# Called with how many objects are stored, and how many there will be.
Progress = Callable[[int, int], None]


def choose_sizes(users: int, groups: int | None = None, devices: int | None = None) -> Sizes:
    """Sizes that fit so many users, where none are given; without users everything is empty."""
    return Sizes(
        users,
        max(5, users // 20) * bool(users) if groups is None else groups,
        users // 5 if devices is None else devices,
        20 + users // 5000 if users else 0,
    )


def seed_directory(
    directory: Directory,
    *,
    users: int = 250,
    groups: int = 0,
    devices: int = 0,
    applications: int = 0,
    seed: int = 0,
    progress: Progress = lambda *_: None,
) -> Tenant:
    """
    Make the tenant "Contoso" with Microsoft Graph in it and so many objects.

    The same seed makes the same directory, byte for byte; user number N is the
    same whatever the number of users. Only the last sign-ins, and from the beginning of the day the
    credentials, are counted from the clock.
    """
    draw = Draw(seed, "tenant")
    with directory.filling():
        tenant = directory.tenants.create(
            "Contoso",
            (INITIAL_DOMAIN, DOMAIN),
            tenant_id=draw.guid(),
            graph_principal_id=draw.guid(),
            region="EU",
            created=FIRST_HIRE,
        )
        first = directory.objects.next_number()
        now = int(directory.clock.now())
        today = now - now % 86_400
        order = SeedOrder(seed, tenant.id, first, users, groups, devices, applications, today)
        parts = draw_elsewhere(order) if users >= LARGE else draw_parts(order)
        done, total = 0, users + groups + devices
        for part in parts:
            done += _store(directory, tenant, part)
            # Applications, units and roles come on top of what was announced.
            progress(min(done, total), total)
    # It looks objects up, which takes the indices that are made only now.
    with directory.transaction():
        fill_grants(directory, tenant, seed)
    return tenant


def _store(directory: Directory, tenant: Tenant, part: Part) -> int:
    """Put a part into the directory; returns how many objects it had."""
    match part:
        case ObjectRows(kind, rows):
            return len(directory.objects.fill_rows(tenant, kind, rows))
        case LinkPairs(relation, source, target, numbers):
            directory.links.fill(relation, source, target, _split(numbers))
        case ConsumedLicences(consumed):
            directory.licences.add_subscriptions(tenant, consumed)
        case SignInAges(numbers):
            dated = date_ages(array("q", numbers), int(directory.clock.now()))
            directory.sign_ins.fill((number, *moments) for number, moments in dated)
    return 0


def _split(numbers: bytes) -> Iterator[tuple[int, int]]:
    rest = iter(array("q", numbers))
    return zip(rest, rest, strict=True)
