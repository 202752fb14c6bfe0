"""A running emulator: its data folder, its certificate authority and its TLS server."""

import contextlib
import queue
import secrets
import signal
import socket
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import msgspec
import trustme

from entra_emulator.audit import Audit
from entra_emulator.content.data_folder import STORE, explaining_store, hold_folder, make_store
from entra_emulator.content.life import Life
from entra_emulator.content.seed import choose_sizes, seed_directory
from entra_emulator.control.controls import ControlSettings
from entra_emulator.directory.directory import Directory
from entra_emulator.faults.schedule import Faults
from entra_emulator.faults.throttle import Throttle
from entra_emulator.model.records import Tenant
from entra_emulator.private_files import write_file
from entra_emulator.server.app import create_app
from entra_emulator.server.authority import open_authority
from entra_emulator.server.listen import (
    BindRefused,
    is_loopback,
    list_own_names,
    name_host,
    open_listener,
    parse_listen,
)
from entra_emulator.server.settings import EmulatorSettings
from entra_emulator.server.uvicorn_thread import make_tls, run_server
from entra_emulator.token_service.managed_identity import (
    APP_SERVICE_PATH,
    create_managed_identity_app,
)
from entra_emulator.tokens.signing import KeyRing
from entra_emulator.web.context import LOOPBACK_NAMES, Context

# How the note in settings begins that the emulator has written.
_NOTE = "A pretend application in the pretend tenant "


@dataclass(frozen=True, slots=True)
class EmulatorApplication:
    """
    An application of the pretend tenant, with what its administrator would note down.

    Args:
        client_id: its application ID.
        secret: the value of its client secret.
        secret_id: the ID of that secret.
        parameters: the content of a settings file with which graphdaemon lists the tenant's users
            as this application.
    """

    client_id: str
    secret: str
    secret_id: str
    parameters: dict[str, Any]


