"""A directory that answers as a recorded one did."""

import tempfile
from pathlib import Path

import msgspec

from entra_emulator.content.export_files import Source
from entra_emulator.content.import_tenant import Imported, import_files
from entra_emulator.directory.directory import Directory
from entra_emulator.model import schema
from entra_emulator.model.records import Tenant
from entra_emulator.traffic.recording.lines import RecordingError, read_exchanges
from entra_emulator.traffic.recording.recorded_objects import RecordedApp, read_objects


def fill_recorded(directory: Directory, path: Path) -> Imported:
    """
    Make a tenant of the users, groups, applications and links that a recording shows.

    The applications that called are there, with the app roles that their tokens had.

    Raises:
        RecordingError: it is no recording, or shows no object.
        OSError: it cannot be read.
    """
    recorded = read_objects(read_exchanges(path))
    lines = list(recorded.list_lines())
    if not any(line["@odata.type"] != "#microsoft.graph.organization" for line in lines):
        raise RecordingError(f"{path} shows no object. Record a program that reads some.")
    with tempfile.TemporaryDirectory(prefix="graphdaemon-") as folder:
        file = Path(folder) / "objects.ndjson"
        file.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
        imported = import_files(directory, [Source(file, None)])
    for app in recorded.apps.values():
        _grant(directory, imported, app)
    return imported


def admit_recorded_app(
    directory: Directory, tenant: Tenant, path: Path
) -> tuple[str, str, str] | None:
    """
    Give the first application that called a new secret.

    Returns:
        Its client ID, the secret's value and the secret's ID; None if no application called.

    Raises:
        RecordingError: it is no recording.
        OSError: it cannot be read.
    """
    for client_id in read_objects(read_exchanges(path)).apps:
        password = directory.credentials.add_password(tenant, client_id, "graphdaemon emulator")
        assert password.secret_text is not None, "it was made just now"
        return client_id, password.secret_text, password.key_id
    return None


def _grant(directory: Directory, imported: Imported, app: RecordedApp) -> None:
    known = {role.value for role in schema.app_roles()}
    for role in app.roles:
        # Roles of other APIs stand in the same place, and were replaced by pseudonyms.
        if role in known:
            tenant = imported.tenant
            directory.applications.add_application_permission(tenant, app.app_id, role)
            directory.consents.grant_app_role(tenant, app.app_id, role)
