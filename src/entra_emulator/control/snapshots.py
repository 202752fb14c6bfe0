"""The controls that keep the directory under a name, and bring it back."""

import re
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from entra_emulator.content.data_folder import explaining_store
from entra_emulator.control.answers import SnapshotList, TenantList, TenantShown
from entra_emulator.control.bodies import NoFields
from entra_emulator.control.control_settings import settings_of
from entra_emulator.control.guard import ControlRefusal
from entra_emulator.directory.store import check_database
from entra_emulator.private_files import make_draft
from entra_emulator.web.context import Context, context_of

# Names of snapshots become names of files: none may lead out of the folder, or be hidden in it.
NAME = r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}"
_NAME = re.compile(NAME)


async def list_snapshots(request: Request) -> SnapshotList:
    """List the snapshots taken."""
    folder = settings_of(request).snapshots
    names = sorted(path.stem for path in folder.glob("*.sqlite")) if folder.is_dir() else []
    return SnapshotList(names)


async def take_snapshot(request: Request, _: NoFields) -> SnapshotList:
    """Keep the whole directory under a name; one of that name is replaced."""
    path = _find_snapshot(request)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    if path.exists():
        _check_snapshot(path)
    try:
        # Under another name first: a copy that breaks off must not replace a whole snapshot.
        with explaining_store(path), make_draft(path.parent) as draft:
            await run_in_threadpool(context_of(request).directory.backup, draft)
            draft.replace(path)
    except OSError as error:
        message = f"the snapshot could not be written: {error.strerror}"
        raise ControlRefusal(507, "no_room", message) from error
    return await list_snapshots(request)


async def restore_snapshot(request: Request, _: NoFields) -> TenantList:
    """Bring the directory back to what it was; clock, faults and keys stay."""
    context, path = context_of(request), _find_snapshot(request)
    if not path.exists():
        raise ControlRefusal(404, "not_found", f"no snapshot is named {path.stem!r}")
    _check_snapshot(path)
    await run_in_threadpool(context.directory.restore, path)
    return describe_tenants(context)


async def remove_snapshot(request: Request) -> SnapshotList:
    """Forget a snapshot."""
    path = _find_snapshot(request)
    if path.exists():
        _check_snapshot(path)
        path.unlink()
    return await list_snapshots(request)


def _find_snapshot(request: Request) -> Path:
    name = request.path_params["name"]
    if not _NAME.fullmatch(name):
        message = "a snapshot's name is 1 to 64 letters, digits, - and _"
        raise ControlRefusal(400, "bad_request", message)
    return settings_of(request).snapshots / f"{name}.sqlite"


def _check_snapshot(path: Path) -> None:
    """
    Make sure that a file is a snapshot.

    Raises:
        ControlRefusal: 409: another program has written it, or another version.
    """
    try:
        check_database(path)
    except ValueError as error:
        raise ControlRefusal(409, "conflict", f"{path.stem!r} is no snapshot: {error}") from error


def describe_tenants(context: Context) -> TenantList:
    """Every tenant of the directory."""
    directory = context.directory
    return TenantList(
        [
            TenantShown(
                tenant.id,
                tenant.display_name,
                list(tenant.domains),
                directory.collections.count(tenant, "user"),
            )
            for tenant in directory.tenants.list_all()
        ]
    )
