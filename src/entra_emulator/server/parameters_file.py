"""The settings file of a ready application, which an emulator writes into its data folder."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from entra_emulator.model.records import Tenant
from entra_emulator.private_files import write_file

PARAMETERS = "parameters.json"

# How the note in settings begins that the emulator has written.
_NOTE = "A pretend application in the pretend tenant "


def write_parameters(path: Path, tenant: Tenant, settings: dict[str, Any]) -> None:
    """Write the settings, with a note that tells whose they are."""
    ordered = {"authority": None, "oidc_authority": None} | settings
    ordered |= {"note": f"{_NOTE}{tenant.display_name}."}
    write_file(path, msgspec.json.format(msgspec.json.encode(ordered), indent=2) + b"\n")


def refuse_foreign_settings(data: Path) -> None:
    """
    Make sure that a folder without a tenant holds no settings of somebody else's.

    Raises:
        ValueError: it does.
    """
    read_own_settings(data / PARAMETERS, None)


def read_own_settings(path: Path, tenant: Tenant | None) -> dict[str, Any] | None:
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
