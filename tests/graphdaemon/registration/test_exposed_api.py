"""`graphdaemon register --expose`: an API in a tenant, its roles and its callers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from entra_emulator.faults.fault import Fault
from graphdaemon.diagnosis.token_claims import read_claims
from graphdaemon.errors import GraphError, UsageError
from graphdaemon.registration.exposed_api import DEFAULT_URI, ExposedApi, read_exposed_api
from tests.support.emulator_probe import App, register
from tests.support.graph_writer import Writer
from tests.support.register_tenant import Site

ROLE, OTHER = "Orders.Read.All", "Orders.ReadWrite.All"


def expose(*roles: str, uri: str = "api://", assign: tuple[str, ...] = ()) -> ExposedApi:
    return read_exposed_api(uri, roles, assign)


def holders(site: Site) -> list[tuple[str, str]]:
    """Who holds which role of the API: names, as they are in truth."""
    names = {role["id"]: role["value"] for role in site.app["appRoles"]}
    rows = site.writer.get(f"/servicePrincipals/{site.principal['id']}/appRoleAssignedTo")
    return sorted((row["principalDisplayName"], names[row["appRoleId"]]) for row in rows["value"])


def asked(site: Site, caller: App) -> list[tuple[str, list[str]]]:
    """Which roles of which API the caller's registration asks for."""
    path = f"/applications(appId='{caller.client_id}')"
    names = {role["id"]: role["value"] for role in site.app["appRoles"]}
    return [
        (resource["resourceAppId"], [names[one["id"]] for one in resource["resourceAccess"]])
        for resource in site.writer.get(path)["requiredResourceAccess"]
    ]


def roles_of(site: Site) -> list[tuple[str, bool, list[str]]]:
    return [
        (role["value"], role["isEnabled"], role["allowedMemberTypes"])
        for role in site.app["appRoles"]
    ]


@pytest.fixture
def caller(site: Site) -> App:
    """Another app of the same tenant."""
    return register(site.probe, tenant=site.tenant, name=f"Caller of {site.name}")


def test_from_nothing_to_an_api_with_a_caller(site: Site, caller: App) -> None:
    """URI, role, version 2, service principal, assignment: the caller's next token has the role."""
    exposed = expose(ROLE, assign=(f"{caller.client_id}:{ROLE}",))

    done = site.register(exposed=exposed)

    uri = f"api://{done.client_id}"
    assert (done.kind, done.changed, done.roles) == ("api", True, ())
    assert site.app["identifierUris"] == [uri]
    assert site.app["api"]["requestedAccessTokenVersion"] == 2
    assert (site.app["keyCredentials"], site.app["passwordCredentials"]) == ([], [])
    assert site.app["requiredResourceAccess"] == []
    assert roles_of(site) == [(ROLE, True, ["Application"])]
    assert holders(site) == [(f"Caller of {site.name}", ROLE)]
    assert asked(site, caller) == [(done.client_id, [ROLE])]
    assert site.settings["audience"] == [uri]
    assert site.settings["roles"] == [ROLE]
    assert site.settings["client_id"] == done.client_id
    claims = read_claims(caller.token(scope=f"{uri}/.default")) or {}
    assert (claims["ver"], claims["aud"], claims["roles"]) == ("2.0", done.client_id, [ROLE])


def test_a_second_run_changes_nothing(site: Site, caller: App) -> None:
    """Neither in the tenant nor here, also where the caller is given by its name."""
    exposed = expose(ROLE, assign=(f"Caller of {site.name}:{ROLE}",))
    site.register(exposed=exposed)
    before = (site.app, site.principal, holders(site), site.settings)
    site.said.clear()

    done = site.register(exposed=exposed)

    assert (done.changed, site.said, site.plan(exposed=exposed)) == (False, [], ())
    assert (site.app, site.principal, holders(site), site.settings) == before


