"""The set of IDs: exact, and small."""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphdaemon.graph.compiled import KNOWN_IDS
from graphdaemon.graph.page import Page
from graphdaemon.listing.id_set import (
    IdSet,
    PythonIdSet,
    make_id_set,
    pack_ids,
    packed_ids,
    pick_packed,
    split_packed,
)
from tests.support.graph_answers import raw

guids = st.uuids().map(str)
ids = st.one_of(guids, guids.map(str.upper), st.text(max_size=40), st.just("-" * 36))


FORMS = [
    pytest.param(PythonIdSet, id="plain"),
    pytest.param(lambda: PythonIdSet(0, 1), id="in buckets"),
    pytest.param(lambda: PythonIdSet(20, 2), id="on its way"),
    pytest.param(
        make_id_set, id="compiled", marks=pytest.mark.skipif(KNOWN_IDS is None, reason="not built")
    ),
]


@pytest.mark.parametrize("make", FORMS)
@given(pages=st.lists(st.lists(st.integers(0, 60)), max_size=20))
def test_it_tells_what_is_new(make: Callable[[], IdSet], pages: list[list[int]]) -> None:
    """As a plain set does, in each of its forms; also of what was removed, and came again."""
    seen, model = make(), set[bytes]()
    for page in [*pages, *pages[::-1]]:
        # IDs that contain one another's bytes: a search for one must not find it across two.
        each = [bytes([number % 3]) * 15 + bytes([number]) for number in page]
        fresh = [at for at, one in enumerate(each) if one not in model and one not in each[:at]]
        model |= set(each)

        places = seen.add(b"".join(each))

        assert (list(range(len(page))) if places is None else places) == fresh
        for one in each[::3]:
            seen.discard(one)
            model.discard(one)
        assert len(seen) == len(model)
        assert all(
            (bytes([number % 3]) * 15 + bytes([number]) in seen)
            == (bytes([number % 3]) * 15 + bytes([number]) in model)
            for number in range(61)
        )


@pytest.mark.parametrize("make", FORMS)
def test_it_keeps_what_it_has_while_it_grows(make: Callable[[], IdSet]) -> None:
    """Through every growth of every table and bucket."""
    seen = make()
    pages = [
        b"".join(uuid.UUID(int=at << 7).bytes for at in range(i, i + 500))
        for i in range(0, 20_000, 500)
    ]

    assert [seen.add(page) for page in pages] == [None] * len(pages)
    assert [seen.add(page) for page in pages] == [[]] * len(pages)
    assert len(seen) == 20_000
    assert uuid.UUID(int=1).bytes not in seen


@given(st.lists(ids, max_size=30))
def test_packing_tells_different_ids_apart(texts: list[str]) -> None:
    """Also where they differ by case alone."""
    packed = split_packed(pack_ids(texts))

    assert len(packed) == len(texts)
    assert packed == [pack_ids([text]) for text in texts]
    assert len(set(packed)) == len(set(texts))


def test_a_guid_is_packed_into_its_own_bytes() -> None:
    """Alone, or with others on a page; in capitals, or with its dashes elsewhere, it is another."""
    guids = [uuid.UUID(int=number << 64) for number in range(1, 4)]
    texts = [str(guid) for guid in guids]
    capitals = "ABCDEF00-0000-4000-8000-000000000000"
    moved = str(guids[0]).replace("-", "") + "----"

    assert pack_ids(texts) == b"".join(guid.bytes for guid in guids)
    assert pack_ids(texts[1:2]) == guids[1].bytes
    assert pack_ids([moved]) != guids[0].bytes
    assert pack_ids([capitals, *texts])[:16] != pack_ids([capitals.lower()])
    assert pick_packed(pack_ids(texts), (2, 0)) == guids[2].bytes + guids[0].bytes
    assert pack_ids([]) == b""


def test_ids_that_were_read_with_the_page_are_not_read_again() -> None:
    """Unless they cannot be those of its records."""
    records = [raw({"id": "1"}), raw({"id": "2"})]

    assert packed_ids(Page(records, None, None, packed_ids=b"x" * 32)) == b"x" * 32
    for other in (b"", b"x" * 16):
        assert packed_ids(Page(records, None, None, packed_ids=other)) == pack_ids(["1", "2"])


MEASURE = """
import os, resource
from graphdaemon.listing.id_set import make_id_set
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
seen = make_id_set()
def add(pages):
    for _ in range(pages):
        seen.add(os.urandom(16 * 1000))
add(1)
before = peak()
add(1000)
print(peak() - before)
"""


@pytest.mark.parametrize("compiled", ["0", "1"])
def test_a_million_ids_fit_into_forty_megabytes(compiled: str) -> None:
    """A plain set would take a hundred."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE],
        capture_output=True,
        text=True,
        check=True,
        env={"GRAPHDAEMON_COMPILED": compiled},
    )

    assert float(done.stdout) < 40
