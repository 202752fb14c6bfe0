"""The real command on a terminal, and what strangers may have written for it to show."""

import os
import pty
import re
import subprocess
import sys
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from tests.support.run_command import clean_environment

# Written out here, and not taken from the code: C0, DEL, C1, line separators, directions, joiners
# where nothing joins, and signs that take no room.
CONTROLS = "".join(map(chr, [*range(0x20), *range(0x7F, 0xA0)]))
INVISIBLE = (
    "\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"
    "\u200b\u2060\u2061\u2064\ufeff\u00ad\u034f\u180e\u115f\u3164\uffa0\ufff9\ufffb"
    "\U000e0041\U000e007f\U000e0101"
)
SEQUENCES = "\x1b[2J\x1b]0;title\x07\x1b[8mveiled\x1b[6n\x9b2K\rover\x08\x1bPq\x1b\\"
FORGED = "\nTry: a forged step\r\nError: a forged error"

HARMFUL = f"hidden{CONTROLS}b{INVISIBLE}c{SEQUENCES}d\u200de\u200cf\ufe0fg{FORGED}"
"""A text with all of it. It has ASCII letters between, behind which no joiner has a meaning."""

HARMFUL_LINE = re.sub(r"[\r\n\0]", "", HARMFUL)
"""The same where a line break cannot stand, as in a file's name."""

HARMFUL_HEADER = re.sub(r"[\x00-\x1f\x7f]", "", HARMFUL)
"""The same as far as a header can hold it: the client takes no answer that has more."""

OURS = re.compile(
    r"""\r(?=[\ 0-9]|seeding)|(?<=\ )\r(?!\n)   # progress: a number of records, or blanks over it
      | \x1b\[(?:0|1|2|31|32|33)m              # styles""",
    re.VERBOSE,
)
"""What the command may send to a terminal, besides line ends."""


class Shown(NamedTuple):
    """
    What a command did on a terminal.

    Attributes:
        code: Its exit code.
        text: What reached the terminal, which turns each line break into two signs.
    """

    code: int
    text: str

    @property
    def lines(self) -> list[str]:
        """The lines without what the command itself adds for the terminal."""
        return OURS.sub("", self.text).split("\r\n")


def run_on_terminal(
    *arguments: object,
    program: tuple[str, ...] = ("-m", "graphdaemon"),
    given: bytes | None = None,
    output: Path | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> Shown:
    """Run the command with stderr, and stdout unless it goes to `output`, on a terminal."""
    controller, terminal = pty.openpty()
    environment = clean_environment() | {"COLUMNS": "4000", "TERM": "xterm", "PYTHONUTF8": "1"}
    shown = b""
    with (output or Path(os.devnull)).open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, *program, *map(str, arguments)],
            stdin=subprocess.PIPE if given is not None else subprocess.DEVNULL,
            stdout=terminal if output is None else file,
            stderr=terminal,
            cwd=cwd,
            env=environment | dict(env or {}),
        )
        os.close(terminal)
        if process.stdin is not None:
            process.stdin.write(given or b"")
            process.stdin.close()
        try:
            while data := os.read(controller, 65536):
                shown += data
        except OSError:  # how Linux says that nobody has the terminal any more
            pass
        os.close(controller)
        code = process.wait(timeout=300)
    return Shown(code, shown.decode())


def list_harmful(shown: Shown) -> set[str]:
    """The signs that a terminal would obey, or not show, and that are not the command's own."""
    signs = set("".join(shown.lines)) - {"\t"}  # which moves on, and changes nothing
    return {
        sign
        for sign in signs
        if unicodedata.category(sign) in {"Cc", "Cf", "Cs", "Zl", "Zp"} or sign in INVISIBLE
    } | (signs & set("\u200c\u200d\ufe0f"))


def list_forged(shown: Shown) -> list[str]:
    """The lines that begin as a stranger wanted them to."""
    return [line for line in shown.lines if re.match("(Try|Error): a forged", line)]
