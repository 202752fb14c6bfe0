"""A good settings file, written and read with changes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from graphdaemon.settings.model import Settings
from graphdaemon.settings.read import read_settings

TENANT = "11111111-2222-4333-8444-555555555555"


CLIENT = "22222222-2222-4333-8444-555555555555"


GOOD: dict[str, Any] = {
    "authority": f"https://login.microsoftonline.com/{TENANT}",
    "oidc_authority": None,
    "client_id": CLIENT,
    "scope": ["https://graph.microsoft.com/.default"],
    "secret": "abc~def",
    "endpoint": "https://graph.microsoft.com/v1.0/users",
    "note": "for people",
}


def write(folder: Path, values: object, name: str = "parameters.json") -> Path:
    path = folder / name
    path.write_text(values if isinstance(values, str) else json.dumps(values), encoding="utf-8")
    path.chmod(0o600)
    return path


def read(folder: Path, **changes: Any) -> Settings:
    return read_settings(write(folder, GOOD | changes), {})
