"""MSAL's HTTP client: what is asked once, what not at all, and what a status means."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from graphdaemon.auth.msal_http import HttpClient
from graphdaemon.errors import IdentityError
from graphdaemon.http.transport import Transport
from tests.support.scripted_server import Answer, ScriptedServer

REGION = "http://127.0.0.1:1/metadata/instance/compute"
TOKEN = "http://127.0.0.1:1/metadata/identity/oauth2/token"


@pytest.fixture
def transport(scripted: ScriptedServer) -> Iterator[Transport]:
    transport = Transport(ca_file=scripted.ca_file)
    yield transport
    transport.close()


def test_a_description_is_fetched_once_and_a_failure_is_not_kept(
    transport: Transport, scripted: ScriptedServer
) -> None:
    """Where the endpoints are does not change; that they cannot be told of may."""
    scripted.script = [Answer(500), Answer(200, b'{"at":1}'), Answer(200, b'{"at":2}')]
    client = HttpClient(transport, 5, None)
    url = f"{scripted.url}/discovery"

    texts = [client.get(url, {"v": "2"}).text for _ in range(3)]
    other = client.get(url).text

    assert (texts, other) == (["", '{"at":1}', '{"at":1}'], '{"at":2}')
    targets = [request.target for request in scripted.requests]
    assert targets == ["/discovery?v=2", "/discovery?v=2", "/discovery"]


@pytest.mark.parametrize("body", [b'{"access_token":"SECRET"', b"<html>", b"[" * 999, b"[]", b""])
def test_what_is_no_json_object_is_kept_from_msal(
    transport: Transport, scripted: ScriptedServer, body: bytes
) -> None:
    """It would log the whole of it, and there may be a token in it."""
    scripted.script = [Answer(200, body)]
    client = HttpClient(transport, 5, None)

    assert client.post(f"{scripted.url}/token").text == ""
    assert client.last_answer is not None
    assert client.last_answer.body == body


def test_parameters_go_on_with_a_query_that_is_there(
    transport: Transport, scripted: ScriptedServer
) -> None:
    """A second question mark would belong to a value."""
    scripted.script = [Answer(200)]
    client = HttpClient(transport, 5, None)

    client.get(f"{scripted.url}/a?b=1", {"c": "2"})
    client.post(f"{scripted.url}/a", {"c": "2"}, {"d": "3"})

    get, post = scripted.requests
    assert (get.target, post.target, post.body) == ("/a?b=1&c=2", "/a?c=2", b"d=3")


def test_a_region_that_the_settings_name_is_not_asked_for(transport: Transport) -> None:
    """Nothing answers there; outside Azure the attempt would take seconds."""
    client = HttpClient(transport, 5, "westeurope")

    assert client.get(REGION).text == '{"location": "westeurope"}'
    with pytest.raises(IdentityError):
        client.get(TOKEN)


@pytest.mark.parametrize("region", ["auto", None])
def test_a_region_that_nobody_named_is_asked_for(transport: Transport, region: str | None) -> None:
    """Of the machine's own metadata service."""
    with pytest.raises(IdentityError):
        HttpClient(transport, 5, region).get(REGION)


@pytest.mark.parametrize(("status", "fails"), [(200, False), (399, False), (400, True)])
def test_a_status_from_400_is_a_failure(
    transport: Transport, scripted: ScriptedServer, status: int, fails: bool
) -> None:
    """As MSAL expects of its HTTP client."""
    scripted.script = [Answer(status)]
    answer = HttpClient(transport, 5, None).get(f"{scripted.url}/x")

    if fails:
        with pytest.raises(ValueError, match="HTTP 400"):
            answer.raise_for_status()
    else:
        answer.raise_for_status()
