"""Managed identities: of a machine, of an app service, and where there is none."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from graphdaemon.auth.app_identity import AppIdentity
from graphdaemon.auth.kinds.managed_identity import ask_machine
from graphdaemon.auth.token import Demand, Token
from graphdaemon.errors import IdentityError
from graphdaemon.http.response import Response
from graphdaemon.http.transport import Transport
from tests.support.cloud_machine import Place, claims_of, fetch
from tests.support.run_command import Command


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
        assert "Use a certificate instead" in said
        assert "header-of-the-cluster" not in said


WAITS = [
    ([404, 429, 200], [0.5, 1.6]),
    ([404] * 4, [0.5, 1, 2]),
    ([503, 200], [0.8]),
    ([429] * 6, [0.8, 1.6, 3.2, 6.4, 12.8]),
    ([410] * 6, [2.5, 5, 10, 20, 40]),
    ([500, 502, 504, 200], [0.8, 1.6, 3.2]),
]


@pytest.mark.parametrize(("statuses", "expected"), WAITS, ids=range(len(WAITS)))
def test_the_metadata_service_is_given_time(statuses: list[int], expected: list[float]) -> None:
    """What it documents as passing is asked again, after longer and longer waits; 410 for 70 s."""
    response, waits = ask_scripted(statuses)

    assert response.status == statuses[-1]
    assert waits == expected
    assert statuses[0] != 410 or sum(waits) >= 70


@pytest.mark.parametrize("status", [400, 401, 403, 501])
def test_what_does_not_pass_is_not_waited_for(status: int) -> None:
    """A wrong identity stays wrong."""
    response, waits = ask_scripted([status, 200])

    assert response.status == status
    assert not waits


@pytest.mark.parametrize("status", [410, 429, 500, 502, 503, 504])
@pytest.mark.parametrize("body", [b"", b"<html>", b'{"error":"x","error_description":"busy"}'])
def test_an_outage_of_the_metadata_service_costs_no_credential(
    place: Place, monkeypatch: pytest.MonkeyPatch, status: int, body: bytes
) -> None:
    """It is there: no identity is called absent, and the next credential is not taken."""
    with serve([status] * 6, body) as url:
        monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", url)
        with pytest.raises(IdentityError) as caught:
            fetch_with_another(place)

    error = caught.value
    assert (error.code, error.case) == ("identity_unavailable", "machine_identity_unavailable")
    assert f"HTTP {status}" in str(error)


@pytest.mark.parametrize("status", [400, 403, 404])
def test_an_identity_that_is_not_assigned_gives_way_to_the_next_credential(
    place: Place, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    """The metadata service answers for good that it has none of this name."""
    with serve([status] * 4, b'{"error":"invalid_request"}') as url:
        monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", url)
        token = fetch_with_another(place)

    assert claims_of(token)["appid"] == place.app.client_id


def fetch_with_another(place: Place) -> Token:
    """A token by the machine's identity, or else by the app's secret; nothing is waited for."""
    credentials = [{"managed_identity": "system"}, {"secret": place.app.secret}]
    settings = place.settings(credentials=credentials)
    transport = Transport(ca_file=settings.ca_file)
    try:
        return AppIdentity(settings, transport, sleep=lambda _: None).fetch(Demand())
    finally:
        transport.close()


def test_a_service_that_is_reached_and_silent_is_there() -> None:
    """A machine whose metadata service hangs has an identity all the same."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/metadata"
        with pytest.raises(IdentityError, match="was reached, and gave no answer") as caught:
            ask_machine(url, {}, timeout=0.1)

    assert caught.value.code == "identity_unavailable"


def ask_scripted(statuses: list[int]) -> tuple[Response, list[float]]:
    """The answer of a metadata service that answers `statuses` in turn, and what was waited."""
    waits = list[float]()
    with serve(statuses) as url:
        response = ask_machine(f"{url}/metadata?x=1", {}, timeout=60, sleep=waits.append)
    return response, waits


@contextmanager
def serve(statuses: list[int], body: bytes = b"") -> Iterator[str]:
    """A metadata service that answers `statuses` in turn; its address."""
    answers = iter(statuses)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(next(answers))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_outside_azure_there_is_no_managed_identity(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing answers at the metadata service's address: said so, with what to use instead."""
    # Bound, so that nobody else takes the port, and deaf.
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{bound.getsockname()[1]}"
        monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", address)
        with pytest.raises(IdentityError, match="has no managed identity") as caught:
            fetch(place.settings(managed_identity="system"))

    assert caught.value.code == "managed_identity_absent"
    assert "federated" in (caught.value.hint or "")


def test_why_nothing_answers_is_told_in_the_systems_words() -> None:
    """Refused and unreachable call for different steps."""
    with pytest.raises(IdentityError, match=r"at 127\.0\.0\.1:1 \(Connection refused\)"):
        ask_machine("http://127.0.0.1:1/metadata", {}, timeout=1)
