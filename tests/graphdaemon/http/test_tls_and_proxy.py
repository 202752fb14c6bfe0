"""Proxies: honoured for what is far, never for what is here, and explained when they refuse."""

import base64
from pathlib import Path

import pytest

from graphdaemon.errors import NetworkError, SettingsError
from tests.support.connect_proxy import connect_proxy, far_listing
from tests.support.scripted_listing import listing
from tests.support.scripted_server import ScriptedServer, page


def test_a_far_host_is_reached_through_the_proxy_with_its_password(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CONNECT to the host, authorised; the token service on this machine is reached directly."""
    scripted.script = [page({"id": "1"})]
    with connect_proxy(scripted.port) as (address, heads):
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:p%40ss@{address}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)

        assert far_listing(scripted) == 1

    assert [head.split()[:2] for head in heads] == [["CONNECT", f"graph.test:{scripted.port}"]]
    assert base64.b64encode(b"me:p@ss").decode() in heads[0]
    assert "Bearer" not in "".join(heads)


def test_a_proxy_that_refuses_is_named(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own words are repeated, its password is not."""
    with connect_proxy(scripted.port, "407 Proxy Authentication Required") as (address, _):
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:secret-word@{address}")

        with pytest.raises(NetworkError, match="407 Proxy Authentication Required") as caught:
            far_listing(scripted)

    assert caught.value.code == "proxy_refused"
    assert "secret-word" not in f"{caught.value} {caught.value.hint}"


def test_no_proxy_is_honoured(scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """An exempted host is asked for directly, and so, here, not found."""
    with connect_proxy(scripted.port) as (address, heads):
        monkeypatch.setenv("HTTPS_PROXY", f"http://{address}")
        monkeypatch.setenv("NO_PROXY", "graph.test")

        with pytest.raises(NetworkError):
            far_listing(scripted)

    assert heads == []


def test_the_ca_file_counts_even_where_the_environment_names_another(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """REQUESTS_CA_BUNDLE, set on many company machines, does not silently win."""
    other = tmp_path / "other.pem"
    other.write_bytes(scripted.ca_file.read_bytes())
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(other))
    scripted.script = [page()]

    assert listing(scripted) == []
    assert listing(scripted, ca_file=None) == []


@pytest.mark.parametrize("content", [None, "not a certificate"], ids=["missing", "not-pem"])
def test_an_unusable_ca_file_is_named(
    scripted: ScriptedServer, tmp_path: Path, content: str | None
) -> None:
    """A wrong ca_file is a settings error, not a TLS riddle."""
    path = tmp_path / "ca.pem"
    if content:
        path.write_text(content)

    with pytest.raises(SettingsError, match=r"ca\.pem") as caught:
        listing(scripted, ca_file=str(path))

    assert caught.value.code == "ca_file_unreadable"
