"""Settings files of scripted servers, for the commands."""

from pathlib import Path

import pytest

from tests.support.group_directory import Directory
from tests.support.scripted_server import ScriptedServer


@pytest.fixture
def settings(scripted: ScriptedServer, tmp_path: Path) -> Path:
    return scripted.write_parameters(tmp_path)


@pytest.fixture
def directory(scripted: ScriptedServer, tmp_path: Path) -> Path:
    scripted.script = Directory(scripted)
    return scripted.write_parameters(tmp_path)
