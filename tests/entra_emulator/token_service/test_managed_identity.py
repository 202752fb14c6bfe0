import http.client
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import jwt
import msal
import pytest
import requests

from entra_emulator.server.emulator import Emulator
from entra_emulator.token_service.managed_identity import IMDS_PATH
from tests.support.emulator_probe import Answer, Probe, register, running

GRAPH = "https://graph.microsoft.com"
USER_ASSIGNED = (
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/"
    "userAssignedIdentities/Worker"
)


@pytest.fixture(scope="module")
def machine(keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Probe]:
    """A machine with an identity of its own and a user-assigned one."""
    data = tmp_path_factory.mktemp("machine")
    with running(keys, data, users=3, managed_identity=True) as probe:
        directory, tenant = probe.emulator.directory, probe.emulator.tenant
        for name, resource_id in (("vm-1", None), ("Worker", USER_ASSIGNED)):
            identity = directory.managed_identities.add(tenant, name, resource_id)
            directory.consents.grant_app_role(tenant, identity.app_id, "User.Read.All")
        yield probe


def identify(machine: Probe, number: int) -> Any:
    """The system-assigned identity, or the user-assigned one."""
    machines = machine.emulator.directory.managed_identities.list_all()
    return sorted(machines, key=lambda machine: machine.resource_id or "")[number]


def get(url: str, headers: dict[str, str], method: str = "GET", **query: str) -> Answer:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    try:
        connection.request(method, f"{parts.path}?{urlencode(query)}", headers=headers)
        response = connection.getresponse()
        found = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, found, response.read())
    finally:
        connection.close()


def ask_imds(emulator: Emulator, **query: str) -> Answer:
    asked = {"api-version": "2018-02-01", "resource": GRAPH} | query
    return get(emulator.imds_url + IMDS_PATH, {"Metadata": "true"}, **asked)


def ask_app_service(emulator: Emulator, **query: str) -> Answer:
    asked = {"api-version": "2019-08-01", "resource": GRAPH} | query
    headers = {"X-IDENTITY-HEADER": emulator.identity_header}
    return get(emulator.identity_endpoint, headers, **asked)


def claims_of(answer: Answer) -> dict[str, Any]:
    token = answer.json()["access_token"]
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


CHOICES: dict[str, Any] = {
    "its own": (msal.SystemAssignedManagedIdentity, 0),
    "by client ID": (lambda m: msal.UserAssignedManagedIdentity(client_id=m.app_id), 1),
    "by object ID": (lambda m: msal.UserAssignedManagedIdentity(object_id=m.object_id), 1),
    "by resource ID": (lambda m: msal.UserAssignedManagedIdentity(resource_id=m.resource_id), 1),
}


@pytest.mark.parametrize("place", ["IMDS", "App Service"])
@pytest.mark.parametrize("choice", CHOICES.values(), ids=CHOICES)
def test_msal(
    machine: Probe, monkeypatch: pytest.MonkeyPatch, place: str, choice: tuple[Any, int]
) -> None:
    """Unmodified MSAL gets a day's token of every identity from either endpoint."""
    make, number = choice
    emulator, wanted = machine.emulator, identify(machine, number)
    if place == "IMDS":
        monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", emulator.imds_url)
    else:
        monkeypatch.setenv("IDENTITY_ENDPOINT", emulator.identity_endpoint)
        monkeypatch.setenv("IDENTITY_HEADER", emulator.identity_header)
    with requests.Session() as session:
        session.trust_env = False
        identity = make() if number == 0 else make(wanted)
        client = msal.ManagedIdentityClient(identity, http_client=session)
        answer = client.acquire_token_for_client(resource=GRAPH)

    assert answer.get("token_type") == "Bearer", answer
    assert 86_390 <= answer["expires_in"] <= 86_400
    token = answer["access_token"]
    claims = jwt.decode(token, options={"verify_signature": False})
    assert (claims["appid"], claims["oid"]) == (wanted.app_id, wanted.object_id)
    users = machine.get("/v1.0/users", Authorization=f"Bearer {token}")
    assert users.status == 200


