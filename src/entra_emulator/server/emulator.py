"""A running emulator: its data folder, its certificate authority and its TLS server."""

import contextlib
import secrets
import socket
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import trustme
from starlette.types import ASGIApp

from entra_emulator.audit import Audit
from entra_emulator.content.data_folder import STORE, explaining_store, hold_folder, make_store
from entra_emulator.content.life import Life
from entra_emulator.content.seed import choose_sizes, seed_directory
from entra_emulator.content.tenant_file.description import TenantDescription, TenantFileError
from entra_emulator.content.tenant_file.fill import derive_app_id, fill_described
from entra_emulator.content.tenant_file.read import read_tenant_file
from entra_emulator.control.controls import PREFIX, ControlSettings
from entra_emulator.directory.directory import Directory
from entra_emulator.faults.schedule import Faults
from entra_emulator.faults.throttle import Throttle
from entra_emulator.model.records import Tenant
from entra_emulator.report.call_log import CallLog
from entra_emulator.report.report import Report
from entra_emulator.server.app import create_app
from entra_emulator.server.authority import open_authority
from entra_emulator.server.exchange_queue import ExchangeQueue
from entra_emulator.server.listen import name_host, open_listener
from entra_emulator.server.parameters_file import refuse_foreign_settings
from entra_emulator.server.settings import EmulatorSettings
from entra_emulator.server.uvicorn_thread import make_tls, run_server
from entra_emulator.token_service.managed_identity import (
    APP_SERVICE_PATH,
    create_managed_identity_app,
)
from entra_emulator.tokens.signing import KeyRing
from entra_emulator.web.context import LOOPBACK_NAMES, Context
from entra_emulator.web.exchange import Note, watch_exchanges
from entra_emulator.web.pages.request import PREFIX as PORTAL

# The name under which the directory keeps the digest of the file that it was made of.
_DESCRIBED = "tenant_file"


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
        self._calls = CallLog() if settings.report else None
        self._exchanges: ExchangeQueue | None = None
        self._sizes = choose_sizes(settings.users, settings.groups, settings.devices)
        self._description: TenantDescription | None = None
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
            TenantFileError: the tenant file cannot be followed, or made another tenant than this.
            ValueError: something in it was not written by an emulator of this version.
        """
        with contextlib.ExitStack() as stack:
            if self.settings.tenant_file is not None:
                self._description = read_tenant_file(self.settings.tenant_file)
            # The port comes first: if it is taken, nothing has been seeded in vain.
            listener = stack.enter_context(open_listener(self.settings.host, self.settings.port))
            self.data = self.settings.data or Path(
                stack.enter_context(tempfile.TemporaryDirectory(prefix="graphdaemon-"))
            )
            stack.enter_context(hold_folder(self.data))
            path = self.data / STORE
            if not path.exists():
                refuse_foreign_settings(self.data)
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
            self._check_description()
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
        return self._note_down(tenant, client_id, password.secret_text, password.key_id)

    @property
    def applications(self) -> dict[str, EmulatorApplication]:
        """The applications of the tenant file that have a `secret`, by display name, in order."""
        noted: dict[str, EmulatorApplication] = {}
        for entry in self._description.applications if self._description else ():
            secret, client_id = entry.values.get("secret"), derive_app_id(self.tenant, entry)
            if secret is None:
                continue
            held = self.directory.credentials.find_password(client_id, secret)
            # Whoever uses the tenant may have removed it.
            if held is not None:
                name = entry.values["displayName"]
                noted[name] = self._note_down(self.tenant, client_id, secret, held.key_id)
        return noted

    def _note_down(
        self, tenant: Tenant, client_id: str, secret: str, secret_id: str
    ) -> EmulatorApplication:
        parameters = {
            "authority": f"{self.url}/{tenant.id}",
            "client_id": client_id,
            "scope": ["https://graph.microsoft.com/.default"],
            "secret": secret,
            "endpoint": f"{self.url}/v1.0/users",
            "ca_file": str(self.ca_file),
        }
        return EmulatorApplication(client_id, secret, secret_id, parameters)

    def _check_description(self) -> None:
        """Make sure that the tenant is the one that the tenant file describes."""
        if self._description is None:
            return
        if self.directory.setting(_DESCRIBED, lambda: b"") != self._description.digest:
            raise TenantFileError(
                f"the tenant in {self.data} was not made of {self._description.path} as it is at "
                "present. Remove the folder, or name another with --data."
            )

    def report(self) -> Report:
        """
        What the programs that called did so far, and had better do otherwise.

        Raises:
            RuntimeError: the emulator was not started with `report`.
        """
        if self._calls is None or self._exchanges is None:
            raise RuntimeError("the emulator keeps no calls: start it with report=True")
        self._exchanges.wait()
        return self._calls.report()

    def forget_calls(self) -> None:
        """Forget what the report is made of, and begin anew."""
        if self._calls is not None and self._exchanges is not None:
            self._exchanges.wait()
            self._calls.clear()

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
        if self._description is not None:
            fill_described(directory, self._description, progress=settings.progress)
            digest = self._description.digest
            directory.setting(_DESCRIBED, lambda: digest)
            return
        sizes = self._sizes._asdict()
        seed_directory(directory, **sizes, seed=settings.seed, progress=settings.progress)

    def _serve(self, stack: contextlib.ExitStack, listener: socket.socket) -> None:
        settings = self.settings
        control = ControlSettings(
            self.data / "snapshots",
            self._sizes,
            settings.seed,
            self.life,
            self._fill,
            self.report if settings.report else None,
            self.forget_calls,
        )
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
        stack.callback(run_server(self._watch(stack, app), listener, make_tls(self.ca, names)))

    def _watch(self, stack: contextlib.ExitStack, app: ASGIApp) -> ASGIApp:
        """The application, each of whose exchanges goes to those who asked for them."""
        receivers: list[Note] = [] if self._calls is None else [self._calls.note]
        if not receivers:
            return app
        self._exchanges = ExchangeQueue(receivers).start()
        stack.callback(self._exchanges.close)
        passed = (f"{PREFIX}/", PORTAL)
        return watch_exchanges(app, self._exchanges.note, self.clock.now, passed)

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
