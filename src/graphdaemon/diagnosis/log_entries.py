"""Split a pasted text into entries: each message with the lines that belong to it."""

import re
from itertools import pairwise

# A line that begins an entry, whatever was open before: the time or level of a log.
_HEAD = re.compile(
    r"\[?(?:\d{4}-\d\d-\d\d[T ]|\d\d:\d\d:\d\d|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d"
    r"|(?:DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|FATAL|CRITICAL)\b)"
)
_TRACEBACK = "Traceback (most recent call last)"
_CHAIN = ("During handling of", "The above exception", "Caused by", "--->", "--- End of", "   at ")
_ANSWER = re.compile(r"(?:< ?)?HTTP/\d(?:\.\d)? \d{3}")
_HEADER = re.compile(r"(?:< ?)?[A-Za-z][\w-]*:(?: |$)")
# An entry that never closes its brackets would swallow the rest of the text.
_MOST_LINES = 4000


def split_entries(text: str) -> list[tuple[int, int]]:
    """
    Return where each entry begins and ends; takes time in proportion to the text.

    A line is an entry, unless it goes on with what a line before began: JSON up to its last
    bracket, a traceback up to its exception, HTTP headers and what follows them, a page of HTML.
    """
    starts: list[int] = []
    reader = _Reader()
    position = 0
    for line in text.splitlines(keepends=True):
        if not reader.belongs(line) or not starts:
            starts.append(position)
        position += len(line)
    return list(pairwise([*starts, len(text)]))


def is_dated(entry: str) -> bool:
    """Whether the entry begins with a time or level, so that it is a message of its own."""
    return _HEAD.match(entry) is not None


class _Reader:
    """Knows what the lines so far have opened."""

    def __init__(self) -> None:
        self._depth = 0
        self._lines = 0
        self._traceback = self._headers = self._page = self._chained = False

    def belongs(self, line: str) -> bool:
        """Whether the line goes on with the entry before."""
        if not line.strip():
            return True
        going_on = self._goes_on(line)
        self._lines = self._lines + 1 if going_on else 0
        if not going_on or self._lines > _MOST_LINES:
            self._depth = 0
            self._traceback = self._page = self._headers = False
            self._lines, going_on = 0, False
        self._open(line)
        return going_on

    def _goes_on(self, line: str) -> bool:
        bare = line.strip()
        if _HEAD.match(line):
            return False
        if self._depth > 0 or self._page or self._traceback or self._chained:
            return True
        if self._headers:
            return bool(_HEADER.match(line)) or bare[0] in "{[<"
        return bare.startswith(_CHAIN) or line[0].isspace()

    def _open(self, line: str) -> None:
        bare = line.strip()
        lowered = bare.lower()
        if "<html" in lowered or "<!doctype html" in lowered:
            self._page, self._headers = True, False
        if "</html" in lowered:
            self._page = False
        if _ANSWER.match(bare):
            self._headers = True
        elif self._headers and not _HEADER.match(bare):
            self._headers = False
        self._chained = bare.startswith(_CHAIN[:2])
        if _TRACEBACK in line:
            self._traceback = True
        elif self._traceback and not line[0].isspace() and not bare.startswith(_CHAIN):
            self._traceback = False  # the exception itself ends it
        # Brackets of prose, such as `[Reason - …`, are not waited for: JSON goes on after these.
        if not self._page and (self._depth or bare[-1] in "{[,"):
            opened = sum(map(line.count, "{[")) - sum(map(line.count, "}]"))
            self._depth = max(0, self._depth + opened)
