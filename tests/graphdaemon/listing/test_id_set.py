"""The set of IDs: exact, and small."""

from __future__ import annotations

import subprocess
import sys
import uuid

from hypothesis import given
from hypothesis import strategies as st

from graphdaemon.listing.id_set import IdSet, pack_ids

guids = st.uuids().map(str)
ids = st.one_of(guids, guids.map(str.upper), st.text(max_size=40), st.just("-" * 36))


@given(st.lists(st.lists(st.integers(0, 60)), max_size=20), st.integers(0, 40))
def test_it_tells_what_is_new(pages: list[list[int]], large: int) -> None:
    """As a plain set does, before and after it has grown large."""
    seen, model = IdSet(large), set[bytes]()
    for page in pages:
        # IDs that contain one another's bytes: a search for one must not find it across two.
        packed = [bytes([number % 3]) * 15 + bytes([number]) for number in page]
        fresh = [at for at, one in enumerate(packed) if one not in model and one not in packed[:at]]
        model |= set(packed)

        places = seen.add(packed)

        assert (list(range(len(page))) if places is None else places) == fresh
    assert len(seen) == len(model)
    assert set(seen) == model
    for one in list(model)[::2]:
        seen.discard(one)
        assert one not in seen
    assert set(seen) == set(list(model)[1::2])
    assert len(seen) == len(list(model)[1::2])


@given(st.lists(ids, max_size=30))
def test_packing_tells_different_ids_apart(texts: list[str]) -> None:
    """Also where they differ by case alone."""
    packed = pack_ids(texts)

    assert all(len(one) == 16 for one in packed)
    assert packed == [pack_ids([text])[0] for text in texts]
    assert len(set(packed)) == len(set(texts))


def test_a_guid_is_packed_into_its_own_bytes() -> None:
    """Alone, or with others on a page; in capitals, or with its dashes elsewhere, it is another."""
    guids = [uuid.UUID(int=number << 64) for number in range(1, 4)]
    texts = [str(guid) for guid in guids]
    capitals = "ABCDEF00-0000-4000-8000-000000000000"
    moved = str(guids[0]).replace("-", "") + "----"

    assert pack_ids(texts) == [guid.bytes for guid in guids]
    assert pack_ids(texts[1:2]) == [guids[1].bytes]
    assert pack_ids([moved]) != [guids[0].bytes]
    assert pack_ids([capitals, *texts])[0] != pack_ids([capitals.lower()])[0]


MEASURE = """
import os, resource
from graphdaemon.listing.id_set import IdSet
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
seen = IdSet()
def add(pages):
    for _ in range(pages):
        text = os.urandom(16 * 1000)
        seen.add([text[at : at + 16] for at in range(0, len(text), 16)])
add(1)
before = peak()
add(1000)
print(peak() - before)
"""


def test_a_million_ids_fit_into_forty_megabytes() -> None:
    """A plain set would take a hundred."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE], capture_output=True, text=True, check=True
    )

    assert float(done.stdout) < 40
