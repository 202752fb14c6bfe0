"""What the audit log says of each request."""

from __future__ import annotations

import base64
import http.client
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from entra_emulator.audit import Entry
from entra_emulator.faults.fault import Fault
from entra_emulator.token_service.managed_identity import IMDS_PATH
from tests.support.control_api import read_audit_log
from tests.support.emulator_probe import App, Probe, register, running
from tests.support.user_flows import Client, ordinary, web_client


@pytest.fixture(scope="module")
def watched(keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Probe]:
    with running(keys, tmp_path_factory.mktemp("watched"), users=30, control=True) as probe:
        yield probe


@pytest.fixture(autouse=True)
def tidy(watched: Probe) -> Iterator[None]:
    watched.emulator.audit.clear()
    yield
    watched.emulator.faults.clear()


@pytest.fixture(scope="module")
def reader(watched: Probe) -> App:
    return register(watched, "User.Read.All", name="Reader")


@pytest.fixture(scope="module")
def stranger(watched: Probe) -> App:
    return register(watched, name="Stranger")


def last(probe: Probe) -> Entry:
    (entry,) = probe.emulator.audit.entries(limit=1)
    return entry


def test_token(watched: Probe, reader: App) -> None:
    """A token request: who got which roles, and under which IDs the answer went out."""
    answer = watched.post(reader.token_path, reader.form(), client_request_id="abc-1")
    principal = watched.emulator.directory.service_principals.find(reader.tenant, reader.client_id)
    assert principal is not None
    entry = last(watched)

    assert (entry.service, entry.method, entry.path) == ("token", "POST", reader.token_path)
    assert (entry.grant, entry.status, entry.verdict) == ("client_credentials", 200, "allowed")
    assert (entry.app_id, entry.tenant) == (reader.client_id, reader.tenant.id)
    assert (entry.object_id, entry.delegated) == (principal.id, False)
    assert list(entry.permissions) == ["User.Read.All"]
    assert entry.request_id == answer.headers["x-ms-request-id"]
    assert entry.correlation_id == "abc-1"


def test_refused_token(watched: Probe, reader: App) -> None:
    """A refusal has its AADSTS number, its sentence, and the IDs that the client was given."""
    answer = watched.post(reader.token_path, reader.form(client_secret="wrong")).json()
    entry = last(watched)

    assert (entry.status, entry.verdict, entry.code) == (401, "refused", "AADSTS7000215")
    assert entry.message.startswith("Invalid client secret provided.")
    assert (entry.app_id, entry.tenant) == (reader.client_id, reader.tenant.id)
    assert entry.correlation_id == answer["correlation_id"]
    assert entry.request_id == answer["trace_id"]


def test_basic(watched: Probe, reader: App) -> None:
    """Who sends its ID in the header alone is named all the same, and its secret is not."""
    sent = base64.b64encode(f"{reader.client_id}:wrong-secret".encode()).decode()
    form = reader.form(client_id=None, client_secret=None)
    watched.post(reader.token_path, form, Authorization=f"Basic {sent}")
    entry = last(watched)

    assert (entry.app_id, entry.code) == (reader.client_id, "AADSTS7000215")
    assert "wrong-secret" not in json.dumps(entry.describe())


def test_graph(watched: Probe, reader: App) -> None:
    """A Graph call: the path with its plain options, the roles in the token, the verdict."""
    answer = reader.get("/v1.0/users?$select=id&$top=5&%24filter=accountEnabled%20eq%20true")
    entry = last(watched)

    assert (entry.service, entry.route, entry.status) == ("graph", "/users", 200)
    assert entry.path == "/v1.0/users?$select=id&$top=5&$filter=accountEnabled eq true"
    assert entry.permissions == {"User.Read.All"}
    assert (entry.app_id, entry.tenant) == (reader.client_id, reader.tenant.id)
    assert entry.request_id == entry.correlation_id == answer.headers["request-id"]


def test_refused_graph(watched: Probe, stranger: App) -> None:
    """Without consent: 403, who asked, and which permissions would have done."""
    stranger.get("/v1.0/users")
    (entry,) = read_audit_log(watched, "?limit=1")

    assert (entry["status"], entry["code"]) == (403, "Authorization_RequestDenied")
    assert entry["message"] == "Insufficient privileges to complete the operation."
    assert (entry["app_id"], entry["permissions"]) == (stranger.client_id, [])
    assert entry["needed"][0] == "User.ReadBasic.All"
    assert "User.Read.All" in entry["needed"]


