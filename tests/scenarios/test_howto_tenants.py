"""What the page about many tenants shows is run, as its reader would run it."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.support.emulator_probe import Probe
from tests.support.places import DOCS
from tests.support.run_command import Command
from tests.support.tenant_folder import open_tenant_folder

PAGE = (DOCS / "how-to" / "work-for-many-tenants.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def test_the_table_of_the_page_is_what_is_written(command: Command, small_pages: Probe) -> None:
    """The head of the columns, and the members of the account."""
    folder = open_tenant_folder(small_pages, Path.cwd() / "tenants")
    folder.add("contoso", users=1)
    blocks = dict(BLOCKS)

    done = command(
        *("list", "users", "--tenants", "tenants", "-f", "csv"),
        *("--select", "displayName", "--proof", "proof.json"),
    )

    assert done.code == 0, done.err
    assert done.out.decode().splitlines()[0] == blocks["csv"].splitlines()[0]
    shown, written = json.loads(blocks["jsonl"]), json.loads(Path("proof.json").read_text())
    assert shown.keys() == written.keys()
    shown_member, member = shown["tenants"]["contoso"], written["tenants"]["contoso"]
    assert shown_member.keys() == member.keys()
    assert member["listing"]["verdict"] == shown_member["listing"]["verdict"]
