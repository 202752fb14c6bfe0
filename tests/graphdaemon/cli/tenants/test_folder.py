"""`--tenants`: the folder, and the files that its files name."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.run_command import Command
from tests.support.tenant_folder import TenantFolder


def test_tenants_may_share_a_file_that_is_written(
    command: Command, folder: TenantFolder, tmp_path: Path
) -> None:
    """One throttle budget serves them all; that is no conflict."""
    for name in ("contoso", "fabrikam"):
        folder.add(name, users=1, budget_file=str(tmp_path / "budget"))

    done = command("list", "users", "--tenants", folder.path, "-f", "ndjson")

    assert done.code == 0, done.err
    assert len(done.out.splitlines()) == 2


def test_no_output_takes_the_place_of_a_tenants_file(
    command: Command, folder: TenantFolder
) -> None:
    """Nor of what the file names: the command is refused before anything is sent."""
    path = folder.add("contoso", users=1)
    before = path.read_text()

    done = command("list", "users", "--tenants", folder.path, "--output", path, "-f", "json")

    assert done.code == 2
    assert "are the same file" in done.err
    assert json.loads(before) == json.loads(path.read_text())


def test_a_folder_that_is_not_there_is_refused(command: Command, tmp_path: Path) -> None:
    """It is named."""
    done = command("token", "--tenants", tmp_path / "nowhere")

    assert done.code == 3
    assert "nowhere cannot be read" in done.err
