"""Managed identities: of a machine, of an app service, and where there is none."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from graphdaemon.auth.kinds.managed_identity import ask_machine
from graphdaemon.errors import IdentityError
from graphdaemon.http.response import Response
from tests.support.cloud_machine import Place, claims_of, fetch
from tests.support.run_command import Command
from tests.support.scripted_server import ScriptedServer


def test_a_managed_identity_lists_users(
    command: Command, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No tenant, no client ID, no secret: two variables beside those of the pretend tenant."""
    monkeypatch.setenv("GRAPHDAEMON_MANAGED_IDENTITY", "system")
    monkeypatch.setenv("GRAPHDAEMON_ENDPOINT", f"{place.emulator.url}/v1.0/users")
    monkeypatch.setenv("GRAPHDAEMON_CA_FILE", str(place.emulator.ca_file))
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", place.emulator.imds_url)

    outcome = command("users")

    assert (outcome.code, outcome.err.partition(":")[0]) == (0, "5 records, complete")


def test_an_app_service_has_managed_identities_too(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its endpoint and header are found in the environment."""
    monkeypatch.setenv("IDENTITY_ENDPOINT", place.emulator.identity_endpoint)
    monkeypatch.setenv("IDENTITY_HEADER", place.emulator.identity_header)

    assert claims_of(fetch(place.settings(managed_identity="system")))["roles"]


def test_a_cluster_of_service_fabric_is_named_before_anything_is_sent(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its identities cannot be used; the header, a secret, goes nowhere and is not shown."""
    monkeypatch.setenv("GRAPHDAEMON_MANAGED_IDENTITY", "system")
    # The port that nobody may listen on: an attempt would be told of as one.
    monkeypatch.setenv("IDENTITY_ENDPOINT", "https://127.0.0.1:0/metadata/identity/oauth2/token")
    monkeypatch.setenv("IDENTITY_HEADER", "header-of-the-cluster")
    monkeypatch.setenv("IDENTITY_SERVER_THUMBPRINT", "AB" * 20)

    for name in ("users", "doctor"):
        outcome = command(name)

        said = outcome.err + outcome.out.decode()
        assert outcome.code == 3
        assert "Service Fabric are not supported" in said
        assert "Use a certificate there" in said
        assert "header-of-the-cluster" not in said


PASSING = [[404, 429, 200], [503, 200], [410, 410, 410, 410], [500, 502, 504, 200]]


@pytest.mark.parametrize("statuses", PASSING, ids=str)
def test_the_metadata_service_is_given_time(statuses: list[int]) -> None:
    """What it documents as passing is asked again, after longer and longer waits."""
    response, waits = ask_scripted(statuses)

    assert response.status == statuses[-1]
    assert waits == [0.5, 1, 2][: len(statuses) - 1]


@pytest.mark.parametrize("status", [400, 401, 403, 501])
def test_what_does_not_pass_is_not_waited_for(status: int) -> None:
    """A wrong identity stays wrong."""
    response, waits = ask_scripted([status, 200])

    assert response.status == status
    assert not waits


def ask_scripted(statuses: list[int]) -> tuple[Response, list[float]]:
    """The answer of a metadata service that answers `statuses` in turn, and what was waited."""
    answers, waits = iter(statuses), list[float]()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(next(answers))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/metadata?x=1"
        response = ask_machine(url, {}, timeout=60, sleep=waits.append)
        server.shutdown()
    return response, waits


def test_outside_azure_there_is_no_managed_identity(
    place: Place, monkeypatch: pytest.MonkeyPatch, scripted: ScriptedServer
) -> None:
    """Nothing answers at the metadata service's address: said so, with what to use instead."""
    port = scripted.port
    scripted._listener.close()
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", f"http://127.0.0.1:{port}")

    with pytest.raises(IdentityError, match="has no managed identity") as caught:
        fetch(place.settings(managed_identity="system"))
    assert caught.value.code == "managed_identity_absent"
    assert "federated" in (caught.value.hint or "")


def test_why_nothing_answers_is_told_in_the_systems_words() -> None:
    """Refused and unreachable call for different steps."""
    with pytest.raises(IdentityError, match=r"at 127\.0\.0\.1:1 \(Connection refused\)"):
        ask_machine("http://127.0.0.1:1/metadata", {}, timeout=1)
