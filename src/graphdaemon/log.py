"""Logging, with every secret, token and page token replaced."""

import logging
import re
from collections.abc import Callable

# Three kinds of text must not leave the process: a JWT; the value of a field that is a credential;
# and the token of a page or delta link, which holds names of users (msgraph-docs #8612). What
# begins like a JWT is taken for one before its first dot: looking for the dot first would take
# quadratic time where there is none.
_SENSITIVE = r"""eyJ[\w-]{8,}(?:\.[\w-]*){0,2}
      | (?P<name>(?:client_secret|client_assertion|assertion|secret|password|access_token
                 |refresh_token|\$?skiptoken|\$?deltatoken)["']?\s*(?:=|:|%3D)\s*["']?)
        [^\s"'&,}]+"""


def redact(text: str) -> str:
    """Return `text` with tokens, secrets and page tokens replaced by `[redacted]`."""
    return re.sub(_SENSITIVE, _replace, text, flags=re.IGNORECASE | re.VERBOSE)


def _replace(match: re.Match[str]) -> str:
    return (match["name"] or "") + "[redacted]"


class RedactingFormatter(logging.Formatter):
    """Formats a log record, and redacts the result, including its traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line or lines of a log record, redacted."""
        return redact(super().format(record))


class _LineHandler(logging.Handler):
    """Passes on the line or lines of each log record."""

    def __init__(self, write: Callable[[str], object]) -> None:
        super().__init__()
        self._write = write

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._write(self.format(record))
        except Exception:  # noqa: BLE001  a log line that cannot be made must not end the run
            self.handleError(record)


def configure(verbosity: int, write: Callable[[str], object]) -> None:
    """
    Log warnings and errors only (0), also progress (1: INFO), or all (2: DEBUG).

    `write` gets the text of each log record, without a line break at its end.
    """
    level = (logging.WARNING, logging.INFO, logging.DEBUG)[min(verbosity, 2)]
    handler = _LineHandler(write)
    handler.setFormatter(RedactingFormatter("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # MSAL logs a traceback for every refusal that it also returns, and that we report.
    logging.getLogger("msal").setLevel(logging.DEBUG if verbosity > 1 else logging.CRITICAL)
