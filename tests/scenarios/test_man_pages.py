"""The man pages: every command has one, which says what its --help says and which man can show."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import click
import pytest

from graphdaemon.cli import cli
from graphdaemon.errors import EXIT_CODES
from tests.support.places import ROOT
from tools import man_pages

PAGES = sorted((ROOT / "docs/man").iterdir())


def show(text: str) -> str:
    """What stands in a page, without what roff needs around it."""
    bare = re.sub(r"\\f[BIR]", "", text)
    for sign, shown in {
        r"\(aq": "'",
        r"\(ga": "`",
        r"\(dq": '"',
        r"\(ha": "^",
        r"\(ti": "~",
        r"\&": "",
        r"\-": "-",
    }.items():
        bare = bare.replace(sign, shown)
    return bare.replace(r"\e", "\\")


def test_a_page_says_what_its_help_says() -> None:
    """Each option with its meaning, each paragraph; of commands within commands as well."""
    pages = man_pages.render()
    for path, command in man_pages.list_commands(cli, "graphdaemon"):
        text = show(pages[f"{'-'.join(path)}.1"])
        context = click.Context(command, info_name=" ".join(path), terminal_width=10_000)
        for parameter in command.params:
            record = parameter.get_help_record(context)
            if isinstance(parameter, click.Option) and record is not None:
                assert f".TP\n{record[0]}\n{record[1].replace('`', '')}\n" in text, path

    root = show(pages["graphdaemon.1"])
    assert [f".TP\n{code}\n{meaning}\n" in root for code, meaning in EXIT_CODES.items()] == [
        True
    ] * len(EXIT_CODES)
    assert "GRAPHDAEMON_SECRET" in root


def test_signs_of_roff_are_shown_as_they_are() -> None:
    """A line that begins with a full stop is no request, a backslash no escape."""
    assert man_pages._escape(".TH C:\\x -y\n.z") == "\\&.TH C:\\ex \\-y\n\\&.z"


@pytest.mark.skipif(shutil.which("mandoc") is None, reason="mandoc is not installed")
def test_mandoc_has_nothing_to_say() -> None:
    """But that no date is given: a page is as old as its version."""
    done = subprocess.run(
        ["mandoc", "-T", "lint", "-W", "warning", *PAGES],
        capture_output=True,
        text=True,
        check=False,
    )
    said = [line for line in done.stdout.splitlines() if "missing date" not in line]

    assert said == []


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
@pytest.mark.parametrize(
    "page", [ROOT / "docs/man/graphdaemon.1", ROOT / "docs/man/graphdaemon-list.1"]
)
def test_groff_shows_it_without_a_warning(page: Path) -> None:
    """As `man` does on most systems."""
    done = subprocess.run(
        ["groff", "-ww", "-man", "-Tutf8", "-Kutf8", "-P-cbou", page],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stderr == ""
    assert "--verbose" in done.stdout or "EXIT STATUS" in done.stdout
