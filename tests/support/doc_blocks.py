"""The fenced blocks of a page, and the commands in them."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.support.places import ROOT

_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^ *```$", re.MULTILINE | re.DOTALL
)
# Of those that are called text, the ones that begin with a prompt.
_SHELLS = {"", "bash", "command", "powershell", "sh", "text"}
# A command of ours, or of a program that a page uses beside it: first in its line, behind a pipe,
# behind `&&` or in `$(`; variables may stand before it.
_COMMAND = re.compile(
    r"(?:^(?:\$ )?|[|&(] ?)(?:\w+=\S+ )*(?:graphdaemon|python|sqlite3|duckdb|curl|jq)\s",
    re.MULTILINE,
)
_PROMPT = "$ "


class Step(NamedTuple):
    """
    What a reader of a page does next.

    Attributes:
        place: Page and line, to be found again.
        language: Of the block, as it is written behind the fence.
        text: A command line, or a whole program.
        output: What the page shows below the command, or None where it shows nothing.
    """

    place: str
    language: str
    text: str
    output: str | None = None


def list_pages() -> list[Path]:
    """The pages whose blocks are for readers to run."""
    folders = ("tutorial", "how-to", "explanation", "pt-BR")
    return [
        ROOT / "README.md",
        ROOT / "README.pt-BR.md",
        *(page for name in folders for page in sorted((ROOT / "docs" / name).rglob("*.md"))),
        *sorted(ROOT.glob("examples/*/README*.md")),
    ]


def name(page: Path) -> str:
    """The page as tables call it: its path in the checkout."""
    return page.relative_to(ROOT).as_posix()


def list_steps(page: Path) -> Iterator[Step]:
    """The commands and the programs of a page, in the order of reading."""
    text = page.read_text("utf-8")
    for match in _FENCE.finditer(text):
        language, block = match["language"], textwrap.dedent(match["text"])
        place = f"{name(page)}:{text.count(chr(10), 0, match.start()) + 1}"
        if language == "python":
            yield Step(place, language, block)
        elif language == "text" and not block.startswith(_PROMPT):
            continue
        elif language in _SHELLS and _COMMAND.search(block):
            yield from _list_commands(place, language, block)


def _list_commands(place: str, language: str, block: str) -> Iterator[Step]:
    lines = block.replace("\\\n", " ").splitlines()
    if not block.startswith(_PROMPT):
        for line in lines:
            if line.strip() and not line.startswith("#"):
                yield Step(place, language, line)
        return
    for part in f"\n{block}".split(f"\n{_PROMPT}")[1:]:
        command, _, output = part.partition("\n")
        yield Step(place, language, command, output.strip("\n") or None)
