"""Decompression: the whole content, or an error; never more memory than the limit."""

import gzip
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
from isal import isal_zlib

from graphdaemon.http.content import Inflater, decompress
from graphdaemon.http.limits import LimitExceededError
from tests.support.compressed import make_bomb, make_bomb_of_members

PAGE = b'{"value":[' + b",".join(b'{"id":"%d"}' % number for number in range(999)) + b"]}"
# Without a time stamp, the names of the tests are the same in every process.
COMPRESSED = gzip.compress(PAGE, mtime=0)
PLENTY = 1 << 30
INFLATERS = [pytest.param(one.decompressobj, id=one.__name__) for one in (zlib, isal_zlib)]


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", " gzip ", "x-gzip"])
@pytest.mark.parametrize("limit", [PLENTY, len(PAGE)])
def test_gzip_is_taken_away(encoding: str, limit: int) -> None:
    """What is exactly as long as the limit is not beyond it."""
    assert decompress(gzip.compress(PAGE), encoding, limit) == PAGE


@pytest.mark.parametrize("inflater", INFLATERS)
def test_it_is_taken_away_by_whoever_is_there(inflater: Inflater) -> None:
    """The faster package is an extra."""
    cut = COMPRESSED[:-9]

    assert decompress(COMPRESSED, "gzip", PLENTY, inflater) == PAGE
    assert decompress(COMPRESSED * 2, "gzip", PLENTY, inflater) == PAGE * 2
    with pytest.raises(zlib.error):
        decompress(cut, "gzip", PLENTY, inflater)


@pytest.mark.parametrize("encoding", ["", "identity", "br"])
def test_what_is_not_gzip_stays_as_it_is(encoding: str) -> None:
    """Nothing else was asked for, and what reads it says what is wrong."""
    assert decompress(b"x", encoding, PLENTY) == b"x"


def test_an_empty_content_is_empty_whatever_it_is_called() -> None:
    """Answers without a body carry the header too."""
    assert decompress(b"", "gzip", PLENTY) == b""


@pytest.mark.parametrize("limit", [PLENTY, len(PAGE)])
def test_several_members_are_one_content(limit: int) -> None:
    """None of them is lost."""
    members = gzip.compress(PAGE[:100]) + gzip.compress(PAGE[100:])

    assert decompress(members, "gzip", limit) == PAGE


@pytest.mark.parametrize("limit", [PLENTY, 1 << 14])
@pytest.mark.parametrize(
    "content",
    [
        COMPRESSED[:-9],
        COMPRESSED[:-1],
        COMPRESSED[:5],
        COMPRESSED[:-8] + b"12345678",
        COMPRESSED + b"more",
        b"{}",
    ],
)
def test_a_broken_content_is_an_error(content: bytes, limit: int) -> None:
    """Part of a page must not be taken for the page."""
    with pytest.raises(zlib.error):
        decompress(content, "gzip", limit)


def test_a_lie_about_the_length_is_an_error() -> None:
    """The trailer says how long the content is, and both have to agree."""
    with pytest.raises(zlib.error):
        decompress(gzip.compress(PAGE)[:-4] + b"\xff" * 4, "gzip", PLENTY)
    with pytest.raises(zlib.error):
        decompress(gzip.compress(PAGE)[:-4] + b"\0" * 4, "gzip", PLENTY)


@pytest.mark.parametrize("make", [make_bomb, make_bomb_of_members])
def test_a_bomb_never_takes_more_memory_than_the_limit(make: Callable[[int], bytes]) -> None:
    """4 MB that would become 4 GB end at the limit, in one member or in several."""
    bomb, limit = make(4096), 8 << 20
    tracemalloc.start()
    try:
        with pytest.raises(LimitExceededError, match="larger than 8 MB when decompressed"):
            decompress(bomb, "gzip", limit)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert len(bomb) > 4_000_000
    # What is joined exists twice for a moment.
    assert peak < 3 * limit
