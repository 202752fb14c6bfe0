"""
Figures that are drawn from measurements: how a listing asks, and how fast others are.

`python -m tools.figures speed FILE` draws what `python -m bench.listing --json FILE` has measured;
`python -m tools.figures listing` lists a pretend tenant whose answers take a tenth of a second, and
draws when each request was under way.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from entra_emulator import Emulator
from graphdaemon.client.client import Client
from graphdaemon.graph.query import Query
from graphdaemon.http.span import Note, Value, traced_by
from graphdaemon.listing.options import ListingOptions
from graphdaemon.settings.read import read_settings

IMAGES = Path(__file__).parent.parent / "docs" / "images"
_WIDTH = 860
_LATENCY_S = 0.1
_USERS = 20_000


class Request(NamedTuple):
    """
    One request of a listing.

    Attributes:
        path: Its path, with `{id}` for keys.
        start: Seconds after the first one.
        end: When its answer had come.
    """

    path: str
    start: float
    end: float


def draw_listing() -> str:
    """List a pretend tenant twice; return the figure of both."""
    with TemporaryDirectory() as folder, Emulator(users=_USERS, in_memory=True) as emulator:
        emulator.faults.fail("latency", delay=_LATENCY_S, seconds=600, route="/users*")
        path = Path(folder) / "parameters.json"
        path.touch(mode=0o600)
        path.write_text(json.dumps(emulator.application.parameters))
        settings = read_settings(path, {})
        many = asyncio.run(_watch(settings, ListingOptions(learn=False)))
        one = asyncio.run(_watch(settings, ListingOptions(learn=False, method="chain")))
    return _draw_panels(
        f"When each request of a listing of {_USERS:,} users is under way, at 100 ms for an answer",
        (("graphdaemon list users", many), ("graphdaemon list users --method chain", one)),
    )


async def _watch(settings: Any, options: ListingOptions) -> list[Request]:
    requests: list[Request] = []

    @contextmanager
    def tracer(name: str, attributes: Mapping[str, Value]) -> Iterator[Note]:
        began = time.monotonic()
        try:
            yield lambda *_: None
        finally:
            if name == "graph request":
                place = str(attributes.get("url.template", ""))
                requests.append(Request(place, began, time.monotonic()))

    with traced_by(tracer):
        async with Client(settings) as client:
            await client.collect("users", Query(), write=lambda _: None, options=options)
    first = min(request.start for request in requests)
    return [Request(one.path, one.start - first, one.end - first) for one in requests]


def _draw_panels(title: str, panels: Sequence[tuple[str, Sequence[Request]]]) -> str:
    longest = max(request.end for _, requests in panels for request in requests)
    scale = (_WIDTH - 2 * _MARGIN) / longest
    parts, y = [], _MARGIN + 24
    for name, requests in panels:
        spent = max(request.end for request in requests)
        label = f"{name}: {len(requests)} requests, {spent:.1f} s"
        parts.append(_text(_MARGIN, y, label, "name"))
        lanes = _arrange(requests)
        for lane, request in lanes:
            kind = "page" if request.path.endswith("/users") else "proof"
            x, width = _MARGIN + request.start * scale, (request.end - request.start) * scale
            parts.append(
                f'<rect class="{kind}" x="{x:.1f}" y="{y + 10 + lane * _LANE}" '
                f'width="{max(1.5, width - 1):.1f}" height="{_LANE - 2}"/>'
            )
        y += 10 + (1 + max(lane for lane, _ in lanes)) * _LANE + 34
    parts.append(_text(_MARGIN, y - 8, "■ pages of users   ", "page"))
    parts.append(_text(_MARGIN + 150, y - 8, "■ what proves the list: delta and counts", "proof"))
    return _frame(title, y + 8, parts)


def _arrange(requests: Sequence[Request]) -> list[tuple[int, Request]]:
    """Each request in the first lane that is free when it begins."""
    ends: list[float] = []
    arranged = []
    for request in sorted(requests, key=lambda one: one.start):
        lane = next((at for at, end in enumerate(ends) if end <= request.start), len(ends))
        ends[lane : lane + 1] = [request.end]
        arranged.append((lane, request))
    return arranged


def draw_speed(file: Path) -> str:
    """Return the figure of what `bench.listing` has written: wall time and CPU, by scenario."""
    parts: list[str] = []
    y = _MARGIN + 24
    for scenario in json.loads(file.read_text("utf-8")).values():
        for title, part in scenario.items():
            rows = _read_rows(part["runs"])
            if len(rows) < 2:
                continue
            parts.append(_text(_MARGIN, y, title, "name"))
            y = _draw_bars(parts, rows, y + 12)
    parts.append(_text(_MARGIN, y, "■ seconds until it has ended", "page"))
    parts.append(_text(_MARGIN + 230, y, "■ seconds of CPU", "proof"))
    return _frame("How long clients take to list all users", y + 16, parts)


def _read_rows(runs: Sequence[Mapping[str, Any]]) -> list[tuple[str, float, float]]:
    """The name, the median wall time and the median CPU of each client, the fastest first."""
    names = dict.fromkeys(run["client"] for run in runs)
    rows = [
        (
            name,
            statistics.median(run["wall"] for run in runs if run["client"] == name),
            statistics.median(run["cpu"] for run in runs if run["client"] == name),
        )
        for name in names
    ]
    return sorted(rows, key=lambda row: row[1])


def _draw_bars(parts: list[str], rows: Sequence[tuple[str, float, float]], y: int) -> int:
    left, most = 300, max(wall for _, wall, _ in rows)
    scale = (_WIDTH - left - _MARGIN - 60) / most
    for name, wall, cpu in rows:
        weight = "ours" if name.startswith("graphdaemon") else ""
        parts.append(_text(_MARGIN, y + 14, name, weight))
        for height, value, kind in ((0, wall, "page"), (9, cpu, "proof")):
            parts.append(
                f'<rect class="{kind}" x="{left}" y="{y + height + 2}" '
                f'width="{max(1.0, value * scale):.1f}" height="7"/>'
            )
        parts.append(_text(round(left + wall * scale + 6), y + 14, f"{wall:.2f}", ""))
        y += 24
    return y + 24


def _text(x: int, y: int, text: str, kind: str) -> str:
    return f'<text x="{x}" y="{y}" class="{kind}">{escape(text, quote=False)}</text>'


def _frame(title: str, height: int, parts: Sequence[str]) -> str:
    return _FRAME.format(
        width=_WIDTH, height=height, title=escape(title, quote=True), parts="\n".join(parts)
    )


_MARGIN, _LANE = 16, 8
_FRAME = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" \
height="{height}" role="img" aria-label="{title}">
<style>
.paper {{ fill: #ffffff; }}
text {{ font: 13px system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif; fill: #1d2733; }}
.name, .ours {{ font-weight: 600; }}
.page {{ fill: #0b5cad; }}
.proof {{ fill: #b0560f; }}
@media (prefers-color-scheme: dark) {{
.paper {{ fill: #14181f; }}
text {{ fill: #d7dde5; }}
.page {{ fill: #6cb2ff; }}
.proof {{ fill: #ffb066; }}
}}
</style>
<rect class="paper" width="{width}" height="{height}" rx="8"/>
{parts}
</svg>
"""


def main() -> int:
    """Draw the figure that is named; return the exit code."""
    match sys.argv[1:]:
        case ["listing"]:
            (IMAGES / "listing.svg").write_text(draw_listing(), "utf-8")
        case ["speed", file]:
            (IMAGES / "speed.svg").write_text(draw_speed(Path(file)), "utf-8")
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
