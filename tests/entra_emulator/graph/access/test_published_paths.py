"""Which paths Graph has beyond those that are served."""

import json
import subprocess
import sys

import pytest

from entra_emulator.graph.access.published_paths import find_published
from tests.support.emulator_probe import GRAPH_SCOPE, Answer, App
from tests.support.graph_users import Ask
from tests.support.places import PUBLISHED
from tests.support.user_flows import AZURE_CLI, NATIVE, Client, ordinary
from tools import fidelity, generate_published_paths

# Of the areas that have no collection here. Each is asked for as programs write it.
UNSERVED = (
    *("/users/a/messages", "/users('a')/mailFolders/inbox/messages"),
    *("/users/a/photo", "/users/a/photo/$value", "/groups/a/photo/$value"),
    *("/users/a/contacts", "/contacts", "/users/a/authentication/methods", "/users/a/sponsors"),
    *("/groupSettings", "/groupLifecyclePolicies", "/subscriptions", "/subscriptions/a"),
    *("/reports/getOffice365ActiveUserCounts(period='D7')", "/reports", "/security/alerts_v2"),
    *("/identity/conditionalAccess/policies", "/identityGovernance/accessReviews/definitions"),
    *("/identityProtection/riskyUsers", "/deviceManagement/managedDevices", "/teams/a/channels"),
    *(
        "/sites/root",
        "/sites/contoso.sharepoint.com:/sites/x",
        "/users/a/drive/root:/a/b.txt:/content",
    ),
    *(
        "/applicationTemplates",
        "/schemaExtensions",
        "/agreements",
        "/contracts",
        "/planner/tasks/a",
    ),
    *("/applications/microsoft.graph.agentIdentityBlueprint", "/users/graph.agentUser"),
    *("/servicePrincipals/microsoft.graph.agentIdentity", "/users/onPremisesSyncBehavior"),
    *("/contacts/a/memberOf/graph.group", "/users/a/messages/$count", "/applications/a/logo"),
    *("/subscribedSkus/a/skuPartNumber", "/oauth2PermissionGrants/a/scope"),
    *("/domains/a/isVerified", "/applications/a/federatedIdentityCredentials/b/subject"),
    *("/USERS/a/microsoft.graph.messages", "/identityGovernance", "/identity"),
)


def send(app: App, token: str, method: str, path: str, body: object) -> Answer:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    content = json.dumps(body).encode()
    return app.probe.send(method, f"/v1.0{path}", headers=headers, body=content)


@pytest.mark.parametrize("version", ["v1.0", "beta"])
@pytest.mark.parametrize("path", UNSERVED)
def test_what_graph_has_and_the_emulator_does_not_says_so(
    app: App, token: str, version: str, path: str
) -> None:
    """Nobody takes a path for a typing error that works with Microsoft."""
    answer = app.get(f"/{version}{path}", token)

    assert (answer.status, answer.code) == (501, "NotImplemented")
    assert answer.message.startswith("This emulator does not serve GET /")
    assert answer.message.endswith(", which Microsoft Graph has: see docs/reference/fidelity.md.")


@pytest.mark.parametrize(
    "path",
    [
        *("/nonsense", "/users/a/nonsense", "/me/nonsense", "/$count", "/$ref", "/$value"),
        *("/users/a/$count", "/groups/a/members/microsoft.graph.nonsense", "/identity/nonsense"),
        *(
            "/reports/nonsense",
            "/messages",
            "/applications/a/owners/b",
            "/users/a/messages/b/nonsense",
        ),
    ],
)
def test_what_graph_does_not_have_either_is_refused_as_it_does(get: Ask, path: str) -> None:
    """A typing error stays one."""
    answer = get(path)

    assert (answer.status, answer.code) == (400, "BadRequest")
    last = path.rpartition("/")[2]
    assert answer.message == f"Resource not found for the segment '{last}'."


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/users/a/sendMail", 501),
        ("GET", "/users/a/sendMail", 405),
        ("PUT", "/users/a/photo/$value", 501),
        ("POST", "/users/a/messages", 501),
        ("GET", "/users/a/print", 501),
        ("PUT", "/users/a/messages", 405),
        ("PUT", "/me/messages", 405),
        ("POST", "/applications/validatePartner", 501),
        ("PUT", "/applications/a", 405),
        ("PATCH", "/organization/a", 501),
        ("DELETE", "/organization/a", 405),
        ("POST", "/subscriptions", 501),
        ("POST", "/users/a/messages/$count", 405),
    ],
)
def test_a_method_that_graph_does_not_have_there_is_refused_as_it_does(
    app: App, token: str, method: str, path: str, status: int
) -> None:
    """405 is for what no client of Graph's can do; the rest is the emulator's own lack."""
    assert send(app, token, method, path, {}).status == status


