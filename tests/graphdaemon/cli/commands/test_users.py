"""`graphdaemon users` against the emulator, over real TLS and through real MSAL."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from entra_emulator.server.emulator import Emulator
from tests.support.client_app import App, register
from tests.support.run_command import Command, WriteParameters
from tests.support.scripted_server import Answer, ScriptedServer, json_answer, page


def test_all_users_are_listed_with_a_secret(command: Command, parameters: WriteParameters) -> None:
    """The quickstart's job: every user of the directory as JSON, number and verdict on stderr."""
    outcome = command("users", parameters())

    assert outcome.code == 0
    users = json.loads(outcome.out)["value"]
    assert len({user["id"] for user in users}) == 250
    assert outcome.err.startswith("250 records, complete: ")
    assert outcome.err.count("\n") == 1


@pytest.mark.parametrize("with_certificate", [True, False], ids=["PS256", "RS256"])
def test_all_users_are_listed_with_a_certificate(
    command: Command,
    parameters: WriteParameters,
    tmp_path: Path,
    app: App,
    with_certificate: bool,
) -> None:
    """Both assertion forms work: with the certificate in the file, and with a bare key."""
    pem = app.pem if with_certificate else app.pem.partition("-----BEGIN CERT")[0]
    (tmp_path / "server.pem").write_text(pem)
    path = parameters(secret=None, thumbprint=app.thumbprint, private_key_file="server.pem")

    outcome = command("users", path, "--format", "ndjson")

    assert outcome.code == 0
    assert len(outcome.out.splitlines()) == 250


def test_oidc_authority_works_like_authority(
    command: Command, parameters: WriteParameters, emulator: Emulator
) -> None:
    """The other variant of the sample's file."""
    issuer = f"{emulator.url}/{emulator.tenant.id}/v2.0"

    outcome = command("users", parameters(authority=None, oidc_authority=issuer))

    assert outcome.code == 0
    assert outcome.err.startswith("250 records, complete: ")


