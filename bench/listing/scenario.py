"""What is measured, and what it should come to: one scenario for each promise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from bench.listing import clients as c
from bench.listing.clients import Client
from bench.listing.measure import Summary

Results = Mapping[str, Mapping[str, Summary]]
"""By part of a scenario and by client."""

ONE_PAGE, TENTH = 900, 90
_TEN_THOUSAND, _HUNDRED_THOUSAND, _MILLION = 10_000, 100_000, 1_000_000


class Part(NamedTuple):
    """
    Runs against one server.

    Attributes:
        title: What the table calls it.
        users: How many the directory has.
        clients: Who lists it.
        latency: Seconds that the server takes for each answer of Graph.
    """

    title: str
    users: int
    clients: tuple[Client, ...]
    latency: float = 0.0


class Target(NamedTuple):
    """
    What was promised.

    Attributes:
        what: In words.
        reached: Reads it from the results; fails with KeyError if it was not measured.
        limit: What it should be.
        least: Whether that is the least, and not the most.
        unit: What both are in.
        waiting: Most of the time nobody works: it cannot be told by the CPU that was used.
    """

    what: str
    reached: Callable[[Results], float]
    limit: float
    least: bool = False
    unit: str = " x"
    waiting: bool = False


class Scenario(NamedTuple):
    """
    Some parts that belong together.

    Attributes:
        title: What it is about.
        parts: What is run.
        targets: What it should come to.
    """

    title: str
    parts: tuple[Part, ...]
    targets: tuple[Target, ...] = ()


def _wall(part: str, one: Client, other: Client) -> Callable[[Results], float]:
    """How many times the wall time of ``other`` is that of ``one``."""
    return lambda results: results[part][one.name].wall / results[part][other.name].wall


def _cpu(part: str, one: Client, other: Client) -> Callable[[Results], float]:
    """How many times the CPU of ``other`` is that of ``one``."""
    return lambda results: results[part][one.name].cpu / results[part][other.name].cpu


def _fastest_other(part: str) -> Callable[[Results], float]:
    """How many times our wall time is that of the fastest of the others."""

    def reached(results: Results) -> float:
        names = [client.name for client in _OTHERS]
        others = [results[part][name].wall for name in names if name in results[part]]
        return min(others) / results[part][c.OURS.name].wall

    return reached


def _scaled_sdk(results: Results) -> float:
    """What a hundred thousand would take it, by what ninety and nine hundred do."""
    few, some = results[_TINY][c.SDK.name].wall, results[_SMALL][c.SDK.name].wall
    each = (some - few) / (ONE_PAGE - TENTH)
    return (few + each * (_HUNDRED_THOUSAND - TENTH)) / results[_FLAT][c.OURS.name].wall


def _cpu_of_a_page(client: Client) -> Callable[[Results], float]:
    """Milliseconds of CPU for each page of a million but the first."""

    def reached(of: Results) -> float:
        seconds = of[_LARGE][client.name].cpu - of[_SMALL][client.name].cpu
        return seconds / ((_MILLION - ONE_PAGE) / 999) * 1000

    return reached


_SAMPLES = (c.SAMPLE, c.SAMPLE_KEPT)
_OTHERS = tuple(one._replace(once=True) for one in (*_SAMPLES, *c.LIBRARIES))
_FLAT, _LARGE = "100,000 users", "1,000,000 users"
_SMALL, _TINY = f"one page of {ONE_PAGE} users", f"one page of {TENTH} users"
_AT_100, _AT_300 = "100 ms", "300 ms"

HUNDRED_THOUSAND = Scenario(
    "100,000 users, no latency, NDJSON into a file, proved, the token in the warm file cache",
    (
        Part(
            _FLAT,
            _HUNDRED_THOUSAND,
            (
                *(c.OURS, c.TWENTY_LINES, c.PYREQWEST, *c.PARALLEL),
                *(c.CURL, c.CURL_RAW, c.CURL_PLAIN, *_SAMPLES),
            ),
        ),
        Part(_TINY, TENTH, (c.SDK,)),
        Part(_SMALL, ONE_PAGE, (c.SDK,)),
    ),
    (
        Target("wall time of curl, at most", _wall(_FLAT, c.OURS, c.CURL), 4),
        Target("CPU of http.client and msgspec, at most", _cpu(_FLAT, c.OURS, c.TWENTY_LINES), 0.8),
        Target(
            "faster than the official sample with a loop, at least",
            _wall(_FLAT, c.SAMPLE, c.OURS),
            8,
            least=True,
        ),
        Target(
            "the same with one Session, which the sample has not",
            _wall(_FLAT, c.SAMPLE_KEPT, c.OURS),
            8,
            least=True,
        ),
        Target(
            "faster than msgraph-sdk (scaled from one page), at least", _scaled_sdk, 10, least=True
        ),
    ),
)

COLD = Scenario(
    "100,000 users, no latency, no token yet: MSAL is really asked",
    (Part(_FLAT, _HUNDRED_THOUSAND, (c.NO_TOKEN, c.FIRST, c.CURL, *_SAMPLES)),),
    (
        Target(
            "faster than the official sample with a loop, at least",
            _wall(_FLAT, c.SAMPLE, c.NO_TOKEN),
            4,
            least=True,
        ),
        Target(
            "the same on the very first day, without a plan",
            _wall(_FLAT, c.SAMPLE, c.FIRST),
            4,
            least=True,
        ),
        Target(
            "the first day against the sample with one Session",
            _wall(_FLAT, c.SAMPLE_KEPT, c.FIRST),
            4,
            least=True,
        ),
    ),
)

MILLION = Scenario(
    "1,000,000 users, no latency, NDJSON into a file, proved",
    (
        Part(_FLAT, _HUNDRED_THOUSAND, (c.OURS, c.CURL)),
        Part(
            _LARGE,
            _MILLION,
            (c.OURS, c.OURS_IN_PYTHON, c.TWENTY_LINES, *c.PARALLEL, c.CURL, c.CURL_RAW),
        ),
    ),
    (
        Target("CPU of http.client and msgspec, at most", _cpu(_LARGE, c.OURS, c.TWENTY_LINES), 1),
        Target("CPU of curl, at most", _cpu(_LARGE, c.OURS, c.CURL), 1.8),
        Target(
            "without the compiled part: CPU of http.client and msgspec, at most",
            _cpu(_LARGE, c.OURS_IN_PYTHON, c.TWENTY_LINES),
            1.5,
        ),
        Target("wall time of curl, at most", _wall(_LARGE, c.OURS, c.CURL), 3),
        Target("peak memory, at most", lambda of: of[_LARGE][c.OURS.name].rss, 100, unit=" MB"),
        Target(
            "memory more than at 100,000, at most",
            lambda of: of[_LARGE][c.OURS.name].rss - of[_FLAT][c.OURS.name].rss,
            40,
            unit=" MB",
        ),
    ),
)

PAGE = Scenario(
    "CPU for a page of 999: a million less one page, NDJSON into a file, proved",
    (
        Part(_SMALL, ONE_PAGE, (c.OURS, c.OURS_IN_PYTHON)),
        Part(_LARGE, _MILLION, (c.OURS, c.OURS_IN_PYTHON)),
    ),
    (
        Target("CPU for a page, at most", _cpu_of_a_page(c.OURS), 1.5, unit=" ms"),
        Target(
            "the same without the compiled part", _cpu_of_a_page(c.OURS_IN_PYTHON), 2, unit=" ms"
        ),
    ),
)

LATENCY = Scenario(
    "100,000 users, 100 ms and 300 ms for each answer, proved",
    tuple(
        Part(
            title,
            _HUNDRED_THOUSAND,
            (c.OURS, c.FIRST, c.TWENTY_LINES, *c.PARALLEL, c.CURL_32, *_OTHERS),
            wait,
        )
        for title, wait in ((_AT_100, 0.1), (_AT_300, 0.3))
    ),
    tuple(
        Target(
            f"faster than any other at {title}, at least",
            _fastest_other(title),
            10,
            least=True,
            waiting=True,
        )
        for title in (_AT_100, _AT_300)
    ),
)

PEERS = Scenario(
    "10,000 users, no latency and 100 ms: everybody",
    tuple(
        Part(
            title,
            _TEN_THOUSAND,
            (c.OURS, c.FIRST, c.CURL, *_SAMPLES, *c.LIBRARIES, *c.COMMANDS, c.SDK),
            wait,
        )
        for title, wait in (("no latency", 0.0), (_AT_100, 0.1))
    ),
)

STARTUP = Scenario(
    "start-up: one page of users, and --help",
    (Part(_SMALL, ONE_PAGE, (c.OURS, c.NO_TOKEN, c.FIRST, c.HELP, c.CURL, c.SAMPLE)),),
    (
        Target(
            "wall time of the official sample, token in the file cache, at most",
            _wall(_SMALL, c.OURS, c.SAMPLE),
            0.65,
        ),
        Target(
            "wall time of the official sample, no token yet, at most",
            _wall(_SMALL, c.NO_TOKEN, c.SAMPLE),
            0.7,
        ),
        Target("--help, at most", lambda of: of[_SMALL][c.HELP.name].wall * 1000, 40, unit=" ms"),
    ),
)

CHAINS = Scenario(
    "100,000 users, 16 chains at 100 ms for each page: a bare loop over the transport",
    (Part(_AT_100, _HUNDRED_THOUSAND, (c.CHAINS, c.CURL_16), 0.1),),
    (
        Target(
            "wall time of curl, the loop alone, at most",
            lambda of: of[_AT_100][c.CHAINS.name].loop / of[_AT_100][c.CURL_16.name].wall,
            1.2,
            waiting=True,
        ),
        Target(
            "the same with the start of Python and its imports",
            _wall(_AT_100, c.CHAINS, c.CURL_16),
            1.2,
            waiting=True,
        ),
    ),
)

SCENARIOS = {
    "startup": STARTUP,
    "hundred-thousand": HUNDRED_THOUSAND,
    "cold": COLD,
    "chains": CHAINS,
    "latency": LATENCY,
    "page": PAGE,
    "million": MILLION,
    "peers": PEERS,
}