def test_who_has_no_token_is_told_that_first(app: App) -> None:
    """Graph knows the path, and so looks at the token."""
    answer = app.probe.get("/v1.0/users/a/messages")

    assert (answer.status, answer.code) == (401, "InvalidAuthenticationToken")


def test_what_is_below_me_is_unserved_for_users_and_refused_for_apps(app: App, token: str) -> None:
    """An app alone has no signed-in user, whatever it asks about one."""
    client = Client(app.probe, app.probe.emulator.tenant, AZURE_CLI, NATIVE)
    person = client.tokens(ordinary(app.probe.emulator), GRAPH_SCOPE)
    for path in ("/me/messages", "/me/calendar", "/me/drive/root:/a/b.txt:/content"):
        answer = app.get(f"/v1.0{path}", person["access_token"])
        assert (answer.status, answer.code) == (501, "NotImplemented")
        assert app.get(f"/v1.0{path}", token).message.startswith("/me request is only valid with")


def test_the_audit_log_says_what_is_not_served(app: App, token: str) -> None:
    """Who reads the log afterwards sees whose lack it was, and which application met it."""
    app.get("/v1.0/users/a/mailFolders", token)

    entry = app.probe.emulator.audit.entries(limit=1)[0]
    assert (entry.status, entry.code, entry.app_id) == (501, "NotImplemented", app.client_id)
    assert "This emulator does not serve GET /users/{id}/mailfolders" in entry.message


def test_a_batch_says_for_each_part_what_is_not_served(app: App, token: str) -> None:
    """A part of a batch is refused as it would be alone."""
    parts = [
        {"id": "1", "method": "GET", "url": "/users/a/messages"},
        {"id": "2", "method": "GET", "url": "/nonsense"},
    ]
    answer = send(app, token, "POST", "/$batch", {"requests": parts})

    assert {part["id"]: part["status"] for part in answer.json()["responses"]} == {
        "1": 501,
        "2": 400,
    }


def test_a_path_is_named_without_what_was_sent_in_it() -> None:
    """Keys may be people's names: the template is what is not served."""
    published = find_published("/v1.0/users/ann%40contoso.example/messages/%2F")

    assert published.template == "/users/{id}/messages/{id}"


def test_no_published_call_is_unknown_and_the_page_says_how_many_are_served() -> None:
    """Each call of Microsoft's list is served, or refused honestly; none is taken for another."""
    coverage = fidelity.count_published()

    assert coverage.unknown == 0
    assert coverage.served > 150
    assert f"{coverage.served:,} are\nserved, {coverage.refused:,} are" in fidelity.render()


def test_the_tree_is_what_the_generator_makes() -> None:
    """The table is Microsoft's, and says where it comes from."""
    text = generate_published_paths.TARGET.read_text("utf-8")
    source = json.loads(text)["source"]

    assert source["licence"] == "MIT, Copyright (c) Microsoft"
    assert source["written_by"] == "tools/generate_published_paths.py"
    if not PUBLISHED.is_dir():
        pytest.skip("the published tables are not beside this checkout (../shared/data)")
    assert generate_published_paths.generate(PUBLISHED) == text


def test_the_start_does_not_read_the_tree() -> None:
    """It is read when a request first fits no route."""
    code = (
        "import entra_emulator.server.app; "
        "from entra_emulator.graph.access import published_paths as p; "
        "print(p._read.cache_info().currsize)"
    )

    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert run.stdout.strip() == "0"
