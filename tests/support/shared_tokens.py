"""Settings with a shared token cache, and tokens that are fetched through it."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from graphdaemon.settings.model import Settings
from graphdaemon.settings.read import read_settings
from tests.support.scripted_server import ScriptedServer

KEY = base64.b64encode(bytes(range(32))).decode()


ASKED = "No suitable token exists in cache"


def shared(folder: Path, **more: Any) -> dict[str, Any]:
    return {"token_cache": "file", "token_cache_folder": str(folder), "token_cache_key": KEY} | more


def settings_of(server: ScriptedServer, folder: Path, **changes: Any) -> Settings:
    return read_settings(None, {}, server.settings(**shared(folder, **changes)))
