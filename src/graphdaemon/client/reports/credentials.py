"""The report `credentials`: every secret and certificate, whose it is, and when it ends. Pure."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import msgspec

from graphdaemon.client.reports.values import (
    count_days,
    read_duration,
    read_moment,
    read_objects,
    read_text,
    write_moment,
)

Holder = Literal["application", "servicePrincipal"]
Kind = Literal["secret", "certificate", "samlCertificate", "federated"]

NEW = dt.timedelta(days=30)
"""A credential that has begun more recently is not reported as unused: it may be on its way."""

RULES = {
    "expired": "it has ended",
    "ends_soon": "it ends within the time that --within gives",
    "too_long": "it is valid for longer than the policy, or --longest, allows",
    "unused": "no use of it is recorded, and it is older than 30 days",
    "no_owner": "nobody is its application's owner",
}
"""What this report finds, and what each finding means."""


class CredentialRow(msgspec.Struct, rename="camel"):
    """
    A credential of an application or a service principal.

    Attributes:
        display_name: What its holder is called.
        holder: Where it is: `application` or `servicePrincipal`.
        kind: `secret`, `certificate`, `samlCertificate` (it signs SAML tokens) or `federated`.
        name: What it is called itself.
        start_date_time: When it began to be valid; null where that is not known.
        end_date_time: When it ends; null where it never does.
        days_left: Whole days until then, negative since then; null where it never ends.
        state: `valid`, `expired`, `early` (it is not valid yet) or `endless`.
        lifetime_days: Whole days between its beginning and its end.
        last_used_date_time: When it was last used, as far as that is recorded.
        use: `recorded`, `none recorded`, or `unknown` where the record could not be read.
        owners: The owners of its holder; null where they were not read.
        findings: What was found, each by its name.
        key_id: Its ID.
        app_id: Its holder's client ID.
        id: Its holder's object ID.
    """

    display_name: str | None
    holder: Holder
    kind: Kind
    name: str | None
    start_date_time: str | None
    end_date_time: str | None
    days_left: int | None
    state: Literal["valid", "expired", "early", "endless"]
    lifetime_days: int | None
    last_used_date_time: str | None
    use: Literal["recorded", "none recorded", "unknown"]
    owners: list[str] | None
    findings: list[str]
    key_id: str | None
    app_id: str | None
    id: str


class Longest(NamedTuple):
    """
    How long a credential may be valid, in seconds; None where nothing bounds it.

    Attributes:
        seconds: The bound.
        since: It is for holders that were made from this moment on; None for all.
    """

    seconds: float | None = None
    since: dt.datetime | None = None


class CredentialRules(NamedTuple):
    """
    What credentials are judged by.

    Attributes:
        now: The moment of the report.
        within: What ends within this time from now on ends soon; None judges nothing by it.
        longest: How long a credential may be valid, by `secret` or `certificate` and the holder;
            what is absent is not bounded.
        used: When each credential was last used, by its ID, None where its record has no moment;
            None in place of all where no such record could be read.
    """

    now: dt.datetime
    within: dt.timedelta | None = None
    longest: Mapping[tuple[str, Holder], Longest] = {}
    used: Mapping[str, dt.datetime | None] | None = None


class _Credential(NamedTuple):
    kind: Kind
    ids: tuple[str, ...]
    name: str | None
    start: dt.datetime | None
    end: dt.datetime | None


def list_credentials(
    record: Mapping[str, Any],
    holder: Holder,
    rules: CredentialRules,
    *,
    owners: Sequence[str] | None,
    federated: Sequence[Mapping[str, Any]] = (),
) -> Iterator[CredentialRow]:
    """
    Yield the credentials of an application or service principal.

    Args:
        record: It, as Graph sends it.
        holder: Which of the two it is.
        rules: What its credentials are judged by.
        owners: Its owners' names; None where they were not read.
        federated: Its federated identity credentials.
    """
    for credential in (*_read(record, holder), *map(_read_federated, federated)):
        yield _describe(record, holder, credential, rules, owners)


def _read(record: Mapping[str, Any], holder: Holder) -> Iterator[_Credential]:
    passwords = read_objects(record, "passwordCredentials")
    keys = read_objects(record, "keyCredentials")
    signing = _signing_names(keys) if holder == "servicePrincipal" else frozenset[str]()
    for one in passwords:
        # The password of a signing certificate's private key comes and goes with it.
        if _identifier(one) not in signing:
            yield _make("secret", [one])
    pairs: dict[str, list[Mapping[str, Any]]] = {}
    for one in keys:
        identifier = _identifier(one)
        if identifier in signing:
            pairs.setdefault(identifier, []).append(one)
        else:
            yield _make("certificate", [one])
    for pair in pairs.values():
        yield _make("samlCertificate", pair)


def _signing_names(keys: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    """
    The identifiers of certificates that sign SAML tokens.

    Each is there twice, to sign and to verify, with one identifier and the ID of both halves their
    own ("servicePrincipal: addTokenSigningCertificate").
    """
    signing = {_identifier(one) for one in keys if read_text(one, "usage") == "Sign"}
    return frozenset(signing - {""})


def _identifier(credential: Mapping[str, Any]) -> str:
    return read_text(credential, "customKeyIdentifier") or ""


def _make(kind: Kind, parts: list[Mapping[str, Any]]) -> _Credential:
    # The half that signs is what expires in use; the other one has the same times.
    parts = sorted(parts, key=lambda part: read_text(part, "usage") != "Sign")
    first = parts[0]
    ids = [key_id for part in parts if (key_id := read_text(part, "keyId")) is not None]
    return _Credential(
        kind,
        tuple(ids),
        read_text(first, "displayName"),
        read_moment(first.get("startDateTime")),
        read_moment(first.get("endDateTime")),
    )


def _read_federated(one: Mapping[str, Any]) -> _Credential:
    key_id = read_text(one, "id")
    ids = () if key_id is None else (key_id,)
    return _Credential("federated", ids, read_text(one, "name"), None, None)


def _describe(
    record: Mapping[str, Any],
    holder: Holder,
    credential: _Credential,
    rules: CredentialRules,
    owners: Sequence[str] | None,
) -> CredentialRow:
    start, end = credential.start, credential.end
    last, use = _find_use(credential, rules)
    lifetime = count_days(start, end) if start is not None and end is not None else None
    row = CredentialRow(
        display_name=read_text(record, "displayName"),
        holder=holder,
        kind=credential.kind,
        name=credential.name,
        start_date_time=write_moment(start),
        end_date_time=write_moment(end),
        days_left=None if end is None else count_days(rules.now, end),
        state=_state(credential, rules.now),
        lifetime_days=lifetime,
        last_used_date_time=write_moment(last),
        use=use,
        owners=None if owners is None else list(owners),
        findings=[],
        key_id=credential.ids[0] if credential.ids else None,
        app_id=read_text(record, "appId"),
        id=read_text(record, "id") or "",
    )
    row.findings = [name for name in RULES if _breaks(name, row, record, credential, rules)]
    return row


def _state(
    credential: _Credential, now: dt.datetime
) -> Literal["valid", "expired", "early", "endless"]:
    if credential.end is not None and credential.end <= now:
        return "expired"
    if credential.start is not None and credential.start > now:
        return "early"
    return "endless" if credential.end is None else "valid"


def _find_use(
    credential: _Credential, rules: CredentialRules
) -> tuple[dt.datetime | None, Literal["recorded", "none recorded", "unknown"]]:
    # A federated credential has no key, and so no place in the record of keys.
    if rules.used is None or credential.kind == "federated":
        return None, "unknown"
    moments = [moment for key in credential.ids if (moment := rules.used.get(key)) is not None]
    return (max(moments), "recorded") if moments else (None, "none recorded")


def _breaks(
    rule: str,
    row: CredentialRow,
    record: Mapping[str, Any],
    credential: _Credential,
    rules: CredentialRules,
) -> bool:
    match rule:
        case "expired":
            return row.state == "expired"
        case "ends_soon":
            within, end = rules.within, credential.end
            if within is None or end is None or row.state == "expired":
                return False
            return end - rules.now <= within
        case "too_long":
            return _is_too_long(row.holder, record, credential, rules)
        case "unused":
            is_new = credential.start is not None and credential.start > rules.now - NEW
            return row.use == "none recorded" and not is_new
        case _:
            return row.owners == []


def _is_too_long(
    holder: Holder, record: Mapping[str, Any], credential: _Credential, rules: CredentialRules
) -> bool:
    if credential.kind == "federated":
        return False
    kind = "secret" if credential.kind == "secret" else "certificate"
    longest = rules.longest.get((kind, holder))
    if longest is None or longest.seconds is None:
        return False
    made = read_moment(record.get("createdDateTime"))
    if longest.since is not None and (made is None or made < longest.since):
        return False
    if credential.end is None:
        return True
    if credential.start is None:
        return False
    return (credential.end - credential.start).total_seconds() > longest.seconds


def read_policy(policy: Mapping[str, Any]) -> dict[tuple[str, Holder], Longest]:
    """
    Return how long credentials may be valid by the tenant's default app management policy.

    Source: "tenantAppManagementPolicy resource type", "passwordCredentialConfiguration" and
    "keyCredentialConfiguration".
    """
    if policy.get("isEnabled") is not True:
        return {}
    longest: dict[tuple[str, Holder], Longest] = {}
    holders: tuple[tuple[Holder, str], ...] = (
        ("application", "applicationRestrictions"),
        ("servicePrincipal", "servicePrincipalRestrictions"),
    )
    for holder, name in holders:
        restrictions = policy.get(name)
        if not isinstance(restrictions, dict):
            continue
        for kind, property_, type_ in (
            ("secret", "passwordCredentials", "passwordLifetime"),
            ("certificate", "keyCredentials", "asymmetricKeyLifetime"),
        ):
            for one in read_objects(restrictions, property_):
                if one.get("restrictionType") == type_ and one.get("state") != "disabled":
                    longest[kind, holder] = _read_longest(one)
    return longest


def _read_longest(restriction: Mapping[str, Any]) -> Longest:
    return Longest(
        read_duration(restriction.get("maxLifetime")),
        read_moment(restriction.get("restrictForAppsCreatedAfterDateTime")),
    )
