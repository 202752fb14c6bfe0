"""Credentials as rows: what ends when, what breaks which rule, and values that nobody expects."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import pytest

from graphdaemon.client.reports.credentials import (
    CredentialRow,
    CredentialRules,
    Holder,
    Longest,
    list_credentials,
    read_policy,
)

NOW = dt.datetime(2026, 11, 30, tzinfo=dt.UTC)
MONTH = dt.timedelta(days=30)


def secret(**changes: Any) -> dict[str, Any]:
    return {
        "keyId": "k",
        "displayName": "nightly",
        "startDateTime": "2026-01-01T00:00:00Z",
        "endDateTime": "2027-01-01T00:00:00Z",
    } | changes


def rows(
    record: Mapping[str, Any], rules: CredentialRules | None = None, **more: Any
) -> list[CredentialRow]:
    whole = {"id": "o", "appId": "a", "displayName": "App"} | dict(record)
    more = {"owners": ["ana"], **more}
    return list(list_credentials(whole, "application", rules or CredentialRules(NOW), **more))


def row(changes: Mapping[str, Any], rules: CredentialRules | None = None) -> CredentialRow:
    (one,) = rows({"passwordCredentials": [secret(**changes)]}, rules)
    return one


def test_a_secret_is_described_with_its_holder() -> None:
    one = row({})

    assert (one.display_name, one.holder, one.kind, one.name) == (
        "App",
        "application",
        "secret",
        "nightly",
    )
    assert (one.days_left, one.state, one.lifetime_days) == (32, "valid", 365)
    assert (one.key_id, one.app_id, one.id, one.owners) == ("k", "a", "o", ["ana"])
    assert (one.use, one.findings) == ("unknown", [])


@pytest.mark.parametrize(
    ("end", "days", "findings"),
    [
        ("2026-11-29T23:59:59Z", 0, ["expired"]),
        ("2026-11-30T00:00:00Z", 0, ["expired"]),
        ("2026-11-30T00:00:01.0000000Z", 0, ["ends_soon"]),
        ("2026-12-30T00:00:00Z", 30, ["ends_soon"]),
        ("2026-12-30T00:00:01Z", 30, []),
        ("2020-11-30T00:00:00Z", -2191, ["expired"]),
        ("9999-12-31T23:59:59.9999999Z", 2912109, []),
        (None, None, []),
        ("tomorrow", None, []),
    ],
)
def test_what_ends_soon_is_told_to_the_second(
    end: str | None, days: int | None, findings: list[str]
) -> None:
    one = row({"endDateTime": end}, CredentialRules(NOW, within=MONTH))

    assert (one.days_left, one.findings) == (days, findings)


def test_a_credential_of_the_future_is_early() -> None:
    assert row({"startDateTime": "2026-12-01T00:00:00Z"}).state == "early"
    assert row({"endDateTime": None}).state == "endless"


@pytest.mark.parametrize(
    ("changes", "is_long"),
    [
        ({"endDateTime": "2026-06-30T00:00:00Z"}, False),
        ({"endDateTime": "2026-06-30T00:00:01Z"}, True),
        ({"endDateTime": None}, True),
        ({"startDateTime": None}, False),
    ],
)
def test_longer_than_the_policy_is_told_to_the_second(
    changes: Mapping[str, Any], is_long: bool
) -> None:
    """A credential that never ends is too long; one of unknown beginning cannot be judged."""
    longest: dict[tuple[str, Holder], Longest] = {("secret", "application"): Longest(180 * 86_400)}
    one = row(changes, CredentialRules(NOW, longest=longest))

    assert ("too_long" in one.findings) is is_long


def test_a_policy_may_be_for_newer_applications_alone() -> None:
    bound = Longest(86_400, dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    rules = CredentialRules(NOW, longest={("secret", "application"): bound})

    def is_long(made: str | None) -> bool:
        record = {"createdDateTime": made, "passwordCredentials": [secret()]}
        return "too_long" in rows(record, rules)[0].findings

    assert [is_long("2026-01-01T00:00:00Z"), is_long("2025-12-31T23:59:59Z"), is_long(None)] == [
        True,
        False,
        False,
    ]


def test_use_is_unknown_without_a_record_of_it() -> None:
    """What is new is not said to be unused: it may be on its way to where it is used."""
    used = {"k": dt.datetime(2026, 11, 1, tzinfo=dt.UTC), "null": None}

    def told(key: str, start: str = "2026-01-01T00:00:00Z") -> tuple[str, list[str]]:
        one = row({"keyId": key, "startDateTime": start}, CredentialRules(NOW, used=used))
        return one.use, one.findings

    assert told("k") == ("recorded", [])
    assert told("null") == told("other") == ("none recorded", ["unused"])
    assert told("other", "2026-11-01T00:00:00Z") == ("none recorded", [])
    assert row({}, CredentialRules(NOW, used=used)).last_used_date_time == "2026-11-01T00:00:00Z"


def test_a_saml_certificate_is_one_row_of_the_three_that_graph_has() -> None:
    times = {"startDateTime": "2026-01-01T00:00:00Z", "endDateTime": "2029-01-01T00:00:00Z"}
    part = {"customKeyIdentifier": "AB", "displayName": "CN=SSO", **times}
    record = {
        "id": "o",
        "keyCredentials": [
            {**part, "keyId": "v", "usage": "Verify"},
            {**part, "keyId": "s", "usage": "Sign"},
            {**part, "customKeyIdentifier": "CD", "keyId": "other", "usage": "Verify"},
        ],
        "passwordCredentials": [{**part, "keyId": "s"}, secret()],
    }
    rules = CredentialRules(NOW, used={"v": NOW})

    found = list(list_credentials(record, "servicePrincipal", rules, owners=[]))

    assert [(one.kind, one.key_id, one.use) for one in found] == [
        ("secret", "k", "none recorded"),
        ("certificate", "other", "none recorded"),
        ("samlCertificate", "s", "recorded"),
    ]
    assert all("no_owner" in one.findings for one in found)


def test_a_federated_credential_never_ends_and_is_never_too_long() -> None:
    rules = CredentialRules(NOW, within=MONTH, longest={("secret", "application"): Longest(1)})
    (one,) = rows({}, rules, federated=[{"id": "f", "name": "ci"}])

    assert (one.kind, one.state, one.name, one.findings) == ("federated", "endless", "ci", [])
    assert (one.key_id, one.use) == ("f", "unknown")


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"passwordCredentials": None, "keyCredentials": "none"},
        {"passwordCredentials": [None, 7, "x"], "keyCredentials": {"a": 1}},
    ],
)
def test_an_application_without_credentials_has_no_row(record: Mapping[str, Any]) -> None:
    assert rows(record) == []


def test_a_credential_of_nothing_but_odd_values_is_a_row() -> None:
    odd = {"keyId": 7, "displayName": ["<b>"], "startDateTime": {}, "endDateTime": "31.12.2026"}
    record: dict[str, Any] = {"displayName": None, "appId": 3, "passwordCredentials": [odd]}
    record["keyCredentials"] = [{}]

    found = rows(record, owners=None)

    assert [(one.kind, one.key_id, one.name, one.state) for one in found] == [
        ("secret", None, None, "endless"),
        ("certificate", None, None, "endless"),
    ]
    assert found[0].owners is None
    assert found[0].findings == []


def test_the_policy_of_a_tenant_bounds_secrets_and_certificates() -> None:
    """Restrictions that are disabled, of another kind or of no form bound nothing."""
    policy = {
        "isEnabled": True,
        "applicationRestrictions": {
            "passwordCredentials": [
                {"restrictionType": "passwordAddition", "maxLifetime": None, "state": "enabled"},
                {
                    "restrictionType": "passwordLifetime",
                    "maxLifetime": "P90D",
                    "restrictForAppsCreatedAfterDateTime": "2026-01-01T00:00:00Z",
                    "state": "enabled",
                },
            ],
            "keyCredentials": [
                {
                    "restrictionType": "asymmetricKeyLifetime",
                    "maxLifetime": "P1Y",
                    "state": "disabled",
                }
            ],
        },
        "servicePrincipalRestrictions": {
            "passwordCredentials": None,
            "keyCredentials": [
                {"restrictionType": "asymmetricKeyLifetime", "maxLifetime": "P1Y"},
            ],
        },
    }

    assert read_policy(policy) == {
        ("secret", "application"): Longest(90 * 86_400.0, dt.datetime(2026, 1, 1, tzinfo=dt.UTC)),
        ("certificate", "servicePrincipal"): Longest(365 * 86_400.0),
    }
    assert read_policy(policy | {"isEnabled": False}) == {}
    assert read_policy({"isEnabled": True, "applicationRestrictions": None}) == {}