class Emulator:
    """
    A pretend tenant behind TLS on this machine, served in a thread of its own.

    Use it as a context manager, or call `start` and `stop`. Its attributes
    `url`, `ca_file`, `ca`, `tenant`, `directory`, `life` and `data` exist while it runs; `audit`
    tells which requests it got, and `faults` lets requests fail.

    Args:
        settings: by default those of `EmulatorSettings` without arguments.
        options: fields of `EmulatorSettings`, which replace those of `settings`.
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

    def __init__(self, settings: EmulatorSettings | None = None, **options: Any) -> None:
        self.settings = settings = replace(settings or EmulatorSettings(), **options)
        self.clock = settings.clock
        self.faults = Faults(self.clock)
        self.audit = Audit()
        self.throttle = Throttle(
            self.clock,
            enabled=settings.throttle,
            size=settings.throttle_size,
            scale=settings.throttle_scale,
        )
        self._sizes = choose_sizes(settings.users, settings.groups, settings.devices)
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
            FolderInUse: another emulator has the data folder.
            OSError: the data folder cannot be used, or there is no room in it.
            ValueError: something in it was not written by an emulator of this version.
        """
        with contextlib.ExitStack() as stack:
            # The port comes first: if it is taken, nothing has been seeded in vain.
            listener = stack.enter_context(open_listener(self.settings.host, self.settings.port))
            self.data = self.settings.data or Path(
                stack.enter_context(tempfile.TemporaryDirectory(prefix="graphdaemon-"))
            )
            stack.enter_context(hold_folder(self.data))
            path = self.data / STORE
            if not path.exists():
                _refuse_foreign_settings(self.data)
            self.keys = keys = KeyRing(self.data / "signing-keys.pem", self.clock)
            # The keys are made in the background: wait for their file before the folder goes.
            stack.callback(keys.wait)
            if not path.exists():
                make_store(path, self._fill, clock=self.clock)
            with explaining_store(path):
                self.directory = Directory(path, clock=self.clock)
                stack.callback(self.directory.close)
                if not self.directory.tenants.list_all():
                    self._fill(self.directory)
            self.life = Life(self.directory)
            stack.callback(self.life.stop)
            self.ca, self.ca_file = open_authority(self.data)
            self.url = f"https://{name_host(self.settings.host)}:{listener.getsockname()[1]}"
            self._serve(stack, listener)
            # A failure up to here undoes what was begun; from now on `stop` does.
            self._running = stack.pop_all()
        return self

    @property
    def tenant(self) -> Tenant:
        """The first tenant."""
        return self.directory.tenants.list_all()[0]

    def add_application(
        self,
        display_name: str,
        permissions: Iterable[str] = (),
        *,
        consent: bool = True,
        redirect_uris: Iterable[str] = (),
        tenant: Tenant | None = None,
    ) -> EmulatorApplication:
        """
        Register an application with a client secret and permissions of Microsoft Graph.

        Args:
            display_name: what people see.
            permissions: app roles it asks for, e.g. `User.Read.All`.
            consent: grant them too.
            redirect_uris: of the web platform.
            tenant: its home, by default the first tenant.

        Raises:
            LookupError: Graph has no such permission.
        """
        directory, tenant = self.directory, tenant or self.tenant
        with directory.transaction():
            application = directory.applications.register(
                tenant, display_name, redirect_uris=redirect_uris
            )
            client_id = application.app_id
            for permission in permissions:
                directory.applications.add_application_permission(tenant, client_id, permission)
            if consent:
                directory.consents.grant_admin_consent(tenant, client_id)
            password = directory.credentials.add_password(tenant, client_id, "graphdaemon emulator")
        assert password.secret_text is not None, "it was made just now"
        parameters = {
            "authority": f"{self.url}/{tenant.id}",
            "client_id": client_id,
            "scope": ["https://graph.microsoft.com/.default"],
            "secret": password.secret_text,
            "endpoint": f"{self.url}/v1.0/users",
            "ca_file": str(self.ca_file),
        }
        return EmulatorApplication(client_id, password.secret_text, password.key_id, parameters)

    def live(self, rate: float, seed: int = 0) -> Life:
        """
        Let the directory change by itself, at a rate of changes per second.

        Raises:
            ValueError: the rate is not above 0, or too high.
        """
        self.life.start(rate, seed)
        return self.life

    def _fill(self, directory: Directory) -> None:
        settings = self.settings
        sizes = self._sizes._asdict()
        seed_directory(directory, **sizes, seed=settings.seed, progress=settings.progress)

    def _serve(self, stack: contextlib.ExitStack, listener: socket.socket) -> None:
        settings = self.settings
        control = ControlSettings(self.data / "snapshots", self._sizes, settings.seed, self.life)
        app = create_app(
            self.directory,
            self.keys,
            settings,
            faults=self.faults,
            throttle=self.throttle,
            audit=self.audit,
            control=control if settings.control else None,
            ca_pem=self.ca_file.read_bytes(),
        )
        stack.callback(app.state.context.issuers.close)
        if settings.managed_identity:
            self._serve_machine(stack, app.state.context)
        names = tuple(dict.fromkeys((*LOOPBACK_NAMES, *settings.hostnames)))
        stack.callback(run_server(app, listener, make_tls(self.ca, names)))

    def _serve_machine(self, stack: contextlib.ExitStack, context: Context) -> None:
        # Like a real machine's, this endpoint is plain http and gives tokens to any program that
        # asks, so no other machine may reach it.
        listener = stack.enter_context(open_listener("127.0.0.1", 0))
        self.imds_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self.identity_endpoint = self.imds_url + APP_SERVICE_PATH
        self.identity_header = secrets.token_hex(16)
        app = create_managed_identity_app(context, self.url, self.identity_header)
        stack.callback(run_server(app, listener, None))

    def stop(self) -> None:
        """Stop listening, close every connection, remove a temporary data folder."""
        self._running.close()


