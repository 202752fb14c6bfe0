"""Gzip of answers: with isal or without, at once or in a thread."""

import asyncio
import gzip
import threading

import pytest

from entra_emulator.web.compression import AT_ONCE, FASTEST, Compression, Pack, compress

BODY = b'{"id":"0123"},' * 20_000


@pytest.mark.parametrize("pack", [FASTEST, gzip.compress], ids=["isal", "zlib"])
def test_a_body_is_the_same_after_either_compression_and_equal_bodies_stay_equal(
    pack: Pack,
) -> None:
    packed = compress(BODY, pack)

    assert gzip.decompress(packed) == BODY
    assert len(packed) < len(BODY) / 20
    assert compress(BODY, pack) == packed


def test_isal_compresses_where_it_is_installed() -> None:
    assert FASTEST.__module__ == "isal.igzip"


def test_a_long_body_is_compressed_in_another_thread_and_a_short_one_at_once() -> None:
    threads = Compression()

    async def pack(body: bytes) -> tuple[bytes, bool]:
        before = threading.active_count()
        packed = await threads.compress(body)
        return packed, threading.active_count() > before

    try:
        short, short_moved = asyncio.run(pack(BODY[:AT_ONCE]))
        long, long_moved = asyncio.run(pack(BODY))
    finally:
        threads.close()
    assert (gzip.decompress(short), short_moved) == (BODY[:AT_ONCE], False)
    assert (gzip.decompress(long), long_moved) == (BODY, True)


def test_no_thread_is_left_when_it_is_closed() -> None:
    before = set(threading.enumerate())
    threads = Compression()
    asyncio.run(threads.compress(BODY))
    assert set(threading.enumerate()) != before

    threads.close()

    assert set(threading.enumerate()) == before
