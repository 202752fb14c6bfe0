"""Certificates in requests: `keyCredentials`, and proofs of having the key of one."""

import base64
from collections.abc import Collection
from typing import Any, NamedTuple

import jwt
import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from entra_emulator.clock import format_iso, parse_iso
from entra_emulator.directory.credentials import Credential
from entra_emulator.errors import deny
from entra_emulator.graph.call import Call
from entra_emulator.model.applications import draft_key, name_subject, read_certificate
from entra_emulator.model.records import Certificate, Record
from entra_emulator.tokens.jwt import read_number

_decode = msgspec.json.Decoder(Record).decode

# "The audience needs to be 00000002-0000-0000-c000-000000000000 … exp should be nbf + 10 minutes"
# ("Generate proof-of-possession tokens for rolling keys").
PROOF_AUDIENCE = "00000002-0000-0000-c000-000000000000"
LONGEST_PROOF = 600
# How many seconds clocks may differ; chosen.
LEEWAY = 300


class CertificateChanges(NamedTuple):
    """
    How an application's certificates change: its `keyCredentials` afterwards.

    `added` prove its identity from now on; those with the key IDs in `dropped` no longer do.
    """

    records: list[Record]
    added: list[Credential]
    dropped: list[str]


def reconcile_keys(call: Call, present: list[Record], sent: list[Record]) -> CertificateChanges:
    """
    The `keyCredentials` that were sent, in the place of those that are present.

    A certificate that is present already is sent again with its key ID and without its key.

    Raises:
        GraphRefusal: 400.
    """
    present_by_id = {entry["keyId"]: entry for entry in present}
    records: list[Record] = []
    added: list[Credential] = []
    for item in sent:
        key_id = item.get("keyId")
        if key_id in present_by_id:
            _check_unchanged(present_by_id[key_id], item)
            records.append(present_by_id[key_id])
        else:
            entry, credential = read_key(call, item)
            records.append(entry)
            added.append(credential)
    ids = {entry["keyId"] for entry in records}
    return CertificateChanges(
        records, added, [key_id for key_id in present_by_id if key_id not in ids]
    )


def replace_keys(call: Call, holder: str, record: Record, sent: list[Record]) -> list[Record]:
    """Put the `keyCredentials` that were sent in the place of the record's, and return them."""
    keys = reconcile_keys(call, record["keyCredentials"], sent)
    check_distinct(record | {"keyCredentials": keys.records})
    call.directory.credentials.drop(holder, keys.dropped)
    call.directory.credentials.keep(holder, keys.added)
    return keys.records


def disclose_keys(call: Call, kind: str, doc: bytes, select: Collection[str]) -> bytes:
    """
    The object with its certificates' keys, if `$select` names them.

    `key` is "returned only on $select for a single object … otherwise, it's always null"
    (documentation of keyCredential).
    """
    if "keyCredentials" not in select or kind not in {"application", "servicePrincipal"}:
        return doc
    record = _decode(doc)
    application = kind == "application"
    certificates = call.directory.credentials.list_certificates(
        record["appId"] if application else "", principal_id="" if application else record["id"]
    )
    keys = {row.key_id: base64.b64encode(row.der).decode() for row in certificates}
    shown = [entry | {"key": keys.get(entry["keyId"])} for entry in record["keyCredentials"]]
    return msgspec.json.encode(record | {"keyCredentials": shown})


def check_distinct(record: Record) -> None:
    """Refuse, with 400, two credentials that have one ID."""
    entries = (*record["keyCredentials"], *record["passwordCredentials"])
    if len({entry["keyId"] for entry in entries}) < len(entries):
        raise deny("values_repeated")


