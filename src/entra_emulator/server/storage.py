"""What is answered when there is no room left for the database."""

import logging
import sqlite3

from starlette.types import ASGIApp, Receive, Scope, Send

_BODY = b"The emulator's disk is full: nothing of this request was kept. Make room, repeat it.\n"
_HEADERS = [
    (b"content-type", b"text/plain; charset=utf-8"),
    (b"content-length", str(len(_BODY)).encode()),
]
_log = logging.getLogger(__name__)


def answer_full_disk(app: ASGIApp) -> ASGIApp:
    """The application, which answers 507 (RFC 4918) where a change finds no room on the disk."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await app(scope, receive, send)
        except sqlite3.OperationalError as error:
            # SQLite calls a full disk FULL, and a file that may not grow any more IOERR. A change
            # is written before its answer begins, so that this one is the first.
            if error.sqlite_errorcode & 0xFF not in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}:
                raise
            _log.warning("answered 507: %s; make room on the disk of the data folder", error)
            await send({"type": "http.response.start", "status": 507, "headers": _HEADERS})
            await send({"type": "http.response.body", "body": _BODY})

    return answer
