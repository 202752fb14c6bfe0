"""What a program that uses httpx meets."""

import asyncio
from typing import Any

import httpx
import pytest

from entra_emulator.server.emulator import Emulator

BREAKS: list[tuple[str, dict[str, Any], type[Exception]]] = [
    ("reset", {}, httpx.ReadError),
    ("reset", {"when": "during"}, httpx.RemoteProtocolError),
    ("truncated", {"framing": "length"}, httpx.RemoteProtocolError),
    ("latency", {"delay": 60}, httpx.ReadTimeout),
]


@pytest.mark.entra(users=5)
def test_a_list_is_read_page_by_page(entra: Emulator, bearer: dict[str, str]) -> None:
    """Bodies are decompressed by httpx, links lead back to Graph."""
    with httpx.Client(transport=entra.httpx_transport(), headers=bearer) as client:
        first = client.get(f"{entra.graph_url}/users?$top=3").json()
        second = client.get(first["@odata.nextLink"]).json()

    assert first["@odata.nextLink"].startswith("https://graph.microsoft.com/v1.0/users?")
    assert (len(first["value"]), len(second["value"])) == (3, 2)


@pytest.mark.entra(permissions=["User.ReadWrite.All"])
def test_a_body_is_sent(entra: Emulator, bearer: dict[str, str]) -> None:
    ada = entra.add_user("ada")
    with httpx.Client(transport=entra.httpx_transport(), headers=bearer) as client:
        url = f"{entra.graph_url}/users/{ada['id']}"

        assert client.patch(url, json={"department": "Engines"}).status_code == 204
        assert client.get(f"{url}/department").json()["value"] == "Engines"


@pytest.mark.parametrize(("kind", "order", "error"), BREAKS)
def test_a_broken_connection_is_httpx_own_error(
    entra: Emulator,
    bearer: dict[str, str],
    kind: str,
    order: dict[str, Any],
    error: type[Exception],
) -> None:
    """Then the next request is answered."""
    entra.add_user("ada")
    entra.faults.fail(kind, **order)
    transport = entra.httpx_transport()
    with httpx.Client(transport=transport, headers=bearer, timeout=0.05) as client:
        with pytest.raises(error):
            client.get(f"{entra.graph_url}/users")

        assert client.get(f"{entra.graph_url}/users", timeout=60).status_code == 200


def test_a_slow_body_is_no_timeout(entra: Emulator, bearer: dict[str, str]) -> None:
    """Patience is for the next byte, not for the last one."""
    entra.faults.fail("drip", rate=120)
    with httpx.Client(transport=entra.httpx_transport(), headers=bearer, timeout=1) as client:
        answer = client.get(f"{entra.graph_url}/servicePrincipals")

    assert answer.status_code == 403


def test_another_host_is_not_asked(entra: Emulator) -> None:
    with (
        httpx.Client(transport=entra.httpx_transport()) as client,
        pytest.raises(httpx.ConnectError, match=r"example\.com was not asked"),
    ):
        client.get("https://example.com/")


@pytest.mark.entra(users=2)
def test_the_asynchronous_form_does_the_same(entra: Emulator, bearer: dict[str, str]) -> None:
    """Answers, breaks and refusals; many at once."""

    async def use() -> list[int]:
        transport = entra.async_httpx_transport()
        async with httpx.AsyncClient(transport=transport, headers=bearer) as client:
            entra.faults.fail("reset", when="during")
            with pytest.raises(httpx.RemoteProtocolError):
                await client.get(f"{entra.graph_url}/users")
            entra.faults.fail("latency", delay=60)
            with pytest.raises(httpx.ReadTimeout):
                await client.get(f"{entra.graph_url}/users", timeout=0.05)
            with pytest.raises(httpx.ConnectError):
                await client.get("https://example.com/")
            asked = [client.get(f"{entra.graph_url}/users") for _ in range(5)]
            return [len(answer.json()["value"]) for answer in await asyncio.gather(*asked)]

    assert asyncio.run(use()) == [2] * 5


@pytest.mark.entra(users=2)
def test_over_tls_the_same_call_trusts_the_authority(entra_server: Emulator) -> None:
    """A test can go from one fixture to the other unchanged."""

    async def use() -> int:
        transport = entra_server.async_httpx_transport()
        async with httpx.AsyncClient(transport=transport) as client:
            return (await client.get(f"{entra_server.graph_url}/users")).status_code

    with httpx.Client(transport=entra_server.httpx_transport()) as client:
        assert client.get(f"{entra_server.graph_url}/users").status_code == 401
    assert asyncio.run(use()) == 401
