"""
What a command shows on a terminal, recorded from a real run and drawn as an SVG that plays once.

Each line appears when it was written, slowed down so that it can be read. Whoever has asked their
system for less motion sees the last picture at once.
"""

from __future__ import annotations

import os
import pty
import re
import subprocess
import time
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

from wcwidth import wcswidth

COLUMNS = 100

_STYLE = re.compile(r"\x1b\[([0-9;]*)m")
# Words of other scripts stay together: some are written from right to left.
_WORD = re.compile(r"\s+|[\x21-\x7e─…]+|[^\x21-\x7e\s─…]+(?: [^\x21-\x7e\s─…]+)*")
_CELL_W, _LINE_H, _MARGIN = 8.4, 19, 16
# Seconds: between two lines at least, and how much slower than it was.
_LEAST_S, _SLOWER = 0.12, 2.0
_NAMES = {"1": "bold", "2": "dim", "31": "red", "32": "green", "33": "yellow"}


class Line(NamedTuple):
    """
    A line of the terminal.

    Attributes:
        text: With its escape sequences.
        at: Seconds after the start when it was complete.
    """

    text: str
    at: float


def record(command: Sequence[str], folder: Path) -> list[Line]:
    """Run a command on a terminal of 100 columns; return the lines that it has written."""
    controller, terminal = pty.openpty()
    environment = os.environ | {"COLUMNS": str(COLUMNS), "TERM": "xterm", "PYTHONUTF8": "1"}
    began, rest, lines = time.monotonic(), b"", []
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=terminal,
        stderr=terminal,
        cwd=folder,
        env=environment,
    ) as process:
        os.close(terminal)
        try:
            while data := os.read(controller, 65_536):
                *whole, rest = (rest + data).split(b"\r\n")
                lines += [Line(line.decode(), time.monotonic() - began) for line in whole]
        except OSError:  # how Linux says that nobody has the terminal any more
            pass
        os.close(controller)
    assert process.returncode == 0, f"{command} ended with {process.returncode}"
    return lines


def draw(prompt: str, lines: Sequence[Line], *, description: str) -> str:
    """
    Return the SVG of a recording.

    Args:
        prompt: What was typed.
        lines: What was written.
        description: For those who cannot see it.
    """
    rows = [Line(f"$ {prompt}", 0.0), *lines]
    width = round(2 * _MARGIN + COLUMNS * _CELL_W)
    height = 2 * _MARGIN + len(rows) * _LINE_H
    moments = _slow_down([line.at for line in rows])
    texts = "\n".join(
        f'<text class="line" y="{_MARGIN + _LINE_H * (number + 0.75):.0f}" '
        f'style="animation-delay:{moment:.2f}s">{_draw_line(line.text)}</text>'
        for number, (line, moment) in enumerate(zip(rows, moments, strict=True))
    )
    return _FRAME.format(
        width=width, height=height, texts=texts, description=escape(description, quote=True)
    )


def _slow_down(moments: Sequence[float]) -> list[float]:
    """The moments at which lines appear, in order and apart from each other."""
    shown: list[float] = []
    before = 0.0
    for number, moment in enumerate(moments):
        gap = moment - moments[number - 1] if number else 0.0
        before += max(_LEAST_S, gap * _SLOWER) if number else 0.0
        shown.append(before)
    return shown


def _draw_line(text: str) -> str:
    """A line's spans, each at its column: fonts differ in how wide a Chinese character is."""
    spans, names, column = [], "", 0
    parts = _STYLE.split(text)
    for number, part in enumerate(parts):
        if number % 2:
            names = " ".join(_NAMES[code] for code in part.split(";") if code in _NAMES)
            continue
        for word in _WORD.findall(part):
            shown = word if column + len(word) <= COLUMNS else f"{word[: COLUMNS - column - 1]}…"
            if shown.strip():
                styled = f' class="{names}"' if names else ""
                x = _MARGIN + column * _CELL_W
                spans.append(f'<tspan x="{x:.1f}"{styled}>{escape(shown, quote=False)}</tspan>')
            column += max(0, wcswidth(word))
    return "".join(spans)


_FRAME = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" \
height="{height}" role="img" aria-label="{description}">
<style>
.paper {{ fill: #14181f; }}
text {{ font: 14px ui-monospace, "Cascadia Code", Menlo, Consolas, "DejaVu Sans Mono", monospace; \
fill: #d7dde5; white-space: pre; }}
.bold {{ font-weight: 700; fill: #ffffff; }}
.dim {{ fill: #8b95a3; }}
.red {{ fill: #ff8a80; }}
.green {{ fill: #8fd694; }}
.yellow {{ fill: #ffd479; }}
.line {{ animation: appear .01s linear both; }}
@keyframes appear {{ from {{ opacity: 0; }} to {{ opacity: 1; }} }}
@media (prefers-reduced-motion: reduce) {{ .line {{ animation: none; }} }}
</style>
<rect class="paper" width="{width}" height="{height}" rx="8"/>
{texts}
</svg>
"""
