"""What registering means in each cloud, and what differs between wanted and found: no I/O."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from graphdaemon.auth.msal_sign_in import _refused_to_sign_in
from graphdaemon.errors import SettingsError, UsageError
from graphdaemon.registration.actual import Found
from graphdaemon.registration.admin_graph import fill
from graphdaemon.registration.administrator import PUBLIC_CLIENT
from graphdaemon.registration.desired import Trust, Wish, read_name
from graphdaemon.registration.local_files import Held
from graphdaemon.registration.plan import plan_changes
from graphdaemon.settings.read import read_sign_in_settings

NOW = dt.datetime(2026, 1, 5, 10, tzinfo=dt.UTC)
LATER, EARLIER = "2027-01-05T10:00:00Z", "2026-01-05T09:59:59Z"
USER_READ, GROUP_READ = (
    "df021288-bdef-4463-88db-98f22de89214",
    "5b567255-7703-4780-807c-7be8301ae99b",
)
GRAPH: dict[str, Any] = {
    "id": "graph",
    "appRoles": [
        {"id": number, "value": name, "isEnabled": True, "allowedMemberTypes": ["Application"]}
        for name, number in (("User.Read.All", USER_READ), ("Group.Read.All", GROUP_READ))
    ],
}
THUMBPRINT = "AB" * 20
HELD = Held("certificate", "graphdaemon register 1 on here", None, THUMBPRINT)
KEY = {
    "keyId": "k1",
    "customKeyIdentifier": THUMBPRINT,
    "displayName": HELD.mark,
    "endDateTime": LATER,
}


def application(**changes: Any) -> dict[str, Any]:
    """One that lacks nothing."""
    access = [{"id": USER_READ, "type": "Role"}]
    return {
        "id": "a1",
        "appId": "c1",
        "tags": [Wish().tag],
        "requiredResourceAccess": [
            {"resourceAppId": "00000003-0000-0000-c000-000000000000", "resourceAccess": access}
        ],
        "keyCredentials": [KEY],
        "passwordCredentials": [],
    } | changes


def found(**changes: Any) -> Found:
    values: dict[str, Any] = {
        "application": application(),
        "principal": {"id": "p1", "accountEnabled": True},
        "granted": frozenset({USER_READ}),
    }
    return Found(GRAPH, **(values | changes))


def plan(there: Found, held: Held = HELD, **wish: Any) -> list[str]:
    """The requests, in order, and after a bar what comes when the settings are written."""
    made = plan_changes(Wish(**wish), there, held, NOW)
    before, after = ([f"{c.method} {c.path}" for c in part] for part in (made.before, made.after))
    return [*before, "|", *after]


APP = "/applications/{application}"


@pytest.mark.parametrize(
    ("there", "held", "expected"),
    [
        (found(), HELD, ["|"]),
        (
            Found(GRAPH),
            Held(),
            [
                "PATCH /applications(uniqueName='graphdaemon-graphdaemon')",
                "POST /servicePrincipals",
                f"PATCH {APP}",
                "POST /servicePrincipals/graph/appRoleAssignedTo",
                "|",
            ],
        ),
        (
            Found(GRAPH, deleted={"id": "d1"}),
            HELD,
            ["POST /directory/deletedItems/d1/restore", "|"],
        ),
        (
            found(principal=None, deleted_principal={"id": "d2"}),
            HELD,
            ["POST /directory/deletedItems/d2/restore", "|"],
        ),
        (found(application=application(tags=[])), HELD, [f"PATCH {APP}", "|"]),
        (
            found(principal={"id": "p1", "accountEnabled": False}),
            HELD,
            ["PATCH /servicePrincipals/{principal}", "|"],
        ),
        (
            found(application=application(keyCredentials=[KEY | {"endDateTime": EARLIER}])),
            HELD,
            [f"PATCH {APP}", "|"],
        ),
        (
            found(
                application=application(keyCredentials=[KEY, KEY | {"customKeyIdentifier": "CD"}])
            ),
            HELD,
            ["|", f"PATCH {APP}"],
        ),
        (
            found(application=application(passwordCredentials=[KEY])),
            HELD,
            ["|", f"POST {APP}/removePassword"],
        ),
        (
            found(application=application(passwordCredentials=[KEY | {"displayName": "hers"}])),
            HELD,
            ["|"],
        ),
    ],
    ids="complete nothing binned half-binned untagged disabled expired orphan-key orphan-secret "
    "hers".split(),
)
def test_each_difference_is_one_change(there: Found, held: Held, expected: list[str]) -> None:
    """And what is as it should be is left alone."""
    planned = plan(there, held)
    if there.principal is None and there.deleted_principal is not None:
        planned = [one for one in planned if "appRoleAssignedTo" not in one]

    assert planned == expected


def test_keys_of_others_stay_when_one_is_added() -> None:
    """Graph takes the whole list: what is left out is gone."""
    hers = {"keyId": "h", "displayName": "hers", "customKeyIdentifier": "EF" * 20, "key": "MII"}
    lost = KEY | {"customKeyIdentifier": "CD" * 20}
    there = found(application=application(keyCredentials=[hers, lost]))

    (change,) = plan_changes(Wish(), there, HELD, NOW).before

    assert change.body is not None
    assert [one.get("keyId") for one in change.body["keyCredentials"]] == ["h", None]
    assert [one["key"] for one in change.body["keyCredentials"]] == [None, "{certificate}"]


def test_what_is_asked_of_other_apis_stays() -> None:
    """Permissions are added, never taken."""
    others = [{"resourceAppId": "ledger", "resourceAccess": [{"id": "x", "type": "Role"}]}]
    there = found(application=application(requiredResourceAccess=others), granted=frozenset())

    repair, grant = plan_changes(Wish(permissions=("Group.Read.All",)), there, HELD, NOW).before

    assert repair.body is not None
    assert grant.body is not None
    assert repair.body["requiredResourceAccess"][0] == others[0]
    access = repair.body["requiredResourceAccess"][1]["resourceAccess"]
    assert access == [{"id": GROUP_READ, "type": "Role"}]
    assert grant.body["appRoleId"] == GROUP_READ


@pytest.mark.parametrize("name", ["User.Read", "", "Users.Read.All", "Tasks.Nobody.Knows"])
def test_only_graphs_own_application_permissions_count(name: str) -> None:
    """By the tenant's own list, with what is near, or with where to look."""
    with pytest.raises(UsageError) as caught:
        plan(found(), permissions=(name,))

    assert caught.value.hint


