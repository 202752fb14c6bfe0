"""What the next page of a session is to show once: that something was done, or a secret."""

import threading
from collections import OrderedDict
from typing import Any, NamedTuple

# With more sessions than this, the one that kept something longest ago is forgotten.
MOST_SESSIONS = 1000


class Notice(NamedTuple):
    """The key of a text, the values that it needs, and whether it is a warning."""

    key: str
    values: dict[str, Any]
    warning: bool = False


class Notices:
    """
    What is kept for each session until its next page, in memory alone.

    The answer to a form redirects to a page, so that reloading that page does not send the form
    again. The page tells what the form did, and that has to be kept until it is shown. As it may
    be the value of a new secret, it is never written to disk.
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
        """What was kept by this name; it is handed out once, after that it is None."""
        with self._lock:
            return self._kept.get(session, {}).pop(name, None)

    def forget(self, session: str) -> None:
        """Keep nothing of a session that has ended."""
        with self._lock:
            self._kept.pop(session, None)
