"""
Write to standard output and standard error: the one place that does.

Names, errors and answers come from strangers. Where a stream is a terminal, every sign of theirs
that a terminal would obey is escaped here; only this module's own styles and its progress line
reach the terminal as they are. Into files and pipes everything goes as it came.
"""

import io
import os
import re
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, TextIO, cast

import click

from graphdaemon.output.escape import escape, escape_document, escape_lines
from graphdaemon.output.stream import bytes_of, explaining_failure, terminal_width


class _GuardedStream(io.TextIOBase):
    """A stream to a terminal that escapes whatever is written to it, as text or as bytes."""

    def __init__(self, stream: TextIO) -> None:
        self.unguarded = stream
        self.buffer = _GuardedBytes(stream)

    @property
    def encoding(self) -> str:  # type: ignore[override]  # the base class has it as a property too
        return self.unguarded.encoding

    @property
    def errors(self) -> str | None:  # type: ignore[override]  # likewise
        return self.unguarded.errors

    def write(self, text: str, /) -> int:
        _put(self.unguarded, escape_lines(text))
        return len(text)

    def flush(self) -> None:
        self.unguarded.flush()

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return self.unguarded.isatty()

    def fileno(self) -> int:
        return self.unguarded.fileno()


class _GuardedBytes(io.RawIOBase):
    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, data: Any, /) -> int:
        taken = bytes(data)
        # As text, since the terminal may have another encoding, in which these bytes would be
        # control characters.
        _put(self._stream, escape_document(taken))
        return len(taken)

    def flush(self) -> None:
        self._stream.flush()

    def writable(self) -> bool:
        return True


def guard_streams() -> None:
    """Escape also what is written by nobody's intention: tracebacks, warnings, others' logs."""
    # A shell may have closed either; then it is None, which its type does not say.
    sys.stdout = cast("TextIO", _guard(sys.stdout))
    sys.stderr = cast("TextIO", _guard(sys.stderr))


def open_output() -> TextIO | None:
    """Return standard output for records and documents; None where a shell closed it."""
    return _guard(sys.stdout)


def output_descriptor() -> int | None:
    """Return standard output's number in the operating system; None where there is none."""
    try:
        return sys.stdout.fileno() if sys.stdout is not None else None
    except OSError:  # what takes its place in tests has none
        return None


def is_output_shown() -> bool:
    """Whether standard output is a terminal."""
    return sys.stdout is not None and sys.stdout.isatty()


def is_speech_shown() -> bool:
    """Whether standard error is a terminal."""
    return sys.stderr is not None and sys.stderr.isatty()


def say(
    text: str = "",
    *,
    lead: str = "",
    style: Mapping[str, Any] | None = None,
    indent: str = "",
    hang: int | None = None,
) -> None:
    """
    Write one line to standard error.

    Args:
        text: The line. A line break in it is somebody else's, and a terminal shows a blank for it.
        lead: How the line begins, in the style.
        style: What `click.style` takes; a terminal alone shows it.
        indent: What stands before the line, and before what it goes on with.
        hang: On a terminal break the line where the screen ends, and go on so many cells further
            in. What goes to a file stays one line, and so can be searched.
    """
    _speak(_fit(sys.stderr, text, lead, style, indent=indent, hang=hang))


def say_lines(text: str) -> None:
    """Write several lines to standard error; a terminal shows all but the first further in."""
    if is_speech_shown():
        text = escape_lines(text).replace("\n", "\n    ")
    _speak(f"{text}\n")


def print_line(
    text: str = "",
    *,
    lead: str = "",
    style: Mapping[str, Any] | None = None,
    hang: int | None = None,
) -> None:
    """
    Write one line to standard output; the arguments are those of `say`.

    Raises:
        OutputError: It could not be written.
        OutputClosedError: Whatever read it has closed it.
    """
    _print(_fit(sys.stdout, text, lead, style, hang=hang))


def print_lines(text: str) -> None:
    """Write a document, such as JSON, to standard output; fails as `print_line` does."""
    _print(f"{escape_lines(text) if is_output_shown() else text}\n")


def draw(stream: TextIO | None, text: str, blanks: int = 0) -> None:
    """
    Write `text` over the line where the cursor stands, and so many blanks behind it.

    The line is not ended; where nothing is drawn, the cursor stands at its beginning. Where
    `stream` is no terminal, nothing is written.
    """
    if stream is not None and stream.isatty():
        # Blanks and not an escape sequence, which consoles of Windows may print instead of obeying.
        with suppress(OSError):
            _put(_unguarded(stream), f"\r{escape(text)}{' ' * blanks}" + ("" if text else "\r"))


def open_speech() -> TextIO | None:
    """Return standard error, for `draw`; None where a shell closed it."""
    return sys.stderr


def wait_for_enter(text: str) -> None:
    """Write `text` to standard error, and wait until Enter is pressed."""
    click.prompt(text, default="", show_default=False, err=True)


def forget_output() -> None:
    """Let nothing more be written to standard output, whose reader or room has gone."""
    if sys.stdout is not None:
        _forget(sys.stdout)


def configure_log(verbosity: int) -> None:
    """Log to standard error: warnings and errors (0), also progress (1), or everything (2)."""
    from graphdaemon import log

    log.configure(verbosity, say_lines)


def _guard(stream: TextIO | None) -> TextIO | None:
    if stream is None or hasattr(stream, "unguarded") or not stream.isatty():
        return stream
    return cast("TextIO", _GuardedStream(stream))


def _unguarded(stream: TextIO) -> TextIO:
    return cast("TextIO", getattr(stream, "unguarded", stream))


def _fit(
    stream: TextIO | None,
    text: str,
    lead: str,
    style: Mapping[str, Any] | None,
    *,
    indent: str = "",
    hang: int | None,
) -> str:
    """Return a line as `stream` is to show it."""
    if stream is None or not stream.isatty():
        return f"{indent}{lead}{text}\n"
    line = escape(re.sub(r"[\t\r\n]+", " ", f"{lead}{text}"))
    line = indent + line if hang is None else _wrap(line, indent, hang)
    # The agreement of no-color.org, which click does not know; it is about colours alone. A dumb
    # terminal has no style at all.
    plain = os.environ.get("TERM") == "dumb"
    if style and not plain and not ("fg" in style and os.environ.get("NO_COLOR")):
        end = len(indent) + len(lead)
        line = indent + click.style(line[len(indent) : end], **style) + line[end:]
    return f"{line}\n"


def _wrap(line: str, indent: str, hang: int) -> str:
    import textwrap

    return textwrap.fill(
        line,
        terminal_width(),
        initial_indent=indent,
        subsequent_indent=indent + " " * hang,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _print(text: str) -> None:
    bytes_of(sys.stdout)
    with explaining_failure():
        _put(_unguarded(sys.stdout), text)


def _speak(text: str) -> None:
    if sys.stderr is None:
        return
    try:
        _put(_unguarded(sys.stderr), text)
    except OSError:
        # There is nobody left to be told of it; the exit code tells the rest.
        _forget(sys.stderr)


def _forget(stream: TextIO) -> None:
    # Python would fail once more when it flushes what is left at exit, and change the exit code.
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _put(stream: TextIO, text: str) -> None:
    encoding = getattr(stream, "encoding", None) or "utf-8"
    # Half a character (a lone surrogate) has no bytes in any encoding.
    stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
    stream.flush()