@pytest.mark.parametrize(
    ("target", "status", "code"),
    [
        ("/v1.0/users", 401, "InvalidAuthenticationToken"),
        ("/v1.0/nothing", 400, "BadRequest"),
        ("/v1.0/users/nobody@contoso.example", 404, "Request_ResourceNotFound"),
    ],
)
def test_every_refusal(watched: Probe, reader: App, target: str, status: int, code: str) -> None:
    """Whatever Graph refuses, and however early, has an entry."""
    if status == 401:
        watched.get(target)
    else:
        reader.get(target)
    entry = last(watched)

    assert (entry.path, entry.status, entry.code) == (target, status, code)


def test_user(watched: Probe) -> None:
    """A user's token says whose it is, and which scopes it has."""
    client: Client = web_client(watched)
    user = ordinary(watched.emulator)
    tokens = client.tokens(user)
    record = watched.emulator.directory.users.find(client.tenant, user)
    assert record is not None
    issued = last(watched)
    watched.get("/v1.0/me", Authorization=f"Bearer {tokens['access_token']}")
    called = last(watched)

    assert (issued.grant, issued.delegated) == ("authorization_code", True)
    assert issued.object_id == called.object_id == record["id"]
    assert "User.Read" in issued.permissions
    assert (called.route, called.delegated, called.status) == ("/me", True, 200)


def test_planned_faults(watched: Probe, reader: App) -> None:
    """What fails on demand says so, even when nothing was answered at all."""
    faults, token = watched.emulator.faults, reader.token()
    faults.fail_next(1, Fault(kind="status", status=503))
    refused = reader.get("/v1.0/users", token).status
    planned = last(watched)
    faults.fail_next(1, Fault(kind="reset"))
    watched.close()  # on a line of its own, so that it is not sent again
    with pytest.raises(ConnectionResetError):
        reader.get("/v1.0/users", token)
    reader.get("/v1.0/users", token)
    _, broken, *_ = watched.emulator.audit.entries()

    assert (refused, planned.status, planned.faults) == (503, 503, ("status",))
    assert (broken.status, broken.verdict, broken.faults) == (0, "refused", ("reset",))


def test_batch(watched: Probe, reader: App) -> None:
    """Each request of a batch has an entry, and the batch one of its own."""
    requests = [{"id": str(n), "method": "GET", "url": f"/users?$top={n}"} for n in (1, 2)]
    token = reader.token()
    watched.emulator.audit.clear()
    watched.send(
        "POST",
        "/v1.0/$batch",
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        body=json.dumps({"requests": requests}).encode(),
    )

    paths = [entry.path for entry in watched.emulator.audit.entries()]
    assert sorted(paths) == ["/v1.0/$batch", "/v1.0/users?$top=1", "/v1.0/users?$top=2"]


def test_managed_identity(launch: Callable[..., Probe]) -> None:
    """The tokens of a machine are in the log as well."""
    probe = launch(users=5, managed_identity=True)
    probe.emulator.directory.managed_identities.add(probe.emulator.tenant, "machine")
    connection = http.client.HTTPConnection(urlsplit(probe.emulator.imds_url).netloc, timeout=60)
    query = "?api-version=2018-02-01&resource=https://graph.microsoft.com"
    connection.request("GET", IMDS_PATH + query, headers={"Metadata": "true"})
    assert connection.getresponse().status == 200
    connection.close()
    entry = last(probe)

    assert (entry.grant, entry.status) == ("managed_identity", 200)
    assert entry.path == f"{IMDS_PATH}?api-version=2018-02-01&resource=https://graph.microsoft.com"
    assert entry.app_id


def test_secrets_stay_out(watched: Probe, reader: App) -> None:
    """No secret, token or page link is in any entry, whatever address it was sent in."""
    token = reader.token()
    page = reader.get("/v1.0/users?$top=5", token).json()["@odata.nextLink"]
    reader.get(page, token)
    delta = reader.get("/v1.0/users/delta", token).json()
    link = delta.get("@odata.nextLink") or delta["@odata.deltaLink"]
    reader.get(link, token)
    reader.get(f"/v1.0/users?access_token={token}&%24SkipToken=abcdefgh&{reader.secret}=1", token)
    watched.post(reader.token_path, reader.form(client_secret=reader.secret + "x"))
    text = json.dumps(read_audit_log(watched))

    for secret in (token, token.split(".")[2], reader.secret, page.partition("token=")[2]):
        assert secret not in text
    assert link.partition("token=")[2] not in text
    assert "abcdefgh" not in text
    assert "$skiptoken=\\u2026" in text