def test_msal_unknown_identity(machine: Probe, monkeypatch: pytest.MonkeyPatch) -> None:
    """MSAL hands on that there is no such identity."""
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", machine.emulator.imds_url)
    with requests.Session() as session:
        session.trust_env = False
        client = msal.ManagedIdentityClient(
            msal.UserAssignedManagedIdentity(client_id="nobody"), http_client=session
        )
        answer = client.acquire_token_for_client(resource=GRAPH)

    expected = {"error": "invalid_request", "error_description": "Identity not found"}
    assert answer == expected


def test_imds_answer(machine: Probe) -> None:
    """IMDS answers with the documented keys, numbers as strings, about a managed identity."""
    answer = ask_imds(machine.emulator)

    content, claims = answer.json(), claims_of(answer)
    assert list(content) == [
        "access_token",
        "refresh_token",
        "expires_in",
        "expires_on",
        "not_before",
        "resource",
        "token_type",
    ]
    assert all(isinstance(value, str) for value in content.values())
    assert content["expires_in"] == "86399"
    assert int(content["expires_on"]) == claims["exp"]
    assert int(content["not_before"]) == claims["nbf"] <= time.time()
    assert (content["resource"], content["refresh_token"]) == (GRAPH, "")
    assert claims["appidacr"] == "2"
    assert claims["xms_mirid"].endswith("/virtualMachines/vm-1")


def test_app_service_answer(machine: Probe) -> None:
    """App Service answers with the documented keys."""
    answer = ask_app_service(machine.emulator)

    content = answer.json()
    expected = ["access_token", "expires_on", "resource", "token_type", "client_id"]
    assert list(content) == expected
    assert content["expires_on"] == str(claims_of(answer)["exp"])
    assert content["client_id"] == identify(machine, 0).app_id


def test_imds_refusals(machine: Probe) -> None:
    """IMDS refuses in its own form."""
    emulator = machine.emulator
    url, headers = emulator.imds_url + IMDS_PATH, {"Metadata": "true"}
    query = {"api-version": "2018-02-01", "resource": GRAPH}
    wanted = identify(machine, 1)

    answers = [
        get(url, {}, **query),
        get(url, {"Metadata": "True"}, **query),
        get(url, headers | {"X-Forwarded-For": "10.0.0.1"}, **query),
        get(url, headers, resource=GRAPH),
        ask_imds(emulator, resource=""),
        ask_imds(emulator, object_id="nobody"),
        ask_imds(emulator, client_id=wanted.app_id, object_id=wanted.object_id),
        ask_imds(emulator, resource="https://unknown.example"),
        get(url, headers, "POST", **query),
        get(emulator.imds_url + "/metadata/instance", headers),
        get(url, headers | {"Host": "evil.example"}, **query),
    ]

    found = [(a.status, a.json()["error"], a.json().get("error_description")) for a in answers]
    assert found[:7] == [
        (400, "bad_request_102", "Required metadata header not specified"),
        (400, "bad_request_102", "Required metadata header not specified"),
        (400, "invalid_request", "Request contains X-Forwarded-For header."),
        (400, "invalid_request", "Required query variable 'api-version' is missing"),
        (400, "invalid_request", "Required query variable 'resource' is missing"),
        (400, "invalid_request", "Identity not found"),
        (400, "invalid_request", "Name the identity in one way only"),
    ]
    assert found[7][:2] == (400, "invalid_resource")
    assert found[7][2].startswith("AADSTS500011: The resource principal named https://unknown")
    assert [row[0] for row in found[8:]] == [405, 404, 403]


