"""A running emulator: its files, its certificates, its TLS server."""

import asyncio
import contextlib
import errno
import ipaddress
import os
import signal
import socket
import ssl
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
import trustme
import uvicorn
from starlette.applications import Starlette

from graphdaemon.emulator.app import create_app
from graphdaemon.emulator.clock import Clock
from graphdaemon.emulator.directory import Directory
from graphdaemon.emulator.entity import Tenant
from graphdaemon.emulator.seed import seed_directory
from graphdaemon.emulator.tokens import KeyRing

__all__ = ["BindRefused", "Emulator", "PortInUse", "serve"]

# Seconds that requests under way may take when the emulator stops.
GRACE = 0.25

# Addresses to listen on that nobody can call.
UNSPECIFIED = frozenset({"0.0.0.0", "::"})  # noqa: S104 - named, not bound to

LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")


class BindRefused(Exception):  # noqa: N818 - the name says what happened
    """The emulator cannot, or will not without leave, listen at this address."""


class PortInUse(Exception):  # noqa: N818 - the name says what happened
    """Another program listens there already."""


class Emulator:
    """A pretend tenant behind TLS on this machine, in a thread of its own.

    Use it as a context manager, or call `start` and `stop`. Its attributes
    `url`, `ca_file`, `ca`, `tenant`, `directory` and `data` exist while it runs.

    Args:
        users: how many to seed, when the data folder is new.
        seed: which ones.
        host: the address to listen on.
        port: 0 takes any free one.
        data: keeps directory, keys and certificate authority; by default a
            temporary folder that goes away with the emulator.
        clock: whose time it lives in; by default the machine's, movable.
        token_lifetime: seconds every access token lives; by default 60 to 90
            minutes at random.
        hostnames: answer for these host names too, and have them in the certificate.
        page_token_age: seconds until a next link expires.
        strict_filter: refuse `ge` and `le` on strings, as the documentation's table does.
    """

    url: str
    ca: trustme.CA
    ca_file: Path
    tenant: Tenant
    directory: Directory
    data: Path

    def __init__(
        self,
        *,
        users: int = 250,
        seed: int = 0,
        host: str = "127.0.0.1",
        port: int = 0,
        data: Path | None = None,
        clock: Clock | None = None,
        token_lifetime: int | None = None,
        hostnames: tuple[str, ...] = (),
        page_token_age: float = 86_400,
        strict_filter: bool = False,
    ) -> None:
        self.clock = clock or Clock()
        self._users, self._seed = users, seed
        self._host, self._port = host, port
        self._given_data = data
        self._hostnames = hostnames
        self._settings: dict[str, Any] = {
            "token_lifetime": token_lifetime,
            "page_token_age": page_token_age,
            "strict_filter": strict_filter,
        }
        self._running = contextlib.ExitStack()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> Self:
        """Open or make the data folder and listen; connections are accepted on return.

        Raises:
            PortInUse: another program has the port.
        BindRefused: this machine does not have the address.
        """
        with contextlib.ExitStack() as stack:
            listener = stack.enter_context(_listen(self._host, self._port))
            self.data = self._given_data or Path(
                stack.enter_context(tempfile.TemporaryDirectory(prefix="graphdaemon-"))
            )
            self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
            keys = KeyRing(self.data / "signing-keys.pem", self.clock)
            stack.callback(lambda: keys.keys)
            path = self.data / "directory.sqlite"
            self.directory = Directory(path, clock=self.clock)
            stack.callback(self.directory.close)
            tenants = self.directory.tenants()
            self.tenant = (
                tenants[0]
                if tenants
                else seed_directory(self.directory, users=self._users, seed=self._seed)
            )
            self.ca, self.ca_file = _open_authority(self.data)
            own = () if self._host in UNSPECIFIED else (self._host,)
            names = tuple(dict.fromkeys((*LOCAL_NAMES, *own, *self._hostnames)))
            app = create_app(self.directory, keys, hostnames=names, **self._settings)
            stack.callback(_run_server(app, listener, _make_tls(self.ca, names)))
            self.url = f"https://{_name_host(self._host)}:{listener.getsockname()[1]}"
            self._running = stack.pop_all()
        return self

    def stop(self) -> None:
        """Stop listening, close every connection, remove a temporary data folder."""
        self._running.close()


