"""What came out, as Markdown."""

from __future__ import annotations

import os
import platform
import re
import ssl
import subprocess
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from bench.listing.measure import Outcome, Summary, summarize
from bench.listing.scenario import Results, Scenario, Target

_DISTURBED = (" by CPU: others were at work", ", though others were at work")


def describe_machine(*, pinned: bool) -> str:
    """When and on what this is measured."""
    models = re.findall(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    curl = subprocess.check_output(["curl", "--version"], text=True).split()[1]
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores ({next(iter(models), 'unknown')}), "
        f"Python {platform.python_version()}, {ssl.OPENSSL_VERSION}, curl {curl}; "
        + ("clients on one core, the server on another" if pinned else "on all cores")
    )


def write_scenario(scenario: Scenario, outcomes: Mapping[str, Outcome]) -> str:
    """A scenario's tables: what each client needed, and what was promised."""
    results = {title: summarize(outcome.samples) for title, outcome in outcomes.items()}
    lines = [f"## {scenario.title}", ""]
    for title, outcome in outcomes.items():
        if rows := results[title]:
            lines += [*_write_part(title, rows), ""]
        lines += [f"{title}: without {name}, {why}\n" for name, why in outcome.absent.items()]
    if scenario.targets:
        lines += ["| target | | median | best | by CPU | |", f"| --- |{' ---: |' * 4} --- |"]
        lines += [_write_target(target, results) for target in scenario.targets]
    return "\n".join(lines) + "\n"


def _write_part(title: str, rows: Mapping[str, Summary]) -> Iterator[str]:
    fastest = min(row.wall for row in rows.values())
    yield f"| {title} | wall s | x fastest | best s | CPU s | memory MB | units | undisturbed |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    for row in sorted(rows.values(), key=lambda row: row.wall):
        yield (
            f"| {row.client} | {row.wall:.3f} | {row.wall / fastest:.1f} | {row.best:.3f} "
            f"| {row.cpu:.3f} | {row.rss:.0f} | {row.units:.0f} | {row.quiet} of {row.runs} |"
        )


def _write_target(target: Target, results: Results) -> str:
    limit = f"{target.limit:g}{target.unit}"
    try:
        reached = target.reached(results)
        best = target.reached(_with_wall(results, lambda row: row.best))
        busy = target.reached(_with_wall(results, lambda row: row.cpu))
    except KeyError as missing:
        return f"| {target.what} | {limit} | | | | not measured: {missing.args[0]} |"
    by_cpu = "" if target.waiting else f"{busy:.2f}"
    disturbed = _is_disturbed(results)
    judged = busy if disturbed and not target.waiting else reached
    met = judged >= target.limit if target.least else judged <= target.limit
    verdict = ("met" if met else "MISSED") + (_DISTURBED[target.waiting] if disturbed else "")
    return f"| {target.what} | {limit} | {reached:.2f} | {best:.2f} | {by_cpu} | {verdict} |"


def _is_disturbed(results: Results) -> bool:
    """Say whether others worked beside so many runs that wall time says more about them."""
    rows = (row for part in results.values() for row in part.values())
    return any(row.quiet < min(row.runs, 2) for row in rows)


def _with_wall(results: Results, wall: Callable[[Summary], float]) -> Results:
    """The same with another time in the place of the median's."""
    return {
        title: {name: row._replace(wall=wall(row)) for name, row in rows.items()}
        for title, rows in results.items()
    }
