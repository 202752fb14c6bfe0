"""A running emulator: its directory, its keys, and how programs reach it."""

import contextlib
import itertools
import socket
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import trustme
from starlette.applications import Starlette

from entra_emulator.audit import Audit
from entra_emulator.content.additions import (
    Named,
    add_group,
    add_secret,
    add_user,
    assign_licenses,
    register_application,
)
from entra_emulator.content.life import Life
from entra_emulator.content.seed import choose_sizes
from entra_emulator.control.control_settings import ControlSettings
from entra_emulator.directory.directory import Directory
from entra_emulator.faults.schedule import Faults
from entra_emulator.in_process.call import InProcess
from entra_emulator.in_process.loop_thread import LoopThread
from entra_emulator.in_process.service_names import GRAPH_NAME, LOGIN_NAME, SERVICE_NAMES
from entra_emulator.model.records import Tenant
from entra_emulator.server.app import create_app
from entra_emulator.server.authority import open_authority
from entra_emulator.server.emulator_application import (
    EmulatorApplication,
    EmulatorCertificate,
    Reached,
    make_certificate,
    note_down,
)
from entra_emulator.server.listen import name_host, open_listener
from entra_emulator.server.machine import serve_machine
from entra_emulator.server.open_directory import choose_content, open_directory
from entra_emulator.server.settings import EmulatorSettings, make_throttle
from entra_emulator.server.shared_parts import SharedParts
from entra_emulator.server.uvicorn_thread import make_tls, run_server
from entra_emulator.server.watched_calls import WatchedCalls
from entra_emulator.tokens.signing import KeyRing
from entra_emulator.traffic.recording.recorded_directory import admit_recorded_app
from entra_emulator.traffic.report.report import Report
from entra_emulator.web.context import LOOPBACK_NAMES, Context

if TYPE_CHECKING:
    import httpx
    import requests