def serve(
    listen: str,
    data: Path,
    *,
    users: int = 250,
    seed: int = 0,
    allow_remote: bool = False,
    hostnames: tuple[str, ...] = (),
    ready: Callable[[Emulator], None] = lambda _: None,
) -> None:
    """Run an emulator until SIGINT or SIGTERM; call it from the main thread.

    The first start seeds the directory, registers the application
    "Daemon-console" with consent for `User.Read.All`, and writes
    `parameters.json` for it into the data folder.

    Args:
        listen: `HOST:PORT`, an IPv6 host in brackets.
        data: the folder that everything is kept in.
        users: how many to seed, when the folder is new.
        seed: which ones.
        allow_remote: other machines may reach it.
        hostnames: what else callers may call this machine.
        ready: called once connections are accepted.

    Raises:
        BindRefused: the host is not a loopback address and `allow_remote` is
            false, or this machine does not have it.
        PortInUse: another program has the port.
        ValueError: `listen` is not HOST:PORT.
    """
    host, port = _parse_listen(listen)
    if not (_is_loopback(host) or allow_remote):
        raise BindRefused(
            f"{host} can be reached from other machines, and the emulator gives tokens to anybody. "
            "Listen on 127.0.0.1, or say --allow-remote."
        )
    if not _is_loopback(host):
        hostnames = (*hostnames, *_list_own_names(host))
    done = threading.Event()
    with contextlib.ExitStack() as stack:
        for number in (signal.SIGINT, signal.SIGTERM):
            previous = signal.signal(number, lambda *_: done.set())
            stack.callback(signal.signal, number, previous)
        emulator = Emulator(
            users=users, seed=seed, host=host, port=port, data=data, hostnames=hostnames
        )
        stack.enter_context(emulator)
        _write_parameters(emulator)
        ready(emulator)
        done.wait()


def _write_parameters(emulator: Emulator) -> None:
    """The settings file of a ready application; later starts only correct its addresses."""
    path = emulator.data / "parameters.json"
    addresses = {
        "authority": f"{emulator.url}/{emulator.tenant.id}",
        "endpoint": f"{emulator.url}/v1.0/users",
    }
    if path.exists():
        settings = msgspec.json.decode(path.read_bytes()) | addresses
    else:
        directory, tenant = emulator.directory, emulator.tenant
        application = directory.register_application(tenant, "Daemon-console")
        directory.add_application_permission(tenant, application.app_id, "User.Read.All")
        directory.grant_admin_consent(tenant, application.app_id)
        password = directory.add_password(tenant, application.app_id, "graphdaemon emulator")
        settings = {
            "authority": addresses["authority"],
            "oidc_authority": None,
            "client_id": application.app_id,
            "scope": ["https://graph.microsoft.com/.default"],
            "secret": password.secret_text,
            "endpoint": addresses["endpoint"],
            "ca_file": "ca.pem",
            "note": f"A pretend application in the pretend tenant {tenant.display_name}.",
        }
    _write_private(path, msgspec.json.format(msgspec.json.encode(settings), indent=2) + b"\n")


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=512)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(f"another program listens on {host}, port {port}") from error
        raise BindRefused(f"cannot listen on {host}, port {port}: {error.strerror}") from error


def _open_authority(data: Path) -> tuple[trustme.CA, Path]:
    """The folder's certificate authority, made on first use, and the file clients trust."""
    path, key_path = data / "ca.pem", data / "ca-key.pem"
    if path.exists() and key_path.exists():
        return trustme.CA.from_pem(path.read_bytes(), key_path.read_bytes()), path
    authority = trustme.CA(organization_name="graphdaemon emulator")
    _write_private(key_path, authority.private_key_pem.bytes())
    path.write_bytes(authority.cert_pem.bytes())
    return authority, path


def _write_private(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, 0o600)
        file.write(content)


def _make_tls(authority: trustme.CA, names: tuple[str, ...]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    authority.issue_cert(*names).configure_cert(context)
    return context


def _run_server(app: Starlette, listener: socket.socket, tls: ssl.SSLContext) -> Callable[[], None]:
    """Serve in a thread, accepting connections on return; the answer stops it."""
    config = uvicorn.Config(
        app,
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,  # the clock's time, not the machine's
        proxy_headers=False,
        timeout_keep_alive=75,
    )
    config.load()
    config.ssl = tls
    server = _Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), name="emulator", daemon=True)
    thread.start()
    if not server.accepting.wait(timeout=10):
        raise RuntimeError("the emulator's server did not start within ten seconds")

    def stop() -> None:
        server.should_exit = True
        thread.join(timeout=5)

    return stop


class _Server(uvicorn.Server):
    """Uvicorn's server, which says when it accepts connections and stops without delay."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.accepting = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.accepting.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Closing a TLS connection politely waits for the client, who need not answer.
        stopping = asyncio.ensure_future(super().shutdown(sockets))
        await asyncio.wait({stopping}, timeout=GRACE)
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await stopping


def _parse_listen(listen: str) -> tuple[str, int]:
    host, colon, port = listen.rpartition(":")
    if not (colon and host and port.isascii() and port.isdigit() and int(port) < 65_536):
        raise ValueError(f"{listen!r} is not HOST:PORT, e.g. 127.0.0.1:8443")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _name_host(host: str) -> str:
    if host in UNSPECIFIED:
        return "localhost"
    return f"[{host}]" if ":" in host else host


def _list_own_names(host: str) -> tuple[str, ...]:
    name = socket.gethostname()
    own = () if host in UNSPECIFIED else (host,)
    try:
        addresses = socket.gethostbyname_ex(name)[2]
    except OSError:
        addresses = []
    return (*own, name, *addresses)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
