"""What the next page is to say, once: that something was done, or a secret's value."""

import threading
from collections import OrderedDict
from typing import Any, NamedTuple

# A session that never looks is forgotten when so many others have come.
MOST_SESSIONS = 1000


class Notice(NamedTuple):
    """A text's key, what fills it, and whether it warns."""

    key: str
    values: dict[str, Any]
    warning: bool = False


class Notices:
    """
    What is kept for each session until its next page, in memory only.

    A form is answered by the way to a page, so that reloading that page sends nothing again; what
    the form did is told by that page, and a secret's value is never written anywhere.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, dict[str, Any]] = OrderedDict()

    def keep(self, session: str, name: str, value: Any) -> None:
        """Keep something for the session's next page."""
        with self._lock:
            self._kept.setdefault(session, {})[name] = value
            self._kept.move_to_end(session)
            while len(self._kept) > MOST_SESSIONS:
                self._kept.popitem(last=False)

    def take(self, session: str, name: str) -> Any:
        """What was kept by this name, the first time; then None."""
        with self._lock:
            return self._kept.get(session, {}).pop(name, None)

    def forget(self, session: str) -> None:
        """Keep nothing of a session that has ended."""
        with self._lock:
            self._kept.pop(session, None)
