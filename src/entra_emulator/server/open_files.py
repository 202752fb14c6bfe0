"""
How many files and connections the system lets this program have open (`ulimit -n`).

Each connection is an open file. Past a limit that leaves room for the database and the pages,
requests are answered 503, so that those under way find the files that they need.
"""

import errno
import logging
import sqlite3
from collections.abc import Collection

from starlette.types import ASGIApp, Receive, Scope, Send

# What the emulator opens besides connections: its listeners, its event loops, the database, the
# templates of pages and the modules that it loads late.
RESERVED = 40
# Even where the system allows next to nothing.
FEWEST = 4

_BODY = b"The emulator has too many open connections. Close some, or raise `ulimit -n`.\n"
_HEADERS = [
    (b"content-type", b"text/plain; charset=utf-8"),
    (b"content-length", str(len(_BODY)).encode()),
    (b"retry-after", b"1"),
    (b"connection", b"close"),
]
_log = logging.getLogger(__name__)


def limit_connections() -> int | None:
    """How many connections there is room for; None where the system sets no limit."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else max(FEWEST, soft - RESERVED)


def refuse_crowd(app: ASGIApp, connections: Collection[object], limit: int | None) -> ASGIApp:
    """The application, which answers 503 while more connections than `limit` are open."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if limit is None or len(connections) <= limit:
            await app(scope, receive, send)
            return
        await refuse_for_files(f"{len(connections)} connections are open", send)

    return answer


def is_out_of_files(error: BaseException) -> bool:
    """Whether the system refused to open another file."""
    if isinstance(error, sqlite3.OperationalError):
        # SQLite does not say why it could not open a file that is there.
        return error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_CANTOPEN
    if isinstance(error, ImportError):  # of a module in machine code
        return "Too many open files" in str(error)
    return isinstance(error, OSError) and error.errno in {errno.EMFILE, errno.ENFILE}


async def refuse_for_files(reason: str, send: Send) -> None:
    """Answer 503, and say in the log why."""
    _log.warning(
        "answered 503: %s, and the system lets this program open no more files; "
        "close connections, or raise `ulimit -n`",
        reason,
    )
    await send({"type": "http.response.start", "status": 503, "headers": _HEADERS})
    await send({"type": "http.response.body", "body": _BODY})


def answer_out_of_files(app: ASGIApp) -> ASGIApp:
    """The application, which answers 503 where a file that a request needs cannot be opened."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await app(scope, receive, send)
        except (OSError, sqlite3.OperationalError, ImportError) as error:
            # Files are opened before an answer begins, so that this one is the first.
            if not is_out_of_files(error):
                raise
            await refuse_for_files(str(error), send)

    return answer