def serve(
    listen: str,
    settings: EmulatorSettings,
    *,
    life: float = 0.0,
    faults: Path | None = None,
    allow_remote: bool = False,
    ready: Callable[[Emulator], None] = lambda _: None,
) -> None:
    """
    Run an emulator until SIGINT or SIGTERM; call it from the main thread.

    The first start seeds the directory, registers the application
    "Daemon-console" with consent for `User.Read.All`, and writes
    `parameters.json` for it into the data folder.

    Args:
        listen: `HOST:PORT`, an IPv6 host in brackets.
        settings: of the emulator; host and port are those of `listen`.
        life: how many times a second the directory is to change by itself.
        faults: a file of what is to go wrong, see `read_orders`.
        allow_remote: other machines may reach it.
        ready: called once connections are accepted.

    Raises:
        BindRefused: the host is not a loopback address and `allow_remote` is
            false, or this machine does not have it.
        PortInUse: another program has the port.
        KeyboardInterrupt: the signal came before the directory was seeded; nothing is left of it.
        FolderInUse: another emulator has the data folder.
        OSError: the data folder cannot be used, or there is no room in it.
        ValueError: `listen` is not HOST:PORT, the fault file cannot be followed, or something in
            the data folder was not written by an emulator of this version.
    """
    host, port, names = _choose_address(listen, allow_remote=allow_remote)
    # Its put may interrupt its get; the set of an Event that is waited for could block for ever.
    signals: queue.SimpleQueue[int] = queue.SimpleQueue()

    def watch_seeding(made: int, total: int) -> None:
        if not signals.empty():
            raise KeyboardInterrupt
        settings.progress(made, total)

    with contextlib.ExitStack() as stack:
        for number in (signal.SIGINT, signal.SIGTERM):
            # The handler raises nothing: an exception could strike anywhere, even within a write.
            previous = signal.signal(number, lambda number, _: signals.put(number))
            stack.callback(signal.signal, number, previous)
        hostnames = (*settings.hostnames, *names)
        emulator = Emulator(
            settings, host=host, port=port, hostnames=hostnames, progress=watch_seeding
        )
        if faults is not None:
            emulator.faults.load(faults)  # first, since a wrong file must not cost a seeding
        stack.enter_context(emulator)
        with explaining_store(emulator.data):
            _write_parameters(emulator)
        # They are made in the background; whether they could be written is said before it serves.
        _ = emulator.keys.keys
        if life:
            emulator.live(life)
        ready(emulator)
        # A signal that comes just before an endless wait would be handled only after it.
        ended_by = 0
        while not ended_by:
            with contextlib.suppress(queue.Empty):
                ended_by = signals.get(timeout=1)


def _choose_address(listen: str, *, allow_remote: bool) -> tuple[str, int, tuple[str, ...]]:
    """The host, the port, and the other names of this machine if others may reach it."""
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
    """
    Write the settings of a ready application; later starts only correct its addresses.

    Raises:
        ValueError: there are settings that the emulator did not write.
    """
    path, tenant = emulator.data / "parameters.json", emulator.tenant
    settings = _read_own_settings(path, tenant)
    if settings is not None:
        # The value of the secret is in no other place: the directory can show it only once.
        settings |= {
            "authority": f"{emulator.url}/{tenant.id}",
            "endpoint": f"{emulator.url}/v1.0/users",
        }
    else:
        application = emulator.add_application("Daemon-console", ["User.Read.All"])
        settings = {"authority": None, "oidc_authority": None} | application.parameters
        # A name without a folder is looked for beside the file, wherever the folder is moved to.
        settings |= {"ca_file": emulator.ca_file.name, "note": _NOTE + tenant.display_name + "."}
    write_file(path, msgspec.json.format(msgspec.json.encode(settings), indent=2) + b"\n")


def _refuse_foreign_settings(data: Path) -> None:
    """
    Make sure that a folder without a tenant holds no settings of somebody else's.

    Raises:
        ValueError: it does.
    """
    _read_own_settings(data / "parameters.json", None)


def _read_own_settings(path: Path, tenant: Tenant | None) -> dict[str, Any] | None:
    """
    The settings that an earlier start has written; None if absent, or of another tenant than this.

    Raises:
        ValueError: somebody else has written them.
    """
    try:
        settings = msgspec.json.decode(path.read_bytes())
    except FileNotFoundError:
        return None
    except (msgspec.DecodeError, RecursionError):
        settings = None
    if isinstance(settings, dict):
        authority, endpoint = str(settings.get("authority")), str(settings.get("endpoint"))
        if tenant is not None and authority.endswith(f"/{tenant.id}"):
            return settings
        # Whoever made real settings of them left the note perhaps, but no service has both parts.
        same_host = urlsplit(authority).netloc == urlsplit(endpoint).netloc
        if same_host and str(settings.get("note")).startswith(_NOTE):
            return None
    raise ValueError(
        f"{path} was not written by the emulator, and was left as it is. Name another folder with "
        "--data."
    )
