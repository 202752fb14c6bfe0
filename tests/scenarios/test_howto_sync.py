"""What the page about keeping a database shows is run, as its reader would run it."""

from __future__ import annotations

import re
import shlex
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.places import DOCS
from tests.support.run_command import Command, WriteParameters

PAGE = (DOCS / "how-to" / "keep-a-database-in-step.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
LINES = [line for kind, block in BLOCKS if not kind for line in block.splitlines()]
SYNCS = [line for line in LINES if line.startswith("graphdaemon ")]
QUESTIONS = [line for line in LINES if line.startswith("sqlite3 ")]


def test_every_line_of_the_page_is_tried() -> None:
    """There is no line of another kind."""
    assert len(SYNCS) + len(QUESTIONS) == len(LINES)
    assert SYNCS
    assert QUESTIONS


@pytest.mark.parametrize("line", SYNCS)
def test_every_sync_of_the_page_works(
    line: str, command: Command, parameters: WriteParameters
) -> None:
    """Each line alone, in the folder of the settings: what it names is in step."""
    folder = Path.cwd()
    parameters().rename(folder / "parameters.json")
    # What reads a feed behind a pipe is another program's affair.
    arguments = shlex.split(line.partition(" | ")[0])[1:]

    done = command(*arguments)

    assert done.code == 0, done.err
    assert "users: 250 rows, 250 created (baseline, " in done.err
    assert list(folder.glob("*.db"))


@pytest.mark.parametrize("line", QUESTIONS)
def test_every_question_of_the_page_has_an_answer(
    line: str, command: Command, parameters: WriteParameters
) -> None:
    """Over the views, with the names of columns as the page has them."""
    parameters().rename(Path.cwd() / "parameters.json")
    assert command("sync").code == 0
    _, store, statement = shlex.split(line)

    with closing(sqlite3.connect(store)) as connection:
        rows = connection.execute(statement).fetchall()

    assert rows


def test_the_line_for_cron_is_one_that_works(command: Command, parameters: WriteParameters) -> None:
    """It says where to run, and how long to wait for the run before."""
    (line,) = (block.strip() for kind, block in BLOCKS if kind == "cron")
    parameters().rename(Path.cwd() / "parameters.json")
    arguments = shlex.split(line.rpartition("graphdaemon ")[2])

    assert command(*arguments).code == 0
