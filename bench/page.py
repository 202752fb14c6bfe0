"""
What a page of 999 users costs us by stage, in milliseconds of CPU; compiled, and in Python.

    .venv/bin/python -m bench.page

The users are those of ``bench.listing``, some pages from all over a hundred thousand.
"""

from __future__ import annotations

import importlib.util
import os
import statistics
import time
import zlib
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from bench.listing.directory import open_directory
from bench.listing.server import DATA
from graphdaemon.graph.compiled import KNOWN_IDS, SCAN_PAGE, ScanPage
from graphdaemon.graph.page import Page, read_page
from graphdaemon.http.response import Headers, Response
from graphdaemon.listing.id_set import make_id_set, packed_ids
from graphdaemon.output.formats.ndjson import join_lines

PAGE, ROUNDS, USERS, STEP = 999, 7, 100_000, 2_500
URL = "https://graph.microsoft.com/v1.0/users"
HEAD = (
    b'{"@odata.context":"x","@odata.nextLink":"https://graph.microsoft.com/v1.0/users?a","value":['
)

Row = tuple[str, float]
T = TypeVar("T")


def measure(work: Callable[[T], object], pages: Sequence[T]) -> float:
    """Milliseconds of CPU for one page: the median of some rounds over all."""
    rounds = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for page in pages:
            work(page)
        rounds.append((time.process_time() - began) / len(pages))
    return statistics.median(rounds) * 1000


def measure_gunzip(bodies: list[bytes]) -> Iterable[Row]:
    """What decompression costs, with what there is."""
    # The server of the bench compresses at the same level.
    packed = [zlib.compress(body, 1, wbits=31) for body in bodies]
    length = max(map(len, bodies))
    yield "gunzip, zlib", measure(lambda one: zlib.decompress(one, 31, length), packed)
    if importlib.util.find_spec("isal") is not None:
        from isal import isal_zlib

        yield "gunzip, isal", measure(lambda one: isal_zlib.decompress(one, 31, length), packed)


def measure_reading(bodies: list[bytes], scan: ScanPage | None) -> Iterable[Row]:
    """What it costs to cut a page into records, to read their IDs, and to write them."""

    def read(body: bytes) -> Page:
        return read_page(Response(200, Headers(), body), URL, scan=scan)

    pages = [read(body) for body in bodies]
    yield "records", measure(read, bodies)
    yield "IDs", measure(packed_ids, pages)
    yield "lines", measure(lambda page: join_lines(page.records), pages)


def measure_set(ids: int, *, compiled: bool) -> Row:
    """What a page costs the set of IDs while it grows to so many."""
    known = make_id_set(KNOWN_IDS if compiled else None)
    pages = [os.urandom(16 * PAGE) for _ in range(ids // PAGE)]
    began = time.process_time()
    for page in pages:
        known.add(page)
    return f"set of IDs, up to {ids:,}", (time.process_time() - began) / len(pages) * 1000


def main() -> None:
    directory = open_directory(DATA, USERS)
    starts = range(0, USERS - PAGE, STEP)
    bodies = [HEAD + directory.slice(at, at + PAGE) + b"]}" for at in starts]
    rows = list(measure_gunzip(bodies))
    for name, scan in (("compiled", SCAN_PAGE), ("in Python", None)):
        if name == "in Python" or scan is not None:
            costs = [*measure_reading(bodies, scan)]
            sizes = (100_000, 1_000_000, 6_000_000)
            costs += [measure_set(ids, compiled=scan is not None) for ids in sizes]
            rows += [(f"{name}: {what}", cost) for what, cost in costs]
    for name, cost in rows:
        print(f"{name:36} {cost:6.3f} ms")


if __name__ == "__main__":
    main()
