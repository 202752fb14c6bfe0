"""A running emulator: its files, its certificates, its TLS server."""

import contextlib
import os
import secrets
import signal
import socket
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
import trustme

from entra_emulator.audit import Audit
from entra_emulator.clock import Clock
from entra_emulator.content.data_folder import STORE, make_store
from entra_emulator.content.life import Life
from entra_emulator.content.seed import Progress, choose_sizes, seed_directory
from entra_emulator.control.controls import ControlSettings
from entra_emulator.directory.directory import Directory
from entra_emulator.faults.schedule import Faults
from entra_emulator.faults.throttle import Throttle
from entra_emulator.model.records import Tenant
from entra_emulator.server.app import create_app
from entra_emulator.server.listen import (
    BindRefused,
    is_loopback,
    list_own_names,
    name_host,
    open_listener,
    parse_listen,
)
from entra_emulator.server.uvicorn_thread import make_tls, run_server
from entra_emulator.token_service.managed_identity import APP_SERVICE_PATH, create_managed
from entra_emulator.tokens.fetch import make_fetch
from entra_emulator.tokens.signing import KeyRing
from entra_emulator.web.context import Context, DeltaSettings

LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")


class Emulator:
    """
    A pretend tenant behind TLS on this machine, in a thread of its own.

    Use it as a context manager, or call `start` and `stop`. Its attributes
    `url`, `ca_file`, `ca`, `tenant`, `directory`, `life` and `data` exist while it runs; `audit`
    says what was asked of it.

    Args:
        users: how many to seed, when the data folder is new.
        groups: how many groups; by default one for every twenty users, and no less than five.
        devices: how many devices; by default one for every five users.
        seed: which ones.
        host: the address to listen on.
        port: 0 takes any free one.
        data: keeps directory, keys and certificate authority; by default a
            temporary folder that goes away with the emulator.
        clock: whose time it lives in; by default the machine's, movable.
        token_lifetime: seconds every access token lives, but those of managed identities, which
            live a day; by default 60 to 90 minutes at random, and a day for clients that handle
            claims challenges.
        hostnames: answer for these host names too, and have them in the certificate.
        page_token_age: seconds until a next link expires.
        strict_filter: refuse `ge` and `le` on strings, as the documentation's table does.
        federation_ca: a PEM file of the only authorities trusted for foreign token issuers;
            by default the system's.
        managed_identity: serve the endpoints of a pretend machine with managed identities, over
            plain http; their addresses are `imds_url`, for `AZURE_POD_IDENTITY_AUTHORITY_HOST`,
            and `identity_endpoint` with `identity_header`.
        control: serve the control API below `/_emulator/`, to programs on this machine.
        device_interval: seconds that devices are told to wait between polls.
        delta: how delta queries are cut into pages, and how long their links live.
        throttle: refuse applications that ask for more than Graph's documented limits.
        throttle_size: the size of every tenant, "S", "M" or "L"; by default it goes by the number
            of its users.
        throttle_scale: of the documented limits; with 0.01 they are met soon.
        progress: told how many of how many objects there are while seeding.
    """

    url: str
    ca: trustme.CA
    ca_file: Path
    directory: Directory
    life: Life
    data: Path
    keys: KeyRing
    imds_url: str
    identity_endpoint: str
    identity_header: str

    def __init__(
        self,
        *,
        users: int = 250,
        groups: int | None = None,
        devices: int | None = None,
        seed: int = 0,
        host: str = "127.0.0.1",
        port: int = 0,
        data: Path | None = None,
        clock: Clock | None = None,
        token_lifetime: int | None = None,
        hostnames: tuple[str, ...] = (),
        page_token_age: float = 86_400,
        strict_filter: bool = False,
        federation_ca: Path | None = None,
        managed_identity: bool = False,
        control: bool = False,
        device_interval: int = 5,
        delta: DeltaSettings | None = None,
        throttle: bool = True,
        throttle_size: str | None = None,
        throttle_scale: float = 1.0,
        progress: Progress = lambda *_: None,
    ) -> None:
        self.clock = clock or Clock()
        self.faults = Faults(self.clock)
        self.audit = Audit()
        self.throttle = Throttle(
            self.clock, enabled=throttle, size=throttle_size, scale=throttle_scale
        )
        self._sizes, self._seed = choose_sizes(users, groups, devices), seed
        self._progress = progress
        self._host, self._port = host, port
        self._given_data = data
        self._hostnames = hostnames
        self._settings: dict[str, Any] = {
            "token_lifetime": token_lifetime,
            "page_token_age": page_token_age,
            "strict_filter": strict_filter,
            "faults": self.faults,
            "throttle": self.throttle,
            "audit": self.audit,
            "device_interval": device_interval,
            "delta": delta,
            "fetch": make_fetch(federation_ca),
        }
        self._managed_identity, self._control = managed_identity, control
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
        """
        Open or make the data folder and listen; connections are accepted on return.

        Raises:
            PortInUse: another program has the port.
            BindRefused: this machine does not have the address.
        """
        with contextlib.ExitStack() as stack:
            listener = stack.enter_context(open_listener(self._host, self._port))
            self.data = self._given_data or Path(
                stack.enter_context(tempfile.TemporaryDirectory(prefix="graphdaemon-"))
            )
            self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.keys = keys = KeyRing(self.data / "signing-keys.pem", self.clock)
            stack.callback(lambda: keys.keys)
            path = self.data / STORE
            if not path.exists():
                make_store(path, self._fill, clock=self.clock)
            self.directory = Directory(path, clock=self.clock)
            stack.callback(self.directory.close)
            if not self.directory.tenants():
                self._fill(self.directory)
            self.life = Life(self.directory)
            stack.callback(self.life.stop)
            self.ca, self.ca_file = _open_authority(self.data)
            self.url = f"https://{name_host(self._host)}:{listener.getsockname()[1]}"
            self._serve(stack, listener)
            self._running = stack.pop_all()
        return self

    @property
    def tenant(self) -> Tenant:
        """The first tenant."""
        return self.directory.tenants()[0]

    def live(self, rate: float, seed: int = 0) -> Life:
        """
        Let the directory change by itself, so many times a second.

        Raises:
            ValueError: the rate is nothing, or too much.
        """
        self.life.start(rate, seed)
        return self.life

    def _fill(self, directory: Directory) -> None:
        sizes = self._sizes._asdict()
        seed_directory(directory, **sizes, seed=self._seed, progress=self._progress)

    def _serve(self, stack: contextlib.ExitStack, listener: socket.socket) -> None:
        names = tuple(dict.fromkeys((*LOCAL_NAMES, *self._hostnames)))
        settings = ControlSettings(self.data / "snapshots", self._sizes, self._seed, self.life)
        app = create_app(
            self.directory,
            self.keys,
            hostnames=names,
            control=settings if self._control else None,
            ca_pem=self.ca_file.read_bytes(),
            **self._settings,
        )
        stack.callback(app.state.context.issuers.close)
        if self._managed_identity:
            self._serve_machine(stack, app.state.context)
        stack.callback(run_server(app, listener, make_tls(self.ca, names)))

    def _serve_machine(self, stack: contextlib.ExitStack, context: Context) -> None:
        listener = stack.enter_context(open_listener("127.0.0.1", 0))
        self.imds_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self.identity_endpoint = self.imds_url + APP_SERVICE_PATH
        self.identity_header = secrets.token_hex(16)
        app = create_managed(context, self.url, self.identity_header)
        stack.callback(run_server(app, listener, None))

    def stop(self) -> None:
        """Stop listening, close every connection, remove a temporary data folder."""
        self._running.close()