class Emulator:
    """
    A pretend tenant, behind TLS on this machine or within this process.

    Use it as a context manager, or call `start` and `stop`. While it runs, it has `url`, `ca_file`,
    `ca`, `tenant`, `directory`, `life` and `data`. `audit` shows its requests, and `faults` lets
    them fail. With `in_process=True` it has no `ca` and no `ca_file`.

    Args:
        settings: by default those of `EmulatorSettings` without arguments.
        shared: what emulators in this process share. The directory is then in memory.
        options: fields of `EmulatorSettings` that replace those of `settings`.
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
        settings: EmulatorSettings | None = None,
        *,
        shared: SharedParts | None = None,
        **options: Any,
    ) -> None:
        self.settings = settings = replace(settings or EmulatorSettings(), **options)
        self._shared = shared
        self.clock = settings.clock
        self.faults = Faults(self.clock)
        self.audit = Audit()
        self.throttle = make_throttle(settings)
        self._watched = WatchedCalls(report=settings.report, record=settings.record)
        self._sizes = choose_sizes(settings.users, settings.groups, settings.devices)
        self._running = contextlib.ExitStack()
        self._certificates = itertools.count()
        self._calls: InProcess | None = None

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
        Open or create the data folder, and listen. On return, connections are accepted.

        Raises:
            PortInUse: another program has the port.
            BindRefused: this machine does not have the address.
            FolderInUse: another emulator has the data folder.
            OSError: the data folder cannot be used, or there is no room on its disk.
            TenantFileError: the tenant file is invalid, or made another tenant.
            ValueError: something in it was not written by an emulator of this version.
        """
        settings, shared = self.settings, self._shared
        with contextlib.ExitStack() as stack:
            self._content = choose_content(settings, self._sizes)
            # The port comes first: if it is taken, nothing has been seeded in vain.
            listener = None
            if not settings.in_process:
                listener = stack.enter_context(open_listener(settings.host, settings.port))
            opened = open_directory(stack, settings, self._content, shared)
            self.directory, self.keys, data = opened
            if data is not None:
                self.data = data
            if not settings.in_process:
                self.ca, self.ca_file = shared.authority() if shared else open_authority(self.data)
            self._content.check(self.directory, settings.data)
            self.life = Life(self.directory)
            stack.callback(self.life.stop)
            self._answer(stack, listener)
            # A failure up to here undoes what was begun; from now on `stop` does.
            self._running = stack.pop_all()
        return self

    @property
    def tenant(self) -> Tenant:
        """The first tenant."""
        return self.directory.tenants.list_all()[0]

    @property
    def authority(self) -> str:
        """The authority of the first tenant, for the settings of clients."""
        return f"{self.url}/{self.tenant.id}"

    @property
    def graph_url(self) -> str:
        """The address of Graph with its version; in process, `https://graph.microsoft.com/v1.0`."""
        origin = f"https://{GRAPH_NAME}" if self.settings.in_process else self.url
        return f"{origin}/v1.0"

    @cached_property
    def application(self) -> EmulatorApplication:
        """An application with the `permissions` of the settings, registered at the first use."""
        return self.add_application("Pretend application", self.settings.permissions)

    def httpx_transport(self) -> "httpx.BaseTransport":
        """The transport for `httpx.Client(transport=…)` to reach the emulator."""
        from entra_emulator.in_process.httpx_transport import HttpxTransport, trust

        return HttpxTransport(self._calls) if self._calls else trust(self.ca_file)

    def async_httpx_transport(self) -> "httpx.AsyncBaseTransport":
        """The transport for `httpx.AsyncClient(transport=…)` to reach the emulator."""
        from entra_emulator.in_process.httpx_transport import AsyncHttpxTransport, trust_async

        return AsyncHttpxTransport(self._calls) if self._calls else trust_async(self.ca_file)

    def requests_session(self) -> "requests.Session":
        """A session of the library requests; MSAL accepts it as `http_client`."""
        from entra_emulator.in_process.requests_adapter import make_session, trust

        return make_session(self._calls) if self._calls else trust(self.ca_file)

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
            permissions: the app roles that it requests, e.g. `User.Read.All`.
            consent: also grant them.
            redirect_uris: of the web platform.
            tenant: its home, by default the first tenant.

        Raises:
            LookupError: Graph has no such permission.
        """
        home = tenant or self.tenant
        client_id, password = register_application(
            self.directory,
            home,
            display_name,
            permissions,
            consent=consent,
            redirect_uris=redirect_uris,
        )
        assert password.secret_text is not None, "it was made just now"
        return self._note_down(home, client_id, password.secret_text, password.key_id)

    def add_secret(
        self, client_id: str, *, display_name: str | None = None, end: datetime | None = None
    ) -> str:
        """
        Add a client secret to an application, and return its value.

        Args:
            client_id: the application's.
            display_name: its description.
            end: when it expires, which may be in the past; by default in two years.

        Raises:
            LookupError: there is no such application.
        """
        moment = None if end is None else end.timestamp()
        return add_secret(self.directory, self.tenant, client_id, display_name, moment)

    def add_certificate(self, client_id: str) -> EmulatorCertificate:
        """
        Create a certificate, add it to an application, and return it with its key.

        Raises:
            LookupError: there is no such application.
        """
        made, der = make_certificate(next(self._certificates))
        self.directory.credentials.add_certificate(self.tenant, client_id, der)
        return made

    def add_user(
        self, name: str, *, manager: Named | None = None, **properties: Any
    ) -> dict[str, Any]:
        """
        Add a user to the first tenant, and return it in Graph's form.

        Args:
            name: the user principal name; a name without `@` is in the tenant's last domain.
            manager: another user, by name or ID, or as returned by this method.
            properties: such as `displayName`; also `licenses` and `roles` as in a tenant file.

        Raises:
            ValueError: a property is unknown, a value is invalid, or the name is taken.
            LookupError: there is no such manager or role.
        """
        return add_user(self.directory, self.tenant, name, properties, manager=manager)

    def add_group(
        self,
        display_name: str,
        members: Iterable[Named] = (),
        *,
        owners: Iterable[Named] = (),
        **properties: Any,
    ) -> dict[str, Any]:
        """
        Add a group to the first tenant, and return it in Graph's form.

        Args:
            display_name: what people see.
            members: users and groups, by ID or as they were returned; users also by name.
            owners: users, in the same way.
            properties: properties of Graph, such as `description` or `groupTypes`.

        Raises:
            ValueError: a property is unknown, or a value is invalid.
            LookupError: there is no such member or owner.
        """
        return add_group(
            self.directory, self.tenant, display_name, properties, members=members, owners=owners
        )

    def assign_licenses(self, user: Named, *products: str) -> None:
        """
        Assign further products to a user, by their `skuPartNumber`.

        Raises:
            ValueError: there is no such product.
            LookupError: there is no such user.
        """
        assign_licenses(self.directory, self.tenant, user, products)

    def snapshot(self) -> bytes:
        """The whole directory at this moment, for `restore`."""
        return self.directory.dump()

    def restore(self, snapshot: bytes) -> None:
        """Restore the directory. Clock, faults, audit log and keys are not changed."""
        self.directory.load(snapshot)

    @property
    def applications(self) -> dict[str, EmulatorApplication]:
        """The applications in the tenant file that have a `secret`, in order, by display name."""
        described = self._content.list_secrets(self.directory, self.tenant)
        return {name: self._note_down(self.tenant, *held) for name, *held in described}

    def admit_recorded(self) -> EmulatorApplication | None:
        """The first application that called in the recording, with a new secret; or None."""
        path = self.settings.recording
        admitted = path and admit_recorded_app(self.directory, self.tenant, path)
        return self._note_down(self.tenant, *admitted) if admitted else None

    def _note_down(self, tenant: Tenant, *noted: str) -> EmulatorApplication:
        ca_file = None if self.settings.in_process else self.ca_file
        return note_down(Reached(self.url, self.graph_url, ca_file), tenant, *noted)

    def report(self) -> Report:
        """
        What the calling programs have done so far, and what they should do differently.

        Raises:
            RuntimeError: the emulator was not started with `report`.
        """
        return self._watched.report()

    def forget_calls(self) -> None:
        """Forget the calls so far, so that a later report begins here."""
        self._watched.forget()

    def live(self, rate: float, seed: int = 0) -> Life:
        """
        Let the directory change by itself, with this number of changes per second.

        Raises:
            ValueError: the rate is not above 0, or too high.
        """
        self.life.start(rate, seed)
        return self.life

    def _answer(self, stack: contextlib.ExitStack, listener: socket.socket | None) -> None:
        """Begin to answer: on the listener, or in process where there is none."""
        settings, shared = self.settings, self._shared
        thread = shared.thread if shared else stack.enter_context(LoopThread())
        own_names = SERVICE_NAMES if listener is None else ()
        names = tuple(dict.fromkeys((*LOOPBACK_NAMES, *own_names, *settings.hostnames)))
        application = self._create_app(names)
        context: Context = application.state.context
        stack.callback(context.issuers.close)
        stack.callback(context.compression.close)
        app = self._watched.watch(stack, application, self.clock.now)
        if listener is None:
            self.url = f"https://{LOGIN_NAME}"
            self._calls = InProcess(app, thread, names)
        else:
            self.url = f"https://{name_host(settings.host)}:{listener.getsockname()[1]}"
            tls = shared.tls(names) if shared else make_tls(self.ca, names)
            stack.callback(run_server(app, listener, tls, thread))
        if settings.managed_identity:
            machine = serve_machine(stack, context, self.url, thread, settings.machine)
            self.imds_url, self.identity_endpoint, self.identity_header = machine

    def _create_app(self, names: tuple[str, ...]) -> Starlette:
        settings, control = self.settings, None
        if settings.control:
            control = ControlSettings(
                self.data / "snapshots",
                self._sizes,
                settings.seed,
                self.life,
                self._content.fill,
                self.report if settings.report else None,
                self.forget_calls,
            )
        return create_app(
            self.directory,
            self.keys,
            replace(settings, hostnames=names),
            faults=self.faults,
            throttle=self.throttle,
            audit=self.audit,
            control=control,
            ca_pem=b"" if settings.in_process else self.ca_file.read_bytes(),
        )

    def stop(self) -> None:
        """Stop listening, close every connection, remove a temporary data folder."""
        self._running.close()
