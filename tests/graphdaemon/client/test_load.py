"""From a settings file to a client."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import graphdaemon
from tests.support.scripted_server import ScriptedServer, json_answer


def test_a_file_and_single_settings_make_a_client(scripted: ScriptedServer, tmp_path: Path) -> None:
    """What is given by name takes precedence over the file."""
    path = tmp_path / "parameters.json"
    path.write_text(json.dumps(scripted.settings(timeout=5)))
    path.chmod(0o600)
    scripted.script = [json_answer({"id": "1"})]
    with graphdaemon.load(path, timeout=7) as client:
        assert client.settings.timeout == 7
        assert client.get("users/1") == {"id": "1"}


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(graphdaemon.SettingsError, match=r"missing\.json"):
        graphdaemon.load(tmp_path / "missing.json")
