"""What the report keeps of an exchange."""

from __future__ import annotations

from typing import Any

import pytest

from entra_emulator.traffic.report.logged_call import AppCaller, digest_address, read_calls
from tests.support.logged_calls import APP, GRAPH, TENANT, exchange

LINK = f"{GRAPH}/v1.0/users?$top=2&$skiptoken=a%2Bb"


def test_a_page() -> None:
    """Route, cost, caller, page size, properties, items, and the link as a digest alone."""
    (call,) = read_calls(
        exchange(
            target="/v1.0/Users?$top=2&$select=id,%20mail&$filter=startswith(displayName,'Ann')",
            answer={"value": [{"id": "1"}, {"id": "2"}], "@odata.nextLink": LINK},
        )
    )

    assert (call.service, call.method, call.route, call.version) == (
        "graph",
        "GET",
        "/users",
        "v1.0",
    )
    assert (call.status, call.units, call.items, call.top) == (200, 1, 2, 2)
    assert (call.properties, call.known) == (("id", "mail"), True)
    assert call.caller == AppCaller(APP, TENANT)
    assert call.permissions == {"User.Read.All"}
    assert "displayName" in call.filtered
    assert "Ann" not in call.filtered
    assert call.next_link == digest_address("GET", LINK)
    assert (call.started, call.ended) == (100.0, 100.5)


@pytest.mark.parametrize(
    "other",
    [
        f"{GRAPH}/v1.0/users?$skiptoken=a%2Bb&$top=2",
        f"{GRAPH}/v1.0/users?%24top=2&%24skiptoken=a%2bb",
        f"{GRAPH}/v1.0/Users/?$top=2&$skiptoken=a%2Bb",
        "https://localhost:8443/v1.0/users?$top=2&$skiptoken=a%2Bb",
    ],
)
def test_a_link_written_anew(other: str) -> None:
    """Other encodings, another order, other letters: clients write next links so."""
    assert digest_address("GET", other) == digest_address("GET", LINK)


@pytest.mark.parametrize(
    "other", ["/v1.0/users?$top=2&$skiptoken=ab", "/v1.0/groups?$top=2&$skiptoken=a%2Bb"]
)
def test_another_link(other: str) -> None:
    assert digest_address("GET", GRAPH + other) != digest_address("GET", LINK)