@pytest.mark.parametrize("name", ["", "a'b", "a/b", "{application}", "x" * 101, " a", "a\nb"])
def test_a_name_that_could_be_something_else_is_none(name: str) -> None:
    """It stands in addresses, filters and files."""
    with pytest.raises(UsageError):
        read_name(name)


def test_a_federated_credential_is_named_by_what_it_trusts() -> None:
    """The same trust has the same name, another one another; Graph takes 120 signs."""
    one = Trust("github", "https://a", "repo:a/b:ref:refs/heads/" + "x" * 500)

    assert one.name == Trust(*one).name
    assert one.name != one._replace(subject="other").name
    assert len(one.name) <= 120


def test_only_known_places_are_filled() -> None:
    """Braces of other people's stay."""
    value = {"a": ["{client_id}", "{other}", 1, None], "b": "x{principal}y"}

    assert fill(value, {"client_id": "c", "principal": "p"}) == {
        "a": ["c", "{other}", 1, None],
        "b": "xpy",
    }


@pytest.mark.parametrize(
    ("cloud", "login", "graph"),
    [
        ("public", "login.microsoftonline.com", "graph.microsoft.com"),
        ("usgov", "login.microsoftonline.us", "graph.microsoft.us"),
        ("usgovdod", "login.microsoftonline.us", "dod-graph.microsoft.us"),
        ("china", "login.partner.microsoftonline.cn", "microsoftgraph.chinacloudapi.cn"),
    ],
)
@pytest.mark.parametrize("tenant", [None, "contoso.example"])
def test_each_cloud_has_its_own_addresses(
    cloud: str, login: str, graph: str, tenant: str | None
) -> None:
    """Nothing but the cloud's name is needed; without a tenant it is whose signs in."""
    place = read_sign_in_settings(PUBLIC_CLIENT, {}, {}, {"cloud": cloud, "tenant": tenant})

    assert place.authority == f"https://{login}/{tenant or 'organizations'}"
    assert place.graph_root == f"https://{graph}/v1.0"
    assert place.scope == (f"https://{graph}/.default",)