def test_the_caller_asks_for_all_that_it_was_given_and_keeps_what_it_asked_for(
    site: Site, caller: App
) -> None:
    """Its registration shows the roles as the portal would have added them."""
    graph = "00000003-0000-0000-c000-000000000000"
    access = [{"id": "df021288-bdef-4463-88db-98f22de89214", "type": "Role"}]
    path = f"/applications(appId='{caller.client_id}')"
    hers = {"resourceAppId": graph, "resourceAccess": access}
    site.writer.patch(path, {"requiredResourceAccess": [hers]})
    site.register(exposed=expose(ROLE, assign=(f"{caller.client_id}:{ROLE}",)))

    site.register(exposed=expose(OTHER, assign=(f"{caller.client_id}:{OTHER}",)))

    first, own = site.writer.get(path)["requiredResourceAccess"]
    assert first == hers
    assert own["resourceAppId"] == site.settings["client_id"]
    assert [one["id"] for one in own["resourceAccess"]] == [
        role["id"] for role in site.app["appRoles"]
    ]


def test_a_caller_that_may_not_be_changed_gets_its_role_all_the_same(
    site: Site, caller: App
) -> None:
    """The role counts, whatever the caller's registration shows."""
    permissions = ("Application.ReadWrite.OwnedBy", "Application.Read.All")
    registrar = register(
        site.probe, *permissions, "AppRoleAssignment.ReadWrite.All", tenant=site.tenant, name="R"
    )
    limited = replace(site, writer=Writer(registrar, registrar.token()))

    limited.register(exposed=expose(ROLE, assign=(f"{caller.client_id}:{ROLE}",)))

    assert holders(site) == [(f"Caller of {site.name}", ROLE)]
    asking = site.said.index(f"Request it in the registration of {caller.client_id}")
    assert (
        site.said[asking + 1]
        == "  refused, because the app belongs to somebody else. It works without this."
    )
    path = f"/applications(appId='{caller.client_id}')"
    assert site.writer.get(path)["requiredResourceAccess"] == []


def test_roles_are_sent_back_without_what_may_not_be_sent(site: Site, caller: App) -> None:
    """Graph shows `origin` with each ("must not be included in any POST or PATCH requests")."""
    site.register(exposed=expose(ROLE))
    assert site.app["appRoles"][0]["origin"] == "Application"

    (change,) = site.plan(exposed=expose(ROLE, OTHER))

    sent = (change.body or {})["appRoles"]
    assert [role["value"] for role in sent] == [ROLE, OTHER]
    assert [role for role in sent if "origin" in role] == []


def test_what_differs_is_repaired_and_nothing_else(site: Site, caller: App) -> None:
    """URI, version, role, assignment come back; further URIs and roles of others stay."""
    exposed = expose(ROLE, assign=(f"{caller.client_id}:{ROLE}",))
    client_id = site.register(exposed=exposed).client_id
    path = f"/applications/{site.app['id']}"
    hers = {**site.app["appRoles"][0], "id": site.app["id"], "value": "Hers", "displayName": "H"}
    mine = {**site.app["appRoles"][0], "isEnabled": False, "allowedMemberTypes": ["User"]}
    row = site.writer.get(f"/servicePrincipals/{site.principal['id']}/appRoleAssignedTo")["value"]
    site.writer.delete(
        f"/servicePrincipals/{site.principal['id']}/appRoleAssignedTo/{row[0]['id']}"
    )
    site.writer.patch(
        path,
        {
            "identifierUris": [f"api://{client_id}/hers"],
            "api": {"requestedAccessTokenVersion": 2},
            "appRoles": [mine, hers],
        },
    )

    assert site.register(exposed=exposed).changed

    assert site.app["identifierUris"] == [f"api://{client_id}", f"api://{client_id}/hers"]
    assert roles_of(site) == [
        (ROLE, True, ["User", "Application"]),
        ("Hers", True, ["Application"]),
    ]
    assert holders(site) == [(f"Caller of {site.name}", ROLE)]
    assert not site.register(exposed=exposed).changed