def test_the_environment_alone_is_enough(
    command: Command, emulator: Emulator, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No file: the variables that the Azure tools know, and two of our own."""
    for name, value in {
        "AZURE_AUTHORITY_HOST": emulator.url,
        "AZURE_TENANT_ID": emulator.tenant.id,
        "AZURE_CLIENT_ID": app.client_id,
        "AZURE_CLIENT_SECRET": app.secret,
        "GRAPHDAEMON_ENDPOINT": f"{emulator.url}/v1.0/users",
        "GRAPHDAEMON_SCOPE": "https://graph.microsoft.com/.default",
        "GRAPHDAEMON_CA_FILE": str(emulator.ca_file),
    }.items():
        monkeypatch.setenv(name, value)

    assert command("users").err.startswith("250 records, complete: ")


def test_parameters_json_in_the_current_folder_is_found(
    command: Command, parameters: WriteParameters, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No argument needed where the file lies."""
    monkeypatch.chdir(parameters().parent)

    assert command("users").code == 0


def test_the_quickstarts_message_is_said_on_the_way(
    command: Command, parameters: WriteParameters
) -> None:
    """Its words, at INFO, before the network is asked."""
    outcome = command("users", parameters(), "-v")

    assert "No suitable token exists in cache. Let's get a new one from AAD." in outcome.err


def test_select_filter_orderby_and_limit_reach_graph(
    command: Command, parameters: WriteParameters
) -> None:
    """The OData options do what they say, together, with the advanced header they need."""
    outcome = command(
        *("users", parameters(), "--select", "displayName,accountEnabled"),
        *("--filter", "accountEnabled eq false", "--orderby", "displayName", "--limit", 3),
    )

    users = json.loads(outcome.out)["value"]
    assert outcome.code == 0
    assert [set(user) for user in users] == [{"id", "displayName", "accountEnabled"}] * 3
    assert {user["accountEnabled"] for user in users} == {False}
    names = [user["displayName"].casefold() for user in users]
    assert names == sorted(names)
    assert "stopped at its limit" in outcome.err


def test_search_finds(command: Command, parameters: WriteParameters) -> None:
    """$search needs quotes and the header; the user needs neither."""
    everyone = json.loads(command("users", parameters()).out)["value"]
    name = everyone[0]["displayName"].split()[0]

    outcome = command("users", parameters(), "--search", f"displayName:{name}")

    found = json.loads(outcome.out)["value"]
    assert everyone[0]["id"] in {user["id"] for user in found}
    assert len(found) < 250


def test_a_table_has_the_selected_columns(command: Command, parameters: WriteParameters) -> None:
    """One head, one rule, one line a user."""
    outcome = command("users", parameters(), "--format", "table", "--select", "displayName,mail")

    lines = outcome.out.decode().splitlines()
    assert lines[0].split() == ["displayName", "mail"]
    assert len(lines) == 252


def test_options_written_into_the_endpoint_hold(
    command: Command, parameters: WriteParameters, emulator: Emulator
) -> None:
    """An endpoint with a query, as people have it in old files, keeps its meaning."""
    endpoint = f"{emulator.url}/v1.0/users?$select=displayName"

    users = json.loads(command("users", parameters(endpoint=endpoint)).out)["value"]

    assert len(users) == 250
    assert set(users[0]) == {"id", "displayName"}


def test_without_consent_there_is_a_403_with_the_next_step(
    command: Command,
    parameters: WriteParameters,
    emulator: Emulator,
    key_pair: tuple[str, bytes],
) -> None:
    """Graph's words, the permission's name and type, and the address for the administrator."""
    app = register(emulator, key_pair, consent=False)

    outcome = command("users", parameters(client_id=app.client_id, secret=app.secret))

    assert outcome.code == 5
    assert outcome.out == b""
    for words in (
        "403 Authorization_RequestDenied: Insufficient privileges to complete the operation.",
        "Request ID: ",
        "User.Read.All",
        "not Delegated",
        f"{emulator.url}/{emulator.tenant.id}/adminconsent?client_id={app.client_id}",
    ):
        assert words in outcome.err


REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    # name: (changes to parameters.json, in the error, in the hint)
    "wrong-secret": ({"secret": "wrong"}, "AADSTS7000215", "Value, not its Secret ID"),
    "unknown-client": (
        {"client_id": "99999999-9999-4999-8999-999999999999"},
        "AADSTS700016",
        "Application (client) ID",
    ),
    "scope-without-default": (
        {"scope": ["https://graph.microsoft.com/User.Read.All"]},
        "AADSTS1002012",
        "/.default",
    ),
    "two-resources": (
        {"scope": ["https://graph.microsoft.com/.default", "api://other/.default"]},
        "AADSTS70011",
        "/.default",
    ),
    "unknown-resource": ({"scope": ["api://nobody/.default"]}, "AADSTS500011", "App ID URI"),
}


@pytest.mark.parametrize(("changes", "message", "hint"), REFUSED.values(), ids=REFUSED.keys())
def test_refusals_of_the_identity_platform(
    command: Command,
    parameters: WriteParameters,
    changes: dict[str, Any],
    message: str,
    hint: str,
) -> None:
    """Each gives Microsoft's own code, the next step, the correlation ID, and exit code 4."""
    outcome = command("users", parameters(**changes))

    assert outcome.code == 4
    assert f"Error: {message}" in outcome.err
    assert hint in outcome.err
    assert "Correlation ID: " in outcome.err
    assert "Trace ID" not in outcome.err


def test_an_unknown_tenant(
    command: Command, parameters: WriteParameters, emulator: Emulator
) -> None:
    """Discovery fails before any token request; it is told as plainly."""
    authority = f"{emulator.url}/88888888-8888-4888-8888-888888888888"

    outcome = command("users", parameters(authority=authority))

    assert outcome.code == 4
    assert "AADSTS90002" in outcome.err
    assert "Directory (tenant) ID" in outcome.err