@pytest.mark.parametrize(
    ("received", "seconds"),
    [
        ({"retry-after": "17"}, 17.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:02:00 GMT"}, 19.5),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:01 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({}, None),
    ],
)
def test_waits(received: dict[str, str], seconds: float | None) -> None:
    """Seconds, or a date; whatever is neither is no wait."""
    error = {"error": {"code": "TooManyRequests", "message": "x"}}
    (call,) = read_calls(exchange(answer=error, status=429, received=received))
    assert (call.retry_after, call.code) == (seconds, "TooManyRequests")


def test_a_batch() -> None:
    """Each request of a batch is a call, with the answer of its ID; the batch costs nothing."""
    requests = [
        {"id": "1", "method": "GET", "url": "/users?$top=1"},
        {"id": "2", "method": "PATCH", "url": "groups/x", "body": {"displayName": "y"}},
        {"id": "3", "method": "GET", "url": "/never/answered"},
        "no object",
    ]
    responses = [
        {"id": "2", "status": 429, "headers": {"Retry-After": "3"}, "body": {"error": {}}},
        {"id": "1", "status": 200, "body": {"value": [], "@odata.nextLink": LINK}},
    ]
    calls = read_calls(
        exchange("POST", "/beta/$batch", {"responses": responses}, body={"requests": requests})
    )

    assert [(c.method, c.route, c.status, c.batched, c.units) for c in calls] == [
        ("GET", "/users", 200, True, 1),
        ("PATCH", "/groups/{key}", 429, True, 1),
        ("POST", "/$batch", 200, False, 0),
    ]
    assert {call.version for call in calls} == {"beta"}
    assert calls[0].next_link
    assert calls[1].retry_after == 3.0
    assert calls[1].written == {"displayName"}


def test_a_token_request() -> None:
    """Grant, audience, lifetime, client library and refusal, and nothing secret."""
    form = b"grant_type=client_credentials&client_id=APP-1&client_secret=hush&scope=api%3A%2F%2Fx"
    path = "https://login.microsoftonline.com/Tenant-1/oauth2/v2.0/token"
    (allowed,) = read_calls(
        exchange("POST", path, {"access_token": "eyJ", "expires_in": 3599}, body=form)
    )
    (refused,) = read_calls(
        exchange(
            "POST",
            path.replace("/v2.0", ""),
            {"error": "invalid_client", "error_codes": [7000215]},
            status=401,
            body=form,
            sent={"x-client-sku": "PCL.CoreCLR"},
        )
    )

    assert (allowed.service, allowed.caller) == ("token", AppCaller(APP, TENANT))
    assert (allowed.grant, allowed.audience) == ("client_credentials", "api://x")
    assert (allowed.lifetime, allowed.units) == (3599.0, 0)
    assert (refused.route, refused.code) == ("/{tenant}/oauth2/token", "AADSTS7000215")
    assert refused.client == "PCL.CoreCLR"
    assert "hush" not in repr([allowed, refused])


@pytest.mark.parametrize(
    ("target", "route", "known"),
    [
        ("/v1.0/users/1/photo", "/users/{id}/photo", False),
        ("/v1.0/nonsense/here", "/nonsense/here", False),
        ("/v1.0/users('a@b.c')", "/users/{key}", True),
        ("/v1.0/$metadata", "/$metadata", False),
    ],
)
def test_routes(target: str, route: str, known: bool) -> None:
    """Of what the emulator does not serve, the published template, or else the path."""
    (call,) = read_calls(exchange(target=target, status=404))
    assert (call.route, call.known) == (route, known)


@pytest.mark.parametrize(
    "target", ["/portal", "/common/discovery/instance", "https://login.test/t/oauth2/authorize"]
)
def test_what_is_no_call(target: str) -> None:
    assert read_calls(exchange(target=target)) == []


def test_azure_ad_graph() -> None:
    (call,) = read_calls(exchange(target="https://graph.windows.net/t/users?api-version=1.6"))
    assert (call.service, call.route) == ("other", "https://graph.windows.net")


@pytest.mark.parametrize(
    ("claims", "caller"),
    [
        ({}, None),
        ({"appid": 7, "tid": "t"}, None),
        ({"azp": "a", "tid": "t", "scp": "User.Read openid"}, AppCaller("a", "t", delegated=True)),
        ({"appid": "a", "tid": "t", "roles": "x"}, AppCaller("a", "t")),
    ],
)
def test_callers(claims: dict[str, Any], caller: AppCaller | None) -> None:
    (call,) = read_calls(exchange(caller=claims))
    assert call.caller == caller
    assert call.permissions == ({"User.Read", "openid"} if "scp" in claims else set())


@pytest.mark.parametrize("answer", [b"", b"<html>", b"[1]", b"\xff", b'{"value": 3}', b"[" * 9999])
def test_foreign_answers(answer: bytes) -> None:
    """What is no JSON object, or has other types, is no page and no error of ours."""
    (call,) = read_calls(exchange()._replace(response_body=answer, status=500))
    assert (call.items, call.next_link, call.code) == (None, b"", "")


def test_what_was_made_and_answered() -> None:
    """The keys of a new object, and the types of linked and of expanded objects."""
    (made,) = read_calls(
        exchange("POST", "/v1.0/applications", {"id": "O1", "appId": "A1"}, status=201, body={})
    )
    members = [{"@odata.type": "#microsoft.graph.user", "id": "1"}, {"@odata.type": 3}]
    (listed,) = read_calls(exchange(target="/v1.0/groups/g/members", answer={"value": members}))
    expanded = {"id": "1", "manager": {"@odata.type": "#microsoft.graph.orgContact", "mail": "a"}}
    delta = [{"id": "g", "members@delta": [{"@odata.type": "#microsoft.graph.user", "id": "1"}]}]
    (changed,) = read_calls(exchange(target="/v1.0/groups/delta", answer={"value": delta}))
    (shown,) = read_calls(exchange(target="/v1.0/users/1?$expand=manager", answer=expanded))

    assert made.made == ("o1", "a1")
    assert listed.key == "g"
    assert "user" in listed.types
    assert changed.types == set()
    assert shown.types == {"orgContact"}