def test_the_cloud_is_known_by_the_authority() -> None:
    """As everywhere."""
    place = read_sign_in_settings(
        PUBLIC_CLIENT, {}, {"AZURE_AUTHORITY_HOST": "login.microsoftonline.us"}, {}
    )

    assert (place.authority, place.graph_root) == (
        "https://login.microsoftonline.us/organizations",
        "https://graph.microsoft.us/v1.0",
    )


def test_an_option_beats_a_variable_and_that_an_earlier_run() -> None:
    """An app's own settings in the environment do not matter."""
    file = {"authority": "https://login.microsoftonline.com/first", "secret": "s", "client_id": "c"}
    environment = {"AZURE_CLIENT_ID": "other", "AZURE_CLIENT_SECRET": "s"}

    first = read_sign_in_settings(PUBLIC_CLIENT, file, environment, {})
    second = read_sign_in_settings(
        PUBLIC_CLIENT, file, environment | {"AZURE_TENANT_ID": "second"}, {}
    )
    third = read_sign_in_settings(
        PUBLIC_CLIENT, file, {"AZURE_TENANT_ID": "second"}, {"tenant": "third"}
    )

    tenants = [(one.authority or "").rpartition("/")[2] for one in (first, second, third)]
    assert tenants == ["first", "second", "third"]
    assert {one.client_id for one in (first, second, third)} == {PUBLIC_CLIENT}


def test_a_cloud_that_the_authority_is_not_of_is_refused() -> None:
    """The token would go elsewhere."""
    given = {"cloud": "china", "authority": "https://login.microsoftonline.com/contoso.example"}
    with pytest.raises(SettingsError, match="the authority belongs to public"):
        read_sign_in_settings(PUBLIC_CLIENT, {}, {}, given)


def test_a_federated_app_that_trusts_nobody_is_asked_whom_to_trust() -> None:
    """Registered again after it was deleted for good: the settings do not say."""
    with pytest.raises(UsageError, match="trusts nobody") as caught:
        plan(Found(GRAPH), Held("federated"))

    assert "--federated" in (caught.value.hint or "")


REFUSED = {
    "declined": ("authorization_declined", None, "sign_in_declined"),
    "closed": ("access_denied", 65004, "sign_in_unconsented"),
    "reserved": ("access_denied", 90094, "sign_in_unconsented"),
    "late": ("expired_token", 70020, "sign_in_expired"),
    "never": ("authorization_pending", 70016, "sign_in_expired"),
    "no such client": ("unauthorized_client", 700016, "client_unknown"),
    "no such tenant": ("invalid_request", 90002, "tenant_unknown"),
    "policy": ("invalid_grant", 53003, "access_blocked"),
    "own trouble": ("temporarily_unavailable", None, "identity_unavailable"),
    "another": ("invalid_grant", 50126, "sign_in_failed"),
}


@pytest.mark.parametrize(("error", "number", "case"), REFUSED.values(), ids=REFUSED)
def test_a_sign_in_that_fails_says_what_to_do(error: str, number: int | None, case: str) -> None:
    """By the number, or by OAuth's word; the exit code is 4."""
    text = f"AADSTS{number}: It is so. Trace ID: 1" if number else "It is so."
    place = read_sign_in_settings(PUBLIC_CLIENT, {}, {}, {})

    refused = _refused_to_sign_in({"error": error, "error_description": text}, place)

    assert (refused.case, refused.exit_code) == (case, 4)
    assert refused.hint
    assert "Trace ID" not in str(refused)