def test_the_secrets_id_pasted_for_its_value_is_recognised(
    command: Command, parameters: WriteParameters, app: App
) -> None:
    """The commonest mistake of all: the portal shows the GUID for ever, the value once."""
    outcome = command("users", parameters(secret=app.secret_id))

    assert outcome.code == 4
    assert "secret in parameters.json looks like a Secret ID" in outcome.err
    assert app.secret_id not in outcome.err


def test_an_expired_secret(
    command: Command, parameters: WriteParameters, emulator: Emulator
) -> None:
    """7000222 says when nothing but time has passed."""
    now = emulator.clock.now()
    application = emulator.directory.applications.register(emulator.tenant, "Forgotten")
    password = emulator.directory.credentials.add_password(
        emulator.tenant, application.app_id, start=now - 7200, end=now - 3600
    )

    outcome = command(
        "users", parameters(client_id=application.app_id, secret=password.secret_text)
    )

    assert outcome.code == 4
    assert "AADSTS7000222" in outcome.err
    assert "new secret" in outcome.err


def test_a_certificate_that_was_never_uploaded(
    command: Command,
    parameters: WriteParameters,
    tmp_path: Path,
    emulator: Emulator,
    app: App,
) -> None:
    """700027 names the thumbprint; the hint names the page."""
    application = emulator.directory.applications.register(emulator.tenant, "No certificate")
    (tmp_path / "server.pem").write_text(app.pem)
    path = parameters(client_id=application.app_id, secret=None, private_key_file="server.pem")

    outcome = command("users", path)

    assert outcome.code == 4
    assert "AADSTS700027" in outcome.err
    assert "Upload the certificate" in outcome.err


def test_a_token_for_another_audience_is_a_401(
    command: Command, parameters: WriteParameters, scripted: ScriptedServer
) -> None:
    """A token of one tenant's service does not open another's Graph."""
    scripted.script = [
        json_answer({"error": {"code": "InvalidAuthenticationToken", "message": "Bad."}}, 401)
    ]

    outcome = command("users", parameters(**scripted.settings()))

    assert outcome.code == 5
    assert "401 InvalidAuthenticationToken" in outcome.err
    assert "scope names the API behind endpoint" in outcome.err


def test_a_bad_option_is_graphs_own_400(command: Command, parameters: WriteParameters) -> None:
    """A filter that does not parse comes back with Graph's words."""
    outcome = command("users", parameters(), "--filter", "displayName eq")

    assert outcome.code == 5
    assert "/v1.0/users: 400 BadRequest: Invalid filter clause" in outcome.err


def test_a_version_that_does_not_exist(
    command: Command, parameters: WriteParameters, emulator: Emulator
) -> None:
    """The endpoint's first segment is Graph's version."""
    outcome = command("users", parameters(endpoint=f"{emulator.url}/v9.9/users"))

    assert outcome.code == 5
    assert "version" in outcome.err


def test_an_untrusted_certificate_names_ca_file(
    command: Command, parameters: WriteParameters
) -> None:
    """No CA, no connection; and no way to switch verification off."""
    outcome = command("users", parameters(ca_file=None))

    assert outcome.code == 6
    assert "not trusted" in outcome.err
    assert "ca_file" in outcome.err


def test_a_listing_that_breaks_leaves_no_readable_json(
    command: Command, scripted: ScriptedServer, tmp_path: Path
) -> None:
    """What was printed before the error cannot be mistaken for the whole."""
    link = f"{scripted.url}/v1.0/users?$skiptoken=a"
    scripted.script = [
        *[Answer(400)] * 2,
        page({"id": "1"}, next_link=link),
        Answer(403),
    ]

    outcome = command("users", scripted.write_parameters(tmp_path))

    assert outcome.code == 5
    assert outcome.out.startswith(b'{\n  "value": [')
    with pytest.raises(json.JSONDecodeError):
        json.loads(outcome.out)
