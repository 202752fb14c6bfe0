"""How far a listing is, on a terminal: one line, drawn anew, gone when there is more to say."""

import logging
import os
import time
from collections import deque
from collections.abc import Callable
from typing import Self, TextIO

from graphdaemon.cli import terminal
from graphdaemon.listing.record import Progress
from graphdaemon.output.escape import escape
from graphdaemon.output.stream import terminal_width

# Nobody reads faster, and drawing on a slow terminal would hold up the listing.
_SECONDS_BETWEEN = 0.1
# Long enough to even out pages of a thousand records, short enough to show a throttle at work.
_SECONDS_OF_RATE = 5.0


class ProgressLine:
    """
    A progress line, drawn anew in its place; a context manager, after which the line is gone.

    It counts the `noun`, such as `users`; nothing is drawn unless the stream is a terminal that can
    redraw. A line is `width` cells long.
    """

    def __init__(
        self,
        stream: TextIO | None,
        noun: str,
        *,
        now: Callable[[], float] = time.monotonic,
        width: Callable[[], int] = terminal_width,
    ) -> None:
        self._stream = stream if stream is not None and _can_redraw(stream) else None
        self._noun = noun
        self._now = now
        self._width = width
        self._drawn_at = -_SECONDS_BETWEEN
        self._drawn = 0
        self._seen: deque[tuple[float, int]] = deque()

    @property
    def is_shown(self) -> bool:
        """Whether anything is drawn; elsewhere nobody needs to know how far it is."""
        return self._stream is not None

    def update(self, progress: Progress) -> None:
        """Draw how far it is, ten times a second at most."""
        now = self._now()
        if self._stream is None or now - self._drawn_at < _SECONDS_BETWEEN:
            return
        self._drawn_at = now
        self._seen.append((now, progress.records))
        while self._seen[0][0] < now - _SECONDS_OF_RATE:
            self._seen.popleft()
        # Some terminals begin a new line when the last cell of one is filled.
        line = shorten(describe(progress, self._noun, self._rate()), self._width() - 1)
        self._draw(line)

    def clear(self) -> None:
        """Take the line away, so that something else can be said."""
        if self._drawn:
            self._draw("")

    def __enter__(self) -> Self:
        # A log line would be written into the middle of the drawn one.
        if self._stream is not None:
            for handler in logging.getLogger().handlers:
                handler.addFilter(self._make_room)
        return self

    def __exit__(self, *_: object) -> None:
        for handler in logging.getLogger().handlers:
            handler.removeFilter(self._make_room)
        self.clear()

    def _make_room(self, _: logging.LogRecord) -> bool:
        self.clear()
        return True

    def _draw(self, line: str) -> None:
        """Draw `line` over what was drawn before; an empty one leaves the cursor at the start."""
        from graphdaemon.output.formats.table import cells_of

        assert self._stream is not None, "what cannot be redrawn is not drawn"
        cells = cells_of(line)
        terminal.draw(self._stream, line, self._drawn - cells)
        self._drawn = cells

    def _rate(self) -> float:
        """Records per second, over the last few seconds."""
        (start, before), (end, after) = self._seen[0], self._seen[-1]
        return (after - before) / (end - start) if end > start else 0.0


def describe(progress: Progress, noun: str, rate: float) -> list[str]:
    """What there is to say, the most important first."""
    of_all = f" of {progress.total:,}" if progress.total is not None else ""
    parts = [f"{progress.records:,}{of_all} {noun}"]
    if progress.waiting:
        parts.append(f"waiting for {progress.waiting}")
    elif progress.stage in _STAGES:
        parts.append(_STAGES[progress.stage])
    elif rate > 0:
        parts.append(f"{rate:,.0f}/s")
        if progress.total is not None and progress.total > progress.records:
            parts.append(f"{_duration((progress.total - progress.records) / rate)} left")
    if progress.unit_limit:
        # A throttle bucket that is empty at first takes more than its limit for a while.
        parts.append(f"{min(1, progress.unit_rate / progress.unit_limit):.0%} of the budget")
    elif progress.unit_rate:
        parts.append(f"{progress.unit_rate:,.0f} units/s")
    parts.append(f"{progress.in_flight} in flight")
    return parts


_STAGES = {
    "baseline": "noting where the changes begin",
    "proving": "reading it again to prove it",
    "replay": "reading what changed meanwhile",
    "check": "checking",
    "done": "writing",
}


def shorten(parts: list[str], width: int) -> str:
    """As many parts as there is room for; the first is cut if it must be."""
    from graphdaemon.output.formats.table import cells_of

    line = escape(parts[0])
    for part in parts[1:]:
        longer = f"{line} · {escape(part)}"
        if cells_of(longer) > width:
            break
        line = longer
    while cells_of(line) > width:
        line = line[:-1]
    return line


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"


def _can_redraw(stream: TextIO) -> bool:
    return stream.isatty() and os.environ.get("TERM") != "dumb"
