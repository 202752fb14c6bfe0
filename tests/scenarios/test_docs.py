"""The documentation is what the code says."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import click
import pytest

from graphdaemon import cli as command_line
from graphdaemon.cli import cli
from tests.support.places import ROOT
from tests.support.pseudo_terminal import run_on_terminal
from tools import write_reference

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("examples/*/*.md")])


def test_generated_pages_are_fresh() -> None:
    """`make docs` was run after the last change."""
    assert write_reference.stale() == []


@pytest.mark.parametrize("name", sorted(command_line._COMMANDS))
def test_the_summary_shown_for_a_command_is_its_own(name: str) -> None:
    """The lazily loaded commands' first lines stand twice; they stay the same."""
    command = cli.get_command(click.Context(cli), name)

    assert command is not None
    assert command.get_short_help_str(limit=100) == command_line._COMMANDS[name]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    """A relative link names a file that is there."""
    links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text(encoding="utf-8"))

    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_named_in_the_docs_exist(page: Path) -> None:
    """`graphdaemon x` in any page is a command, its options are options."""
    text = page.read_text(encoding="utf-8")
    for name, rest in re.findall(r"(?<![\w/.'-])graphdaemon ([a-z]+)((?: [^\s`|)]+)*)", text):
        if name not in command_line._COMMANDS:
            continue
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        if isinstance(command, click.Group) and rest.split() and rest.split()[0].isalpha():
            command = command.get_command(click.Context(command), rest.split()[0])
            assert command is not None, f"graphdaemon {name}{rest}"
        known = {option for one in command.params for option in one.opts} | {"--help"}
        # Behind `--` stand the words of another program.
        own = itertools.takewhile(lambda word: word != "--", rest.split())
        used = {word.partition("=")[0] for word in own if word.startswith("--")}
        assert used <= known, f"graphdaemon {name}{rest}"


def normalise(line: str) -> str:
    """A line without what differs from run to run."""
    line = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "GUID", line)
    return re.sub(r"127\.0\.0\.1:\d+|\d+\.\d s\.$", "N", line).strip()


@pytest.mark.parametrize(
    ("name", "command", "options"),
    [
        ("README.md", "make quickstart", ()),
        ("README.pt-BR.md", "graphdaemon quickstart --lang pt", ("--lang", "pt")),
    ],
)
def test_the_readmes_transcript_is_what_the_quickstart_says(
    tmp_path: Path, name: str, command: str, options: tuple[str, ...]
) -> None:
    """Every line shown is printed, in that order; … stands for what is left out."""
    readme = (ROOT / name).read_text(encoding="utf-8")
    shown = readme.partition(f"$ {command}\n")[2].partition("```")[0].splitlines()
    printed = iter(run_on_terminal("quickstart", *options, cwd=tmp_path).lines)

    for line in shown:
        expected = normalise(line.removesuffix("…"))
        # The users are the seed's, so here they must be the same to the letter.
        assert any(normalise(one).startswith(expected) for one in printed), line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_that_a_page_names_are_there(page: Path) -> None:
    """A module, a script or a test is called by the end of its path."""
    folders = ("src", "tests", "tools", "bench", "examples")
    files = [
        f"/{path.relative_to(ROOT)}" for name in folders for path in (ROOT / name).rglob("*.py")
    ]
    names = set(re.findall(r"`([\w/-]+\.py)`", page.read_text(encoding="utf-8")))

    assert {name for name in names if not any(file.endswith(f"/{name}") for file in files)} == set()
