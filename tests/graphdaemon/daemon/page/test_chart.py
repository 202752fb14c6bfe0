"""The bars of the chart."""

from __future__ import annotations

import datetime as dt

from graphdaemon.daemon.page.chart import HEIGHT, draw_chart
from graphdaemon.store.activity import DayActivity

DAY = dt.date(2026, 11, 1)


def test_the_busiest_day_is_as_high_as_the_chart_and_its_parts_stand_on_each_other() -> None:
    chart = draw_chart([DayActivity(DAY), DayActivity(DAY, 50, 30, 20), DayActivity(DAY, 0, 50)])

    assert (chart.most, chart.changes, chart.width) == (100, 150, 60)
    assert [(bar.kind, bar.x, bar.y, bar.height) for bar in chart.bars] == [
        ("created", 23, 60.0, 60.0),
        ("updated", 23, 24.0, 36.0),
        ("ended", 23, 0.0, 24.0),
        ("updated", 43, 60.0, 60.0),
    ]


def test_little_beside_much_is_still_seen() -> None:
    chart = draw_chart([DayActivity(DAY, 1_000_000), DayActivity(DAY, 1)])

    assert [bar.height for bar in chart.bars] == [HEIGHT, 1.0]


def test_days_without_changes_have_no_bars() -> None:
    assert draw_chart([DayActivity(DAY)]).bars == []
    assert draw_chart([]).most == 0
