"""The chart of changes per day: bars of three kinds, one above the other, as values for SVG."""

from collections.abc import Sequence
from typing import NamedTuple

from graphdaemon.store.activity import DayActivity

HEIGHT = 120
"""Of the highest bar, in the chart's own units."""
STEP, WIDTH = 20, 14
"""From one bar to the next, and the width of a bar."""


class Bar(NamedTuple):
    """
    A part of a day's bar.

    Attributes:
        kind: `created`, `updated` or `ended`.
        x: Its left side.
        y: Its upper side.
        height: Its height.
    """

    kind: str
    x: int
    y: float
    height: float


class Chart(NamedTuple):
    """
    What is drawn.

    Attributes:
        bars: The parts of the bars.
        most: The most changes of one day, which the highest bar stands for.
        changes: All changes together.
        days: What it shows, day by day.
    """

    bars: list[Bar]
    most: int
    changes: int
    days: Sequence[DayActivity]

    @property
    def width(self) -> int:
        """How wide it is."""
        return STEP * len(self.days)


def draw_chart(days: Sequence[DayActivity]) -> Chart:
    """Return the chart of these days."""
    most = max((day.changes for day in days), default=0)
    bars = []
    for number, day in enumerate(days):
        top = float(HEIGHT)
        for kind, count in (
            ("created", day.created),
            ("updated", day.updated),
            ("ended", day.ended),
        ):
            if count:
                # Little beside much is still to be seen.
                height = max(round(count / most * HEIGHT, 1), 1.0)
                top = round(top - height, 1)
                bars.append(Bar(kind, number * STEP + (STEP - WIDTH) // 2, top, height))
    return Chart(bars, most, sum(day.changes for day in days), days)
