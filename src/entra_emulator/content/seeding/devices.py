"""Draw devices, laptops and telephones, and whose they are."""

import base64
from collections.abc import Iterator
from typing import NamedTuple

from entra_emulator.content.seeding.draw import Draw, format_moment
from entra_emulator.content.seeding.staff import Staff
from entra_emulator.content.seeding.users import FIRST_HIRE, LAST_HIRE
from entra_emulator.model.records import Record

# Microsoft Intune.
MANAGER_APP_ID = "0000000a-0000-0000-c000-000000000000"

OWNED_PERCENT = 88


class _Model(NamedTuple):
    """A sort of device: how many of a thousand are of it, and what it can be."""

    share: int
    system: str
    versions: tuple[str, ...]
    models: tuple[tuple[str, str], ...]
    name: str


_MODELS = (
    _Model(
        600,
        "Windows",
        ("10.0.22631.4602", "10.0.19045.5247", "10.0.26100.2605", "10.0.22621.4317"),
        (
            ("Microsoft Corporation", "Surface Laptop 5"),
            ("LENOVO", "ThinkPad T14"),
            ("Dell Inc.", "Latitude 7440"),
            ("HP", "EliteBook 840"),
        ),
        "DESKTOP-{code}",
    ),
    _Model(150, "IPhone", ("17.7.2", "18.1.1", "18.2"), (("Apple", "iPhone 15"),), "iPhone"),
    _Model(30, "IPad", ("17.7.2", "18.2"), (("Apple", "iPad Pro"),), "iPad"),
    _Model(
        120,
        "Android",
        ("13", "14", "15"),
        (("samsung", "SM-S911B"), ("Google", "Pixel 8")),
        "{code}_Android",
    ),
    _Model(80, "MacMDM", ("14.7.2", "15.2"), (("Apple", "MacBook Pro"),), "MAC-{code}"),
    _Model(20, "Linux", ("Ubuntu 22.04", "Ubuntu 24.04"), (("LENOVO", "P1"),), "linux-{code}"),
)
# How Windows devices have joined; all others are only registered.
_TRUSTS = ("AzureAd",) * 5 + ("ServerAd",) * 3 + ("Workplace",) * 2


class Device(NamedTuple):
    """A device, and the number of the user who owns it."""

    record: Record
    owner: int | None


def draw_devices(count: int, seed: int, staff: Staff) -> Iterator[Device]:
    """The first `count` devices of a seed."""
    models = [model for model in _MODELS for _ in range(model.share // 10)]
    for number in range(count):
        draw = Draw(seed, f"device {number}")
        record = _describe(draw, draw.pick(models))
        owned = draw.chance(OWNED_PERCENT) and bool(staff.people)
        yield Device(record, draw.pick(staff.people) if owned else None)


def _describe(draw: Draw, model: _Model) -> Record:
    made = FIRST_HIRE + draw.number(LAST_HIRE - FIRST_HIRE)
    seen = made + draw.number(LAST_HIRE - made + 1)
    maker, name = draw.pick(model.models)
    trust = draw.pick(_TRUSTS) if model.system == "Windows" else "Workplace"
    managed = draw.chance(80)
    device_id = draw.guid()
    record: Record = {
        "id": draw.guid(),
        "accountEnabled": not draw.chance(3),
        "alternativeSecurityIds": [
            {"type": 2, "identityProvider": None, "key": _make_key(draw.digest)}
        ],
        "approximateLastSignInDateTime": format_moment(seen),
        "deviceId": device_id,
        "deviceOwnership": "Personal" if trust == "Workplace" and draw.chance(60) else "Company",
        "deviceVersion": 2,
        "displayName": model.name.format(code=draw.digest[:4].hex().upper()[:7]),
        "manufacturer": maker,
        "model": name,
        "operatingSystem": model.system,
        "operatingSystemVersion": draw.pick(model.versions),
        "physicalIds": [f"[HWID]:h:{draw.number(1 << 62)}", f"[GID]:g:{draw.number(1 << 56)}"],
        "profileType": "RegisteredDevice",
        "registrationDateTime": format_moment(made),
        "trustType": trust,
    }
    if trust == "ServerAd":
        record |= {"onPremisesLastSyncDateTime": format_moment(seen), "onPremisesSyncEnabled": True}
    if managed:
        record |= {
            "enrollmentType": "AzureDomainJoined" if trust == "AzureAd" else "UserEnrollment",
            "isCompliant": draw.chance(90),
            "isManaged": True,
            "isRooted": False,
            "managementType": "MDM",
            "mdmAppId": MANAGER_APP_ID,
        }
    return record


def _make_key(digest: bytes) -> str:
    """The key of an alternative security ID: `X509:<SHA1-TP-PUBKEY>` and a hash, in UTF-16."""
    return base64.b64encode(
        f"X509:<SHA1-TP-PUBKEY>{digest[:20].hex().upper()}".encode("utf-16-le")
    ).decode()
