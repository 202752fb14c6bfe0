"""
The tenant "Contoso" and its users, the same for the same seed, for ever.

Choices come from a hash of the seed and the user's number, not from `random`,
whose draws may differ between Python versions.
"""

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import TypeVar
from uuid import UUID

import msgspec

from graphdaemon.emulator.clock import format_iso
from graphdaemon.emulator.directory import Directory
from graphdaemon.emulator.entity import Record, Tenant
from graphdaemon.emulator.names import Culture, load_names

__all__ = ["draw_users", "seed_directory"]

INITIAL_DOMAIN = "contoso.onmicrosoft.com"
DOMAIN = "contoso.example"
# Users were hired between 2016 and 2025: before any test's clock.
FIRST_HIRE = 1_451_606_400
LAST_HIRE = 1_767_225_600
GUESTS_PERCENT = 4
DISABLED_PERCENT = 5

ADMINISTRATORS = (
    "Global Administrator",
    "Application Administrator",
    "Cloud Application Administrator",
    "Privileged Role Administrator",
)

_T = TypeVar("_T")
_decode = msgspec.json.Decoder(Record).decode


class _Draw:
    """Choices out of 512 bits that depend on the seed and a word only."""

    def __init__(self, seed: int, word: str) -> None:
        self._rest = int.from_bytes(blake2b(f"{seed} {word}".encode()).digest())

    def number(self, limit: int) -> int:
        """0 to `limit` - 1, all as likely."""
        self._rest, drawn = divmod(self._rest, limit)
        return drawn

    def pick(self, values: Sequence[_T]) -> _T:
        """One of `values`."""
        return values[self.number(len(values))]

    def chance(self, percent: int) -> bool:
        """True that often of a hundred times."""
        return self.number(100) < percent

    def guid(self) -> str:
        """A version 4 GUID, as every recorded object ID is."""
        return str(UUID(int=self.number(1 << 128), version=4))


def seed_directory(directory: Directory, *, users: int = 250, seed: int = 0) -> Tenant:
    """
    Make the tenant "Contoso" with Microsoft Graph in it and this many users.

    The same seed makes the same directory, byte for byte; user number N is the
    same whatever the number of users.
    """
    draw = _Draw(seed, "tenant")
    with directory.filling():
        tenant = directory.create_tenant(
            "Contoso",
            (INITIAL_DOMAIN, DOMAIN),
            tenant_id=draw.guid(),
            graph_principal_id=draw.guid(),
            region="EU",
            created=FIRST_HIRE,
        )
        directory.add_users(tenant, draw_users(users, seed))
    _appoint(directory, tenant)
    return tenant


def _appoint(directory: Directory, tenant: Tenant) -> None:
    """Give the first members who can sign in the roles of ADMINISTRATORS, one each."""
    docs = (_decode(doc) for _, doc in directory.scan(tenant, "user", chunk=50))
    members = (doc["id"] for doc in docs if doc["userType"] == "Member" and doc["accountEnabled"])
    for role, user in zip(ADMINISTRATORS, members, strict=False):
        directory.assign_role(tenant, user, role)


def draw_users(count: int, seed: int) -> Iterator[Record]:
    """The first `count` users of a seed, as Graph's user objects without null properties."""
    names = load_names()
    taken: dict[str, int] = {}
    for number in range(count):
        draw = _Draw(seed, f"user {number}")
        culture = draw.pick(names.cultures)
        given, family = draw.pick(culture.given), draw.pick(culture.family)
        alias = f"{given[1]}.{family[1]}"
        taken[alias] = taken.get(alias, 0) + 1
        if taken[alias] > 1:
            alias += str(taken[alias])
        yield _draw_user(draw, number, culture, (given[0], family[0]), alias)


def _draw_user(
    draw: _Draw, number: int, culture: Culture, names: tuple[str, str], alias: str
) -> Record:
    given, family = names
    display_name = f"{family}{given}" if culture.family_first else f"{given} {family}"
    hired = FIRST_HIRE + draw.number(LAST_HIRE - FIRST_HIRE)
    record: Record = {
        "id": draw.guid(),
        "accountEnabled": not draw.chance(DISABLED_PERCENT),
        "createdDateTime": format_iso(hired),
        "displayName": display_name,
        "givenName": given,
        "surname": family,
        "userType": "Member",
    }
    if draw.chance(GUESTS_PERCENT):
        return record | _describe_guest(draw, alias)
    return record | _describe_member(draw, number, culture, alias, hired)


def _describe_guest(draw: _Draw, alias: str) -> Record:
    mail = f"{alias}@{draw.pick(load_names().guest_domains)}"
    return {
        "creationType": "Invitation",
        "externalUserState": "Accepted" if draw.chance(80) else "PendingAcceptance",
        "mail": mail,
        "mailNickname": mail.replace("@", "_") + "#EXT#",
        "otherMails": [mail],
        "proxyAddresses": [f"SMTP:{mail}"],
        "userPrincipalName": mail.replace("@", "_") + f"#EXT#@{INITIAL_DOMAIN}",
        "userType": "Guest",
    }


def _describe_member(draw: _Draw, number: int, culture: Culture, alias: str, hired: int) -> Record:
    upn = f"{alias}@{DOMAIN}"
    department, title = draw.pick(load_names().jobs)
    record: Record = {
        "companyName": "Contoso",
        "country": culture.country_name,
        "city": draw.pick(culture.cities),
        "department": department,
        "employeeHireDate": format_iso(hired - hired % 86400),
        "employeeId": f"{number + 10001}",
        "employeeType": "Employee" if draw.chance(85) else "Contractor",
        "mail": upn,
        "mailNickname": alias,
        "proxyAddresses": [f"SMTP:{upn}", f"smtp:{alias}@{INITIAL_DOMAIN}"],
        "usageLocation": culture.country,
        "userPrincipalName": upn,
    }
    if draw.chance(90):
        record["jobTitle"] = title
    if draw.chance(70):
        record["officeLocation"] = f"{draw.number(40) + 1}/{draw.number(3000) + 1000}"
    if draw.chance(60):
        record["preferredLanguage"] = culture.language
    if draw.chance(40):
        record["mobilePhone"] = f"{culture.phone}{draw.number(900) + 100}"
    if draw.chance(75):
        record["businessPhones"] = [f"{culture.phone}{draw.number(900) + 100}"]
    return record