def serve(
    listen: str,
    data: Path,
    *,
    users: int = 250,
    groups: int | None = None,
    devices: int | None = None,
    seed: int = 0,
    life: float = 0.0,
    faults: Path | None = None,
    allow_remote: bool = False,
    hostnames: tuple[str, ...] = (),
    federation_ca: Path | None = None,
    managed_identity: bool = False,
    control: bool = False,
    progress: Progress = lambda *_: None,
    ready: Callable[[Emulator], None] = lambda _: None,
) -> None:
    """
    Run an emulator until SIGINT or SIGTERM; call it from the main thread.

    The first start seeds the directory, registers the application
    "Daemon-console" with consent for `User.Read.All`, and writes
    `parameters.json` for it into the data folder.

    Args:
        listen: `HOST:PORT`, an IPv6 host in brackets.
        data: the folder that everything is kept in.
        users: how many to seed, when the folder is new.
        groups: see `Emulator`.
        devices: see `Emulator`.
        seed: which ones.
        life: how many times a second the directory is to change by itself.
        faults: a file of what is to go wrong, see `order`.
        allow_remote: other machines may reach it.
        hostnames: what else callers may call this machine.
        federation_ca: see `Emulator`.
        managed_identity: see `Emulator`.
        control: see `Emulator`.
        progress: told how far the seeding is.
        ready: called once connections are accepted.

    Raises:
        BindRefused: the host is not a loopback address and `allow_remote` is
            false, or this machine does not have it.
        PortInUse: another program has the port.
        KeyboardInterrupt: the signal came before the directory was seeded; nothing is left of it.
        OSError: the data folder cannot be used, or there is no room in it.
        ValueError: `listen` is not HOST:PORT, or the fault file cannot be followed.
    """
    host, port, names = _choose_address(listen, allow_remote=allow_remote)
    done = threading.Event()

    def watch(made: int, total: int) -> None:
        if done.is_set():
            raise KeyboardInterrupt
        progress(made, total)

    with contextlib.ExitStack() as stack:
        for number in (signal.SIGINT, signal.SIGTERM):
            previous = signal.signal(number, lambda *_: done.set())
            stack.callback(signal.signal, number, previous)
        emulator = Emulator(
            users=users,
            groups=groups,
            devices=devices,
            seed=seed,
            host=host,
            port=port,
            data=data,
            hostnames=(*hostnames, *names),
            federation_ca=federation_ca,
            managed_identity=managed_identity,
            control=control,
            progress=watch,
        )
        if faults is not None:
            emulator.faults.load(faults)
        stack.enter_context(emulator)
        _write_parameters(emulator)
        if life:
            emulator.live(life)
        ready(emulator)
        # Not for ever at a time: a signal just before an endless wait is seen only behind it.
        while not done.wait(1):
            pass


def _choose_address(listen: str, *, allow_remote: bool) -> tuple[str, int, tuple[str, ...]]:
    """The host, the port, and what else this machine is called if others may reach it."""
    host, port = parse_listen(listen)
    if is_loopback(host):
        return host, port, ()
    if not allow_remote:
        raise BindRefused(
            f"{host} can be reached from other machines, and the emulator gives tokens to anybody. "
            "Listen on 127.0.0.1, or say --allow-remote."
        )
    return host, port, list_own_names(host)


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
