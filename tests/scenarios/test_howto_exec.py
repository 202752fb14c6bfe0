"""The commands of "Run a program against the emulator" are run, as its reader would run them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.exec_run import need
from tests.support.places import DOCS, ROOT
from tests.support.run_command import clean_environment

PAGE = (DOCS / "how-to" / "run-a-program-against-the-emulator.md").read_text("utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
LINES = [line for block in BLOCKS for line in block.splitlines()]
LAST = {
    "list_users.py": "@contoso.example",
    "APP_SECRET": "40 characters",
    "count groups": "50",
    "tenant.toml": "ada@fabrikam.example",
    "count users": "250",
}
"""What the output has, by a word of the line."""


@pytest.mark.parametrize("line", LINES)
def test_every_command_of_the_page_works(line: str, tmp_path: Path) -> None:
    need("proxy" if "--method proxy" in line else "namespace")
    (program,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    (tmp_path / "list_users.py").write_text(program)
    shutil.copy(ROOT / "examples/tenant.toml", tmp_path)
    done = subprocess.run(
        ["bash", "-c", line],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=clean_environment() | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        timeout=300,
    )

    assert done.returncode == 0, done.stderr
    (expected,) = {text for word, text in LAST.items() if word in line}
    assert expected in done.stdout


def test_the_page_shows_what_the_program_says() -> None:
    """Whoever meets a refusal finds it there."""
    for source, texts in {
        "refused_connections.py": ["nothing leaves this machine", "lets it, if there is such"],
        "name_server.py": ["which is not one of the emulator's hosts", "there is no such name"],
    }.items():
        code = (ROOT / "src/entra_emulator/exec" / source).read_text("utf-8")
        assert [text for text in texts if text not in PAGE or text not in code] == []
