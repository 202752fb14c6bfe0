"""What the page about keeping a database shows is run, as its reader would run it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from tests.support.places import DOCS
from tests.support.run_command import Command, WriteParameters

PAGE = (DOCS / "how-to" / "keep-a-database-in-step.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def test_the_line_for_cron_is_one_that_works(command: Command, parameters: WriteParameters) -> None:
    """It says where to run, and how long to wait for the run before."""
    (line,) = (block.strip() for kind, block in BLOCKS if kind == "cron")
    parameters().rename(Path.cwd() / "parameters.json")
    arguments = shlex.split(line.rpartition("graphdaemon ")[2])

    assert command(*arguments).code == 0