def read_key(call: Call, item: Record) -> tuple[Record, Credential]:
    """A new certificate: its record, its credential; `GraphRefusal` 400 for a bad value."""
    if not item.get("key"):
        raise deny("value_missing", name="key", resource="KeyCredential")
    kind, usage = item.get("type") or "AsymmetricX509Cert", item.get("usage") or "Verify"
    # The other kinds encrypt or sign SAML tokens, and prove no identity.
    if (kind, usage) != ("AsymmetricX509Cert", "Verify"):
        raise deny("not_emulated", what=f"keys of type {kind} to {usage}")
    certificate, der = _read_der(item["key"])
    begins = certificate.not_valid_before_utc.timestamp()
    ends = certificate.not_valid_after_utc.timestamp()
    start = item.get("startDateTime") or format_iso(begins)
    end = item.get("endDateTime") or format_iso(ends)
    # A key may end before its certificate does, never after it.
    if not parse_iso(start) < parse_iso(end) <= ends:
        raise deny("key_end_wrong")
    key_id = item.get("keyId") or call.directory.new_id()
    name = item.get("displayName") or name_subject(certificate)
    entry = draft_key(key_id, der, name, start=start, end=end)
    return entry, Credential(key_id, "certificate", der, parse_iso(start), parse_iso(end))


def check_proof(call: Call, object_id: str, certificates: list[Certificate], proof: object) -> None:
    """
    Refuse, with 401, a caller that cannot sign as the application does.

    The proof is a token that one of the certificates' keys signed, with the object ID as its `iss`.
    """
    for certificate in certificates:
        # An expired certificate vouches for no new one ("application: addKey").
        if certificate.start - LEEWAY <= call.now <= certificate.end + LEEWAY:
            claims = _read_proof(certificate, proof)
            if claims is not None and _is_sound(claims, object_id, call.now):
                return
    raise deny("proof_invalid")


def _check_unchanged(entry: Record, item: Record) -> None:
    # The service refuses every change of a certificate (seen: Azure/azure-powershell#6784).
    for name, value in item.items():
        # Clients send back what they read, and there `key` is null.
        if name == "customKeyIdentifier" or value is None:
            continue
        if name == "key":
            _, der = _read_der(value)
            same = draft_key("", der, None, start="", end="")["customKeyIdentifier"]
            unchanged = same == entry["customKeyIdentifier"]
        else:
            unchanged = value == entry[name]
        if not unchanged:
            raise deny("key_changed", key=entry["keyId"])


def _read_der(key: str) -> tuple[x509.Certificate, bytes]:
    """The certificate in a `key`, in DER or, as some clients send it, in PEM."""
    try:
        raw = base64.b64decode(key + "=" * (-len(key) % 4))
        if raw.startswith(b"-----BEGIN"):
            certificate = x509.load_pem_x509_certificate(raw)
            raw = base64.b64decode(b"".join(raw.split(b"-----")[2].split()))
        certificate = read_certificate(raw)
    except (ValueError, IndexError) as error:
        raise deny("key_unreadable") from error
    return certificate, raw


def _read_proof(certificate: Certificate, proof: object) -> dict[str, Any] | None:
    """The claims of a proof that this certificate's key signed."""
    public_key = read_certificate(certificate.der).public_key()
    assert isinstance(public_key, RSAPublicKey)
    if not isinstance(proof, str):
        return None
    try:
        # The signature is checked here, the claims afterwards: clocks differ.
        claims: dict[str, Any] = jwt.decode(
            proof,
            public_key,
            algorithms=["RS256", "PS256"],
            options={
                "verify_aud": False,
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
                "verify_iss": False,
            },
        )
    except (jwt.InvalidTokenError, ValueError):
        return None
    return claims


def _is_sound(claims: dict[str, Any], object_id: str, now: float) -> bool:
    starts, ends = read_number(claims.get("nbf")), read_number(claims.get("exp"))
    if starts is None or ends is None or not 0 < ends - starts <= LONGEST_PROOF:
        return False
    if not starts - LEEWAY <= now < ends + LEEWAY:
        return False
    return claims.get("aud") == PROOF_AUDIENCE and str(claims.get("iss")).lower() == object_id