def test_app_service_refusals(machine: Probe) -> None:
    """App Service refuses in its own form, and is vague about resources."""
    emulator = machine.emulator
    query = {"api-version": "2019-08-01", "resource": GRAPH}
    good = {"X-IDENTITY-HEADER": emulator.identity_header}
    answers = [
        get(emulator.identity_endpoint, {}, **query),
        get(emulator.identity_endpoint, {"X-IDENTITY-HEADER": "é"}, **query),
        get(emulator.identity_endpoint, good | {"Host": "evil.example"}, **query),
        get(emulator.identity_endpoint, good, **query | {"api-version": "2017-09-01"}),
        ask_app_service(emulator, resource=""),
        ask_app_service(emulator, client_id="nobody"),
        ask_app_service(emulator, resource="https://unknown.example"),
    ]

    contents = [answer.json() for answer in answers]
    assert [list(c) for c in contents] == [["statusCode", "message", "correlationId"]] * 7
    assert [a.status for a in answers] == [c["statusCode"] for c in contents]
    assert [a.status for a in answers] == [401, 401, 403, 400, 400, 400, 500]
    assert contents[5]["message"].startswith("No User Assigned or Delegated Managed Identity")
    assert contents[6]["message"] == "An unexpected error occured while fetching the AAD Token."


def test_disabled_identity(machine: Probe) -> None:
    """An identity whose service principal is disabled gets no token."""
    directory, tenant = machine.emulator.directory, machine.emulator.tenant
    identity = directory.managed_identities.add(tenant, "off", f"{USER_ASSIGNED}-off")
    directory.service_principals.enable(tenant, identity.app_id, enabled=False)

    answer = ask_imds(machine.emulator, client_id=identity.app_id)

    assert (answer.status, answer.json()["error"]) == (400, "unauthorized_client")


def test_records(machine: Probe) -> None:
    """A managed identity is a service principal without an application, and says where it lives."""
    directory, tenant = machine.emulator.directory, machine.emulator.tenant
    records = []
    for number in (0, 1):
        found = directory.service_principals.find(tenant, identify(machine, number).app_id)
        assert found is not None
        records.append(found.record)
        assert directory.applications.find_anywhere(found.app_id) is None

    assert [r["servicePrincipalType"] for r in records] == ["ManagedIdentity"] * 2
    assert records[1]["alternativeNames"] == ["isExplicit=True", USER_ASSIGNED]
    assert records[0]["alternativeNames"][0] == "isExplicit=False"
    for resource_id in (None, USER_ASSIGNED.upper()):
        with pytest.raises(ValueError, match="already"):
            directory.managed_identities.add(tenant, "again", resource_id)


def test_which_identity(launch: Any) -> None:
    """Without its own identity a virtual machine takes the only one assigned; an app takes none."""
    probe = launch(users=0, managed_identity=True)
    emulator = probe.emulator
    directory, tenant = emulator.directory, emulator.tenant

    def statuses() -> list[int]:
        return [ask_imds(emulator).status, ask_app_service(emulator).status]

    found = [statuses()]
    for name in ("one", "two"):
        directory.managed_identities.add(tenant, name, f"/subscriptions/s/{name}")
        found.append(statuses())

    assert found == [[400, 400], [200, 400], [400, 400]]
    assert ask_imds(emulator).json()["error_description"].startswith("Multiple user assigned")


def test_own_api(machine: Probe) -> None:
    """A managed identity gets tokens for an API of one's own, in the version that it wants."""
    api = register(machine)
    directory, tenant = machine.emulator.directory, machine.emulator.tenant
    directory.applications.expose_api(
        tenant, api.client_id, "api://own", [("Run", "Run")], token_version=2
    )
    app_id = identify(machine, 0).app_id
    directory.consents.grant_app_role(tenant, app_id, "Run", resource_app_id=api.client_id)

    claims = claims_of(ask_imds(machine.emulator, resource="api://own"))

    assert (claims["aud"], claims["azp"], claims["roles"]) == (api.client_id, app_id, ["Run"])
    assert claims["iss"] == f"{machine.emulator.url}/{tenant.id}/v2.0"


def test_off_unless_asked(probe: Probe) -> None:
    """An emulator that was not asked for it has no such endpoint, under its own address neither."""
    path = f"{IMDS_PATH}?api-version=2018-02-01&resource={quote(GRAPH)}"

    assert not hasattr(probe.emulator, "imds_url")
    assert probe.get(path, Metadata="true").status == 404


def test_json(machine: Probe) -> None:
    """Every answer of either endpoint is JSON."""
    for answer in (ask_imds(machine.emulator), ask_app_service(machine.emulator, resource="x")):
        assert answer.headers["content-type"] == "application/json; charset=utf-8"
        assert json.loads(answer.body)
