"""Settings files of scripted servers, for the commands."""

from pathlib import Path

import pytest

from tests.support.emulator_probe import Probe
from tests.support.group_directory import Directory
from tests.support.scripted_server import ScriptedServer
from tests.support.tenant_folder import TenantFolder, open_tenant_folder


@pytest.fixture
def settings(scripted: ScriptedServer, tmp_path: Path) -> Path:
    return scripted.write_parameters(tmp_path)


@pytest.fixture
def directory(scripted: ScriptedServer, tmp_path: Path) -> Path:
    scripted.script = Directory(scripted)
    return scripted.write_parameters(tmp_path)


@pytest.fixture
def folder(small_pages: Probe, tmp_path: Path) -> TenantFolder:
    """A folder for `--tenants`, without a file yet."""
    return open_tenant_folder(small_pages, tmp_path / "tenants")


@pytest.fixture
def fleet(folder: TenantFolder) -> TenantFolder:
    """Two tenants that work, and between them a broken file and an app that is refused."""
    folder.add("contoso", users=3)
    folder.add("fabrikam", users=2)
    folder.write("corrupt.json", "{")
    folder.add("denied", secret="not~the~secret")
    return folder