def test_version_1_becomes_version_2(site: Site) -> None:
    """Also where nothing was said, which means version 1."""
    site.register(exposed=expose())
    path = f"/applications/{site.app['id']}"
    site.writer.patch(path, {"api": {"requestedAccessTokenVersion": None}})

    site.register(exposed=expose())

    assert site.app["api"]["requestedAccessTokenVersion"] == 2


def test_a_role_is_added_to_those_there_are(site: Site, caller: App) -> None:
    """And can be given in the same run."""
    site.register(exposed=expose(ROLE))
    kept = site.app["appRoles"][0]["id"]

    site.register(exposed=expose(OTHER, assign=(f"{caller.client_id}:{OTHER}",)))

    assert [role["value"] for role in site.app["appRoles"]] == [ROLE, OTHER]
    assert site.app["appRoles"][0]["id"] == kept
    assert holders(site) == [(f"Caller of {site.name}", OTHER)]


def test_a_dry_run_shows_every_request_and_sends_none(site: Site, caller: App) -> None:
    """In their order, with placeholders for what is not known yet."""
    exposed = expose(ROLE, assign=(f"{caller.client_id}:{ROLE}",))

    changes = site.plan(exposed=exposed)

    assert [(change.method, change.path) for change in changes] == [
        ("PATCH", f"/applications(uniqueName='graphdaemon-{site.name}')"),
        ("PATCH", "/applications/{application}"),
        ("POST", "/servicePrincipals"),
        ("POST", "/servicePrincipals/{principal}/appRoleAssignedTo"),
        ("PATCH", changes[4].path),
    ]
    assert str(changes[4].body).count("{client_id}") == 1
    assert "identifierUris" not in (changes[0].body or {})
    assert changes[1].body == {"identifierUris": ["api://{client_id}"]}
    assert site.apps == []


def test_it_is_undone_and_made_again(site: Site, caller: App) -> None:
    """The same app comes back from the recycle bin, and nothing of it is made twice."""
    exposed = expose(ROLE, assign=(f"{caller.client_id}:{ROLE}",))
    first = site.register(exposed=exposed)

    assert site.undo()
    assert (site.apps, list(site.folder.iterdir())) == ([], [])

    again = site.register(exposed=exposed)
    assert again.client_id == first.client_id
    assert len(site.app["appRoles"]) == 1
    assert holders(site) == [(f"Caller of {site.name}", ROLE)]


def test_a_verified_domain_makes_a_uri(site: Site) -> None:
    """Of the tenant's own; it is asked for with the app, so that a refusal leaves none behind."""
    uri = f"https://{site.tenant.domains[0]}/orders-{site.name}"

    site.register(exposed=expose(uri=uri))

    assert site.app["identifierUris"] == [uri]
    assert site.settings["audience"] == [uri]


def test_a_foreign_domain_is_refused_in_words(site: Site) -> None:
    """What the service says, what it means, and what to do; no app is left behind."""
    with pytest.raises(GraphError) as refused:
        site.register(exposed=expose(uri="https://fabrikam.example/orders"))

    assert refused.value.case == "uri_refused"
    assert "--expose api://" in (refused.value.hint or "")
    assert site.apps == []


def test_a_uri_of_another_app_is_no_success(site: Site) -> None:
    """The directory's words resemble those for what was made before."""
    uri = f"https://{site.tenant.domains[0]}/{site.name}"
    site.register(exposed=expose(uri=uri))
    other = site.name
    site.name, site.output = f"{other}-2", "second.json"

    with pytest.raises(GraphError) as refused:
        site.register(exposed=expose(uri=uri))

    assert refused.value.case == "uri_taken"
    assert site.apps == []


@pytest.mark.parametrize("status", [503, 504])
def test_a_lost_answer_makes_nothing_twice(site: Site, caller: App, status: int) -> None:
    """Each write is carried out, and its answer is an error: it ends as if it had come."""
    exposed = expose(ROLE, assign=(f"{caller.client_id}:{ROLE}",))
    for method in ("PATCH", "POST"):
        fault = Fault(kind="status", status=status, after=True)
        site.emulator.faults.fail_next(3, fault, route=f"{method} *")

    site.register(exposed=exposed)

    assert roles_of(site) == [(ROLE, True, ["Application"])]
    assert holders(site) == [(f"Caller of {site.name}", ROLE)]


