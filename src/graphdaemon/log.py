"""Logging: what is said on stderr, and that no secret, token or page link is ever part of it."""

import logging
import re
import sys

# Three kinds of text that must not leave the process: a JWT, the value of a credential field, and
# the token in a page or delta link (it holds names of users: msgraph-docs #8612).
_SENSITIVE = re.compile(
    r"""eyJ[\w-]{8,}\.[\w-]*(?:\.[\w-]*)?
      | (?P<name>(?:client_secret|client_assertion|assertion|secret|password|access_token
                 |refresh_token|\$?skiptoken|\$?deltatoken)["']?\s*(?:=|:|%3D)\s*["']?)
        [^\s"'&,}]+""",
    re.IGNORECASE | re.VERBOSE,
)


def redact(text: str) -> str:
    """Return `text` with tokens, secrets and page tokens replaced by `[redacted]`."""
    return _SENSITIVE.sub(lambda match: (match["name"] or "") + "[redacted]", text)


class RedactingFormatter(logging.Formatter):
    """Formats a record and redacts the result, traceback included."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the redacted line or lines."""
        return redact(super().format(record))


def configure(verbosity: int) -> None:
    """Send logs to stderr: warnings (0), progress (1: INFO) or everything (2: DEBUG)."""
    level = (logging.WARNING, logging.INFO, logging.DEBUG)[min(verbosity, 2)]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(RedactingFormatter("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # MSAL logs a traceback for every refusal it also returns; ours says it once.
    logging.getLogger("msal").setLevel(logging.DEBUG if verbosity > 1 else logging.CRITICAL)
