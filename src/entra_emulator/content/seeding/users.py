"""
Draw users: people of many cultures, guests, and accounts of services.

User number N is the same whatever the number of users.
"""

import base64
from collections.abc import Iterator
from typing import NamedTuple
from uuid import UUID

from entra_emulator.content.names import Culture, load_names
from entra_emulator.content.seeding.draw import Draw, format_moment
from entra_emulator.model.people_and_devices import derive_sid
from entra_emulator.model.products import SKUS, draft_plans
from entra_emulator.model.records import Record

INITIAL_DOMAIN = "contoso.onmicrosoft.com"
DOMAIN = "contoso.example"
# Users were hired between 2016 and 2025: before any test's clock.
FIRST_HIRE = 1_451_606_400
LAST_HIRE = 1_767_225_600
GUESTS_PERCENT = 4
DISABLED_PERCENT = 5
FLOORS = 40

# The choices below compare a byte of the digest, of 256 values: cheaper than drawing a number.
SYNCED = 90
EXTENDED = 77
# The first users are people with a creation date: a small directory is easy to read, and a large
# one has what large directories have.
ORDINARY = 1000
# Accounts of services: their names begin alike, which is hard on clients that split by prefix.
SERVICES = 20
# Some users of before June 2018 have no creation date.
UNDATED = 8
UNDATED_BEFORE = 1_527_811_200

_E5, _E3, _F1, _P2, _FLOW, _REPORTS = SKUS
_PURPOSES = "backup scan print sql build deploy monitor sync mail report batch archive".split()


class Name(NamedTuple):
    """A person's name in its culture; the alias is in Latin letters and lower case."""

    culture: Culture
    given: str
    family: str
    alias: str

    @property
    def display_name(self) -> str:
        """The whole name, in the order of the culture."""
        if self.culture.family_first:
            return f"{self.family}{self.given}"
        return f"{self.given} {self.family}"


def draw_users(count: int, seed: int) -> Iterator[Record]:
    """The first `count` users of a seed, as Graph's user objects without null properties."""
    taken: dict[str, int] = {}
    for number in range(count):
        draw = Draw(seed, f"user {number}")
        if number >= ORDINARY and draw.digest[0] < SERVICES:
            yield _draw_service(draw, number)
            continue
        person = draw_name(draw)
        alias = person.alias
        taken[alias] = taken.get(alias, 0) + 1
        if taken[alias] > 1:
            alias += str(taken[alias])
        yield draw_person(draw, number, person, alias)


def draw_name(draw: Draw) -> Name:
    """A person's name; others may have the same alias."""
    culture = draw.pick(load_names().cultures)
    given, family = draw.pick(culture.given), draw.pick(culture.family)
    return Name(culture, given[0], family[0], f"{given[1]}.{family[1]}")


def _draw_service(draw: Draw, number: int) -> Record:
    name = f"svc-{draw.pick(_PURPOSES)}-{number:07}"
    object_id = draw.guid()
    return {
        "id": object_id,
        "accountEnabled": not draw.chance(DISABLED_PERCENT),
        "createdDateTime": format_moment(FIRST_HIRE + draw.number(LAST_HIRE - FIRST_HIRE)),
        "displayName": name,
        "userType": "Member",
        "mailNickname": name,
        "passwordPolicies": "DisablePasswordExpiration",
        "userPrincipalName": f"{name}@{DOMAIN}",
        "securityIdentifier": derive_sid(object_id),
    }


