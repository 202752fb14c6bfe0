"""An emulator as a process of its own, from its first start to the signal that ends it."""

import contextlib
import queue
import signal
from collections.abc import Callable, Sequence
from pathlib import Path

from entra_emulator.content.data_folder import explaining_store
from entra_emulator.content.tenant_file.description import check_permission
from entra_emulator.server.emulator import Emulator
from entra_emulator.server.listen import BindRefused, is_loopback, list_own_names, parse_listen
from entra_emulator.server.parameters_file import (
    PARAMETERS,
    read_own_settings,
    write_parameters,
)
from entra_emulator.server.settings import EmulatorSettings

# What the application of a program that is run may do without being told.
DEFAULT_PERMISSION = "User.Read.All"
# What the ready application of a server may do: read all that is in the directory, as whoever tries
# one command after the other expects, and change nothing.
READY_PERMISSIONS = (
    *("User.Read.All", "Group.Read.All", "Device.Read.All", "Application.Read.All"),
    *("Directory.Read.All", "Policy.Read.All", "AuditLog.Read.All"),
)


def serve(
    listen: str,
    settings: EmulatorSettings,
    *,
    life: float = 0.0,
    faults: Path | None = None,
    permissions: Sequence[str] = (),
    allow_remote: bool = False,
    ready: Callable[[Emulator], None] = lambda _: None,
    ended: Callable[[Emulator], None] = lambda _: None,
) -> None:
    """
    Run an emulator until SIGINT or SIGTERM; call it from the main thread.

    The first start seeds the directory, registers the application
    "Daemon-console" with consent for `permissions`, and writes
    `parameters.json` for it into the data folder. With a tenant file it registers nothing, and
    the settings are those of the file's first application with a secret, if it has one.

    Args:
        listen: `HOST:PORT`, an IPv6 host in brackets.
        settings: of the emulator; host and port are those of `listen`.
        life: how many times a second the directory is to change by itself.
        faults: a file of what is to go wrong, see `read_orders`.
        permissions: app roles of Microsoft Graph that "Daemon-console" is granted besides
            `User.Read.All`; without any it may read all of the directory, `READY_PERMISSIONS`.
        allow_remote: other machines may reach it.
        ready: called once connections are accepted.
        ended: called after the signal, while the emulator still runs.

    Raises:
        BindRefused: the host is not a loopback address and `allow_remote` is
            false, or this machine does not have it.
        PortInUse: another program has the port.
        KeyboardInterrupt: the signal came before the directory was seeded; nothing is left of it.
        FolderInUse: another emulator has the data folder.
        OSError: the data folder cannot be used, or there is no room in it.
        ValueError: `listen` is not HOST:PORT, Graph has no such permission, the fault file or the
            tenant file cannot be followed, or something in the data folder was not written by an
            emulator of this version.
    """
    check_permissions(permissions, settings)
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
            keep_parameters(emulator, permissions)
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
        ended(emulator)


def keep_parameters(emulator: Emulator, permissions: Sequence[str] = ()) -> None:
    """
    Write the settings of a ready application; later starts correct its addresses and permissions.

    Raises:
        ValueError: there are settings that the emulator did not write.
    """
    path, tenant = emulator.data / PARAMETERS, emulator.tenant
    settings = read_own_settings(path, tenant)
    if settings is not None:
        # The value of the secret is in no other place: the directory can show it only once.
        settings |= {
            "authority": f"{emulator.url}/{tenant.id}",
            "endpoint": f"{emulator.url}/v1.0/users",
        }
        _grant(emulator, str(settings.get("client_id")), permissions)
    else:
        if emulator.settings.recording is not None:
            recorded = emulator.admit_recorded()
            if recorded is None:
                return
            application = recorded
            _grant(emulator, application.client_id, permissions)
        elif emulator.settings.tenant_file is None:
            roles = (DEFAULT_PERMISSION, *permissions) if permissions else READY_PERMISSIONS
            application = emulator.add_application("Daemon-console", dict.fromkeys(roles))
        elif emulator.applications:
            application = next(iter(emulator.applications.values()))
        else:
            return
        # A name without a folder is looked for beside the file, wherever the folder is moved to.
        settings = application.parameters | {"ca_file": emulator.ca_file.name}
    write_parameters(path, tenant, settings)


def _grant(emulator: Emulator, client_id: str, permissions: Sequence[str]) -> None:
    """Let the application have permissions that a later start names."""
    directory, tenant = emulator.directory, emulator.tenant
    with directory.transaction():
        held = directory.consents.list_granted_roles(tenant, client_id) if permissions else ()
        for permission in permissions:
            if permission not in held:
                directory.applications.add_application_permission(tenant, client_id, permission)
                directory.consents.grant_app_role(tenant, client_id, permission)


def check_permissions(permissions: Sequence[str], settings: EmulatorSettings) -> None:
    """Refuse permissions before a tenant is seeded in vain."""
    if permissions and settings.tenant_file is not None:
        raise ValueError(
            f"the applications of {settings.tenant_file} have the permissions that stand there. "
            "Write them into it instead of --permission."
        )
    for permission in permissions:
        check_permission("--permission", permission)


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
