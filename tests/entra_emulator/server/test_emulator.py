import re
import signal
import socket
import ssl
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest

import entra_emulator
import graphdaemon
from entra_emulator.clock import Clock
from entra_emulator.content.data_folder import FolderInUse
from entra_emulator.server.emulator import Emulator
from entra_emulator.web.context import DeltaSettings
from tests.support.emulator_probe import App, Probe, register

SERVE = """
import sys
from pathlib import Path
from entra_emulator.server.serve import serve
from entra_emulator.server.settings import EmulatorSettings
settings = EmulatorSettings(data=Path(sys.argv[2]), users=7)
serve(sys.argv[1], settings, ready=lambda e: print(e.url, flush=True))
"""


def test_lazy_import() -> None:
    """Importing the package loads neither server nor cryptography; the class is there."""
    code = (
        "import sys, entra_emulator as e; "
        "print(sorted({'starlette', 'uvicorn', 'cryptography', 'trustme'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert run.stdout.strip() == "[]"
    assert entra_emulator.Emulator is Emulator
    with pytest.raises(AttributeError, match="nothing"):
        _ = entra_emulator.nothing


def test_restart(launch: Callable[..., Probe], keys: Path, tmp_path: Path) -> None:
    """A data folder reopened keeps tenant, users, application, keys, authority, tokens, links."""
    data = tmp_path / "kept"
    with Emulator(users=30, data=data) as first:
        probe = Probe(first)
        app = register(probe, "User.Read.All")
        token = app.token()
        link = app.get("/v1.0/users?$top=9", token).json()["@odata.nextLink"]
        link = link.removeprefix(first.url)
        before = app.get("/v1.0/users", token).json()["value"]
        authority = first.ca_file.read_bytes()
        probe.close()

    with Emulator(users=5, seed=9, data=data) as second:
        probe = Probe(second)
        again = App(probe, second.tenant, app.client_id, app.secret)
        after = again.get("/v1.0/users", token).json()["value"]

        assert second.tenant == first.tenant
        assert after == before
        assert second.ca_file.read_bytes() == authority
        assert again.get("/v1.0/users?$top=1", again.token()).status == 200
        assert again.get(link, token).status == 200
        probe.close()


def test_added_application(probe: Probe, tmp_path: Path) -> None:
    """One line makes an application whose parameters work; without consent Graph refuses."""
    emulator, path = probe.emulator, tmp_path / "parameters.json"
    allowed, refused = (
        emulator.add_application("My daemon", permissions=["User.Read.All"], consent=consent)
        for consent in (True, False)
    )

    path.write_bytes(msgspec.json.encode(allowed.parameters))
    with graphdaemon.load(path) as client:
        users = list(client.list("users"))
    path.write_bytes(msgspec.json.encode(refused.parameters))
    with graphdaemon.load(path) as client, pytest.raises(graphdaemon.GraphError):
        list(client.list("users"))

    assert len(users) == emulator.directory.collections.count(emulator.tenant, "user")
    assert allowed.parameters["client_id"] == allowed.client_id
    assert allowed.parameters["secret"] == allowed.secret


def test_none_is_the_default() -> None:
    """A clock or delta settings of None are those that an emulator has by default."""
    settings = Emulator(clock=None, delta=None).settings

    assert isinstance(settings.clock, Clock)
    assert settings.delta == DeltaSettings()


def test_files_may_be_named_by_text(tmp_path: Path) -> None:
    file, data = tmp_path / "tenant.toml", tmp_path / "data"
    file.write_text('name = "Fabrikam"\n', encoding="utf-8")

    with Emulator(tenant_file=str(file), data=str(data)) as emulator:
        assert emulator.tenant.display_name == "Fabrikam"
        assert emulator.ca_file == data / "ca.pem"
    assert Emulator(federation_ca="ca.pem").settings.federation_ca == Path("ca.pem")


def test_no_such_permission(probe: Probe) -> None:
    """An application that asks for what Graph does not have is not registered at all."""
    directory, tenant = probe.emulator.directory, probe.emulator.tenant
    count = directory.collections.count(tenant, "application")

    with pytest.raises(LookupError, match=r"User\.Fly\.All"):
        probe.emulator.add_application("Wishful", ["User.Fly.All"])

    assert directory.collections.count(tenant, "application") == count


def test_private_files(probe: Probe) -> None:
    """Keys are for their owner only; the certificate to trust is not secret."""
    data = probe.emulator.data
    modes = {
        name: stat.S_IMODE((data / name).stat().st_mode)
        for name in ("signing-keys.pem", "ca-key.pem")
    }

    assert modes == {"signing-keys.pem": 0o600, "ca-key.pem": 0o600}
    assert b"PRIVATE" not in probe.emulator.ca_file.read_bytes()


def test_temporary_data(launch: Callable[..., Probe]) -> None:
    """Without a data folder nothing is left behind."""
    with Emulator(users=0) as emulator:
        data = emulator.data
        assert data.is_dir()

    assert not data.exists()


def test_certificate(launch: Callable[..., Probe]) -> None:
    """The certificate is good for the local names and for those asked for."""
    emulator = launch(hostnames=("graph.contoso.example",), users=0).emulator
    parts = urlsplit(emulator.url)
    tls = ssl.create_default_context(cafile=str(emulator.ca_file))

    for name in ("localhost", "127.0.0.1", "::1", "graph.contoso.example"):
        address = (parts.hostname or "", parts.port or 0)
        with (
            socket.create_connection(address, timeout=60) as plain,
            tls.wrap_socket(plain, server_hostname=name) as secure,
        ):
            assert secure.version() in {"TLSv1.2", "TLSv1.3"}


def test_more_hostnames(launch: Callable[..., Probe]) -> None:
    """The emulator answers for the host names it was given."""
    probe = launch(hostnames=("graph.contoso.example",), users=0)

    answer = probe.get("/v1.0/users", Host="GRAPH.contoso.example:443")

    assert answer.status == 401


def test_ipv6(launch: Callable[..., Probe]) -> None:
    """An IPv6 address stands in brackets in the URL, and works."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    probe = launch(host="::1", users=0)

    assert re.fullmatch(r"https://\[::1\]:\d+", probe.emulator.url)
    assert probe.get("/v1.0/users").status == 401


def test_prompt_stop(launch: Callable[..., Probe], keys: Path) -> None:
    """Stopping waits for no client that keeps its connection open."""
    threads = set(threading.enumerate())
    emulator = Emulator(users=0).start()
    parts = urlsplit(emulator.url)
    tls = ssl.create_default_context(cafile=str(emulator.ca_file))
    clients = [
        tls.wrap_socket(
            socket.create_connection((parts.hostname or "", parts.port or 0), timeout=60),
            server_hostname="localhost",
        )
        for _ in range(5)
    ]
    clients[0].sendall(b"GET /v1.0/users HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert clients[0].recv(12) == b"HTTP/1.1 401"
    clients[1].sendall(b"POST /x/oauth2/v2.0/token HTTP/1.1\r\nHost: localhost\r\n")

    emulator.stop()

    for client in clients:
        client.close()
    left = {thread.name for thread in set(threading.enumerate()) - threads}
    assert "emulator" not in left


def test_remote(tmp_path: Path) -> None:
    """With leave, the emulator listens on every address and answers to the machine's own name."""
    code = SERVE.replace("settings, ready", "settings, allow_remote=True, ready")
    with subprocess.Popen(
        [sys.executable, "-c", code, "0.0.0.0:0", str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        settings = msgspec.json.decode((tmp_path / "parameters.json").read_bytes())
        answer = list_users(settings, tmp_path, Host=socket.gethostname())
        process.terminate()
        process.wait(timeout=60)

    assert url.startswith("https://localhost:")
    assert answer == 7


def test_serve(tmp_path: Path) -> None:
    """The standalone emulator writes ready settings, answers, and stops on SIGTERM and SIGINT."""
    path = tmp_path / "parameters.json"
    contents = []
    for number in (signal.SIGTERM, signal.SIGINT):
        with subprocess.Popen(
            [sys.executable, "-W", "error", "-c", SERVE, "127.0.0.1:0", str(tmp_path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            contents.append(msgspec.json.decode(path.read_bytes()))
            assert contents[-1]["endpoint"] == f"{url}/v1.0/users"
            assert list_users(contents[-1], tmp_path) == 7
            process.send_signal(number)
            _, errors = process.communicate(timeout=60)

        assert (process.returncode, errors) == (0, "")

    assert list(contents[0]) == [
        "authority",
        "oidc_authority",
        "client_id",
        "scope",
        "secret",
        "endpoint",
        "ca_file",
        "note",
    ]
    addresses = {name: contents[1][name] for name in ("authority", "endpoint")}
    assert contents[1] == contents[0] | addresses
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert contents[0]["scope"] == ["https://graph.microsoft.com/.default"]
    assert (tmp_path / contents[0]["ca_file"]).samefile(tmp_path / "ca.pem")


def list_users(settings: dict[str, str], data: Path, **headers: str) -> int:
    """How many users the settings lead to, as a program that only has the file would see."""

    class Running:
        url = settings["endpoint"].removesuffix("/v1.0/users")
        ca_file = data / settings["ca_file"]

    probe = Probe(Running())  # type: ignore[arg-type] # only these two are asked for
    form = {
        "grant_type": "client_credentials",
        "client_id": settings["client_id"],
        "client_secret": settings["secret"],
        "scope": settings["scope"][0],
    }
    path = urlsplit(settings["authority"]).path + "/oauth2/v2.0/token"
    token = probe.post(path, form).json()["access_token"]
    users = probe.get("/v1.0/users", Authorization=f"Bearer {token}", **headers).json()["value"]
    probe.close()
    return len(users)


def test_two_emulators_do_not_share_a_data_folder(
    launch: Callable[..., Probe], tmp_path: Path
) -> None:
    """The second one is told so, and changes nothing; once the first has stopped, it starts."""
    first = launch(tmp_path / "data", users=3).emulator
    before = {path.name: path.read_bytes() for path in first.data.iterdir() if path.is_file()}

    with pytest.raises(FolderInUse, match=str(first.data)):
        Emulator(data=first.data).start()

    assert {path.name for path in first.data.iterdir() if path.is_file()} == before.keys()
    first.stop()
    with Emulator(data=first.data) as second:
        assert second.tenant == first.tenant
