"""Draw secrets and certificates of every age: expired, soon to end, and valid for long."""

import base64
from typing import NamedTuple

from entra_emulator.content.seeding.draw import Draw, format_moment
from entra_emulator.model.applications import draft_key, draft_password
from entra_emulator.model.records import Record

_DAY = 86_400


class _Age(NamedTuple):
    """From how many days before today a credential is valid, and until how many days after it."""

    begun: int
    left: int


# By the application's number, so that a small tenant has one of each sort.
_AGES = (
    _Age(730, -400),
    _Age(340, 25),
    _Age(200, 530),
    _Age(1_100, 36_000),
    _Age(366, -1),
    _Age(89, 91),
    _Age(725, 5),
    _Age(3_000, 650),
)


def draw_credentials(draw: Draw, number: int, today: int) -> Record:
    """The credentials of the application of this number; a quarter of them has none."""
    record: Record = {}
    if draw.chance(65):
        age = _AGES[number % len(_AGES)]
        record["passwordCredentials"] = [_draft_secret(draw, age, today)]
        # Who rotates a secret leaves the old one for a while.
        if draw.chance(25):
            rotated = _Age(age.begun + 300, age.left - 300)
            record["passwordCredentials"].append(_draft_secret(draw, rotated, today))
    if draw.chance(30):
        age = _AGES[(number * 3 + 1) % len(_AGES)]
        start, end = _span(age, today)
        # Of no certificate at all: the digest stands in for one's bytes.
        record["keyCredentials"] = [
            draft_key(draw.guid(), draw.digest, "CN=nightly", start=start, end=end)
        ]
    return record


def draw_signing(draw: Draw, number: int, today: int) -> Record:
    """
    A certificate that signs SAML tokens, as "addTokenSigningCertificate" makes it.

    It is there three times: to sign, to verify, and as the password of the private key.
    """
    start, end = _span(_AGES[(number + 1) % len(_AGES)], today)
    name = "CN=Microsoft Azure Federated SSO Certificate"
    verify = draft_key(draw.guid(), draw.digest, name, start=start, end=end)
    sign = verify | {"keyId": draw.guid(), "type": "X509CertAndPassword", "usage": "Sign"}
    key_id = sign["keyId"]
    # Two halves of one pair: the password has the ID of the half that signs.
    password = draft_password(
        key_id, base64.b64encode(draw.digest).decode(), name, start=start, end=end
    )
    password |= {"customKeyIdentifier": verify["customKeyIdentifier"], "hint": None}
    return {
        "keyCredentials": [sign, verify],
        "passwordCredentials": [password],
        "preferredTokenSigningKeyThumbprint": verify["customKeyIdentifier"],
    }


def _draft_secret(draw: Draw, age: _Age, today: int) -> Record:
    """A secret that nobody knows."""
    start, end = _span(age, today)
    name = "rbac" if draw.chance(20) else None
    return draft_password(draw.guid(), draw.digest[:3].hex(), name, start=start, end=end)


def _span(age: _Age, today: int) -> tuple[str, str]:
    return format_moment(today - age.begun * _DAY), format_moment(today + age.left * _DAY)
