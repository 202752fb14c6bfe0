"""The bench for listings: what it serves is a directory, and what it measures has listed it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from bench.listing import clients
from bench.listing.__main__ import run_part
from bench.listing.directory import Directory, build, find_ids
from bench.listing.graph import Graph
from bench.listing.measure import Bench
from bench.listing.scenario import Part
from bench.listing.wire import Request

USERS = 2_500
HEADERS = {"authorization": "Bearer x", "accept-encoding": "gzip"}


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Directory:
    folder = tmp_path_factory.mktemp("bench")
    build(folder, USERS)
    return Directory(folder)


def read(graph: Graph, target: str) -> tuple[int, Any]:
    path, _, query = target.partition("?")
    answer = graph.answer(Request("GET", "https://bench.example", path, query, HEADERS, b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    packed = b"Content-Encoding: gzip" in head
    return int(head.split()[1]), json.loads(gzip.decompress(body) if packed else body)


def walk(graph: Graph, target: str) -> Iterator[list[Any]]:
    link = target
    while link:
        status, page = read(graph, link)
        assert status == 200, page
        yield page["value"]
        parts = urlsplit(page.get("@odata.nextLink", ""))
        link = f"{parts.path}?{parts.query}" if parts.query else ""


def test_pages(directory: Directory) -> None:
    """The chain of pages brings everybody once, in full pages."""
    pages = list(walk(Graph(directory), "/v1.0/users?$top=999"))

    assert [len(page) for page in pages] == [999, 999, 502]
    assert len({user["id"] for page in pages for user in page}) == USERS


def test_ranges(directory: Directory) -> None:
    """Closed ranges of names hold exactly those between, both ends included."""
    graph = Graph(directory)
    everybody = [user["userPrincipalName"] for page in walk(graph, "/users") for user in page]
    low, high = everybody[700], everybody[2_100]

    for condition, expected in (
        (f"userPrincipalName le '{low}'", everybody[:701]),
        (f"userPrincipalName ge '{low}' and userPrincipalName le '{high}'", everybody[700:2_101]),
        (f"userPrincipalName ge '{high}' and userPrincipalName le '{low}'", []),
        (f"userPrincipalName ge '{high}'", everybody[2_100:]),
        ("startswith(userPrincipalName,'al')", [n for n in everybody if n.startswith("al")]),
    ):
        pages = walk(graph, f"/v1.0/users?$top=999&$filter={quote(condition)}")
        assert [user["userPrincipalName"] for page in pages for user in page] == expected, condition


@pytest.mark.parametrize(
    "options",
    ["$filter=mail%20eq%20null", "$orderby=displayName", "$top=1000", "$filter=id%20ge%20'a'"],
)
def test_refusals(directory: Directory, options: str) -> None:
    """What it does not serve it refuses: a bench that makes answers up measures nothing."""
    assert read(Graph(directory), f"/v1.0/users?{options}")[0] == 400


def test_same_everywhere(directory: Directory, tmp_path: Path) -> None:
    """The same number of users is the same directory, wherever it is built."""
    build(tmp_path, USERS)

    assert Directory(tmp_path).ids() == directory.ids() == find_ids(directory.slice(0, USERS))
    assert len(directory.ids()) == USERS


@pytest.mark.skipif(not Path("/proc/stat").exists(), reason="it reads what others use from /proc")
def test_run(tmp_path: Path) -> None:
    """Our command lists what the page server serves, proved; who brings less does not count."""
    bench = Bench(rounds=1, pinned=False, patience=0)
    shortened = clients.FIRST._replace(command=clients._ours("--limit", "5"), name="shortened")
    both = (clients.FIRST, shortened)

    outcome = run_part(bench, Part("", USERS, both), both, tmp_path, tmp_path)

    assert [sample.client for sample in outcome.samples] == [clients.FIRST.name]
    assert outcome.absent == {"shortened": "it brought 5 of 2500 users, and 0 others"}