def draw_person(draw: Draw, number: int, person: Name, alias: str) -> Record:
    """A user of this name and alias; the number is that of the user in the seed."""
    # Every choice uses up bits of the draw: another order, or one more, makes another directory of
    # every seed.
    culture, given, family, _ = person
    hired = FIRST_HIRE + draw.number(LAST_HIRE - FIRST_HIRE)
    object_id = draw.guid()
    record: Record = {
        "id": object_id,
        "accountEnabled": not draw.chance(DISABLED_PERCENT),
        "createdDateTime": format_moment(hired),
        "displayName": person.display_name,
        "givenName": given,
        "surname": family,
        "userType": "Member",
    }
    if number >= ORDINARY and hired < UNDATED_BEFORE and draw.digest[1] < UNDATED:
        del record["createdDateTime"]
    if draw.chance(GUESTS_PERCENT):
        record |= _describe_guest(draw, alias)
    else:
        record |= _describe_member(draw, number, culture, alias, hired)
        if draw.digest[2] < SYNCED:
            record |= _synchronize(draw.digest, alias, person.display_name, object_id)
        record |= _license(draw.digest, record, format_moment(hired))
    record["securityIdentifier"] = derive_sid(object_id)
    return record


def _describe_guest(draw: Draw, alias: str) -> Record:
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


def _describe_member(draw: Draw, number: int, culture: Culture, alias: str, hired: int) -> Record:
    upn = f"{alias}@{DOMAIN}"
    department, title = draw.pick(load_names().jobs)
    record: Record = {
        "companyName": "Contoso",
        "country": culture.country_name,
        "city": draw.pick(culture.cities),
        "department": department,
        "employeeHireDate": format_moment(hired - hired % 86400),
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
        record["officeLocation"] = f"{draw.number(FLOORS) + 1}/{draw.number(3000) + 1000}"
    if draw.chance(60):
        record["preferredLanguage"] = culture.language
    if draw.chance(40):
        record["mobilePhone"] = f"{culture.phone}{draw.number(900) + 100}"
    if draw.chance(75):
        record["businessPhones"] = [f"{culture.phone}{draw.number(900) + 100}"]
    return record


def _synchronize(digest: bytes, alias: str, display_name: str, object_id: str) -> Record:
    """What users have who are synchronized from an Active Directory."""
    # A sAMAccountName has at most 20 characters.
    account = alias[:20]
    hours, minutes, relative = digest[3] % 24, digest[4] % 60, int.from_bytes(digest[4:8]) >> 1
    record: Record = {
        "onPremisesDistinguishedName": f"CN={display_name},OU=People,DC=corp,DC=contoso,DC=example",
        "onPremisesDomainName": "corp.contoso.example",
        "onPremisesImmutableId": base64.b64encode(UUID(object_id).bytes).decode(),
        "onPremisesLastSyncDateTime": f"2026-01-01T{hours:02}:{minutes:02}:00Z",
        "onPremisesSamAccountName": account,
        "onPremisesSecurityIdentifier": f"S-1-5-21-1004336348-1177238915-{relative}",
        "onPremisesSyncEnabled": True,
        "onPremisesUserPrincipalName": f"{account}@corp.contoso.example",
    }
    if digest[8] < EXTENDED:
        extension: Record = {f"extensionAttribute{n}": None for n in range(1, 16)}
        extension["extensionAttribute1"] = f"CC-{digest[9] + 100}"
        extension["extensionAttribute5"] = ("north", "south", "hq")[digest[10] % 3]
        record["onPremisesExtensionAttributes"] = extension
    return record


def _license(digest: bytes, record: Record, moment: str) -> Record:
    """Most employees have a suite, contractors the small one, the disabled seldom any."""
    if not record["accountEnabled"] and digest[11] < 150:
        return {}
    luck = digest[12]
    if record["employeeType"] == "Employee":
        skus = [_E5] if luck < 80 else [_E3] if luck < 225 else []
    else:
        skus = [_F1] if luck < 180 else []
    if skus == [_E3] and digest[13] < 15:
        skus.append(_P2)
    if digest[14] < 50:
        skus.append(_FLOW)
    if digest[15] < 25:
        skus.append(_REPORTS)
    if not skus:
        return {}
    licenses: list[Record] = [{"disabledPlans": [], "skuId": sku.id} for sku in skus]
    if digest[16] < 10:
        licenses[0]["disabledPlans"].append(skus[0].plans[0].id)
    return {"assignedLicenses": licenses, "assignedPlans": draft_plans(licenses, moment)}
