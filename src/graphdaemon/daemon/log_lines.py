"""The daemon's log: each event one line, of JSON or for people."""

import datetime as dt
import logging
from collections.abc import Callable
from typing import Literal, get_args

import msgspec

from graphdaemon.daemon.events import DaemonEvent, Level, Tell, make_event
from graphdaemon.log import RedactingFormatter, redact
from graphdaemon.store.times import format_time

LogForm = Literal["text", "json"]
LOG_FORMS: tuple[str, ...] = get_args(LogForm)

_LEVELS: dict[str, Level] = {
    "DEBUG": "debug",
    "WARNING": "warning",
    "ERROR": "error",
    "CRITICAL": "error",
}


def write_lines(form: LogForm, write: Callable[[str], object]) -> Tell:
    """
    Return what writes each event as a line.

    Args:
        form: `json`: an object with `at` (RFC 3339, UTC), `level`, `event` and the event's fields.
            `text`: a sentence behind the time and the level.
        write: Gets each line, without a line break.
    """
    show = _show_json if form == "json" else _show_text

    def tell(event: DaemonEvent) -> None:
        write(show(event))

    return tell


def tell_log(tell: Tell, verbosity: int) -> None:
    """
    Tell as the event `note` whatever a part of the program writes to Python's log.

    Args:
        tell: Who is told.
        verbosity: From which level on, as `log.configure` has it.
    """
    level = (logging.WARNING, logging.INFO, logging.DEBUG)[min(verbosity, 2)]
    logging.basicConfig(level=level, handlers=[_NoteHandler(tell)], force=True)
    # MSAL logs a traceback for every refusal that it also returns, and that we report.
    logging.getLogger("msal").setLevel(logging.DEBUG if verbosity > 1 else logging.CRITICAL)


class _NoteHandler(logging.Handler):
    """Tells each log record as an event."""

    def __init__(self, tell: Tell) -> None:
        super().__init__()
        self._tell = tell
        self.setFormatter(RedactingFormatter("%(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        try:
            level = _LEVELS.get(record.levelname, "info")
            text = self.format(record)
            self._tell(make_event("note", level=level, logger=record.name, message=text))
        except Exception:  # noqa: BLE001  a log line that cannot be made must not end the daemon
            self.handleError(record)


def _show_json(event: DaemonEvent) -> str:
    line = {"at": _format(event), "level": event.level, "event": event.name}
    values = {
        name: _redact(value) if isinstance(value, str) else value
        for name, value in event.fields.items()
    }
    return msgspec.json.encode(line | values).decode()


def _show_text(event: DaemonEvent) -> str:
    # A line break in a name or an error is somebody else's, and would begin a line of ours.
    sentence = _redact(" ".join(event.sentence.split()))
    return f"{_format(event)[:19]}Z {event.level.upper()} {sentence}"


def _format(event: DaemonEvent) -> str:
    return format_time(dt.datetime.fromtimestamp(event.at, dt.UTC))


def _redact(text: str) -> str:
    # Half a character has no bytes, and would cost the line.
    return redact(text).encode("utf-8", "backslashreplace").decode()