def test_a_lagging_directory_is_waited_for(site: Site, caller: App) -> None:
    """A third of the requests meet a copy that knows nothing of the last minute."""
    exposed = expose(ROLE, assign=(f"{caller.client_id}:{ROLE}",))
    site.emulator.clock.move(120)
    for seed in range(4):
        site.emulator.faults.fail_for(None, Fault(kind="stale", lag=60), chance=0.33, seed=seed)
        site.register(exposed=exposed)
        site.emulator.faults.clear()

        assert holders(site) == [(f"Caller of {site.name}", ROLE)]
        site.undo(purge=True)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("00000000-1111-4222-8333-444444444444", "no apps in the tenant are 00000000"),
        ("Nobody's app", "no apps in the tenant are Nobody's app"),
    ],
)
def test_an_unknown_caller_stops_it_before_anything_is_made(
    site: Site, name: str, words: str
) -> None:
    """The hint says how to bring one into the tenant."""
    with pytest.raises(UsageError, match=words) as refused:
        site.register(exposed=expose(ROLE, assign=(f"{name}:{ROLE}",)))

    assert "graphdaemon register" in (refused.value.hint or "")
    assert site.apps == []


def test_two_callers_of_one_name_are_told_apart_by_their_ids(site: Site, caller: App) -> None:
    """Which are named."""
    register(site.probe, tenant=site.tenant, name=f"Caller of {site.name}")

    with pytest.raises(UsageError, match="2 apps in the tenant") as refused:
        site.register(exposed=expose(ROLE, assign=(f"Caller of {site.name}:{ROLE}",)))

    assert caller.client_id in (refused.value.hint or "")


def test_a_role_that_the_api_has_not_is_not_given(site: Site, caller: App) -> None:
    """A typing error is no role."""
    with pytest.raises(UsageError, match="no app role") as refused:
        site.register(exposed=expose(ROLE, assign=(f"{caller.client_id}:Orders.Raed.All",)))

    assert ROLE in (refused.value.hint or "")
    assert site.apps == []


@pytest.mark.parametrize(
    "text", ["api://", "api:", "api:///", "api://{appId}", "api://{client_id}", "api://{Client ID}"]
)
def test_the_default_uri_has_many_spellings(text: str) -> None:
    """Nobody knows the client ID of an app that is yet to be made."""
    assert read_exposed_api(text, (), ()).uri == DEFAULT_URI


@pytest.mark.parametrize(
    "text",
    [
        "",
        "orders",
        "https://",
        "https://contoso.com/",
        "https://contoso.com/or ders",
        "https://contoso.com/*",
        "https://contoso.com/?a=b",
        "api://{tenant}/orders",
        "api://orders/.default",
        "https://[::1",
        f"api://{'a' * 255}",
    ],
)
def test_what_no_tenant_takes_is_refused_here(text: str) -> None:
    """With the spelling that every tenant takes."""
    with pytest.raises(UsageError, match="cannot be an App ID URI") as refused:
        read_exposed_api(text, (), ())

    assert "--expose api://" in (refused.value.hint or "")


@pytest.mark.parametrize(
    "value", ["", " ", "Orders Read", ".Orders", "Bestellungen.Ändern", "a" * 121]
)
def test_what_is_no_role_is_refused_here(value: str) -> None:
    """As the directory has it for app roles."""
    with pytest.raises(UsageError, match="cannot be the value of an app role"):
        read_exposed_api("api://", (value,), ())


@pytest.mark.parametrize("text", ["", "client", ":Role", "client:", " :Role"])
def test_an_assignment_has_two_parts(text: str) -> None:
    """A caller and a role."""
    with pytest.raises(UsageError, match="does not name a caller and a role"):
        read_exposed_api("api://", (), (text,))
