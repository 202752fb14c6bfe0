"""Small contents that become large when they are decompressed."""

import gzip
import zlib

_HEADER = bytes.fromhex("1f8b0800000000000003")  # RFC 1952, 2.3
_MEGABYTE = bytes(1 << 20)


def make_bomb(megabytes: int) -> bytes:
    """Gzip of so many zeros, made without compressing them all; its check sum is wrong."""
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    # A full flush forgets what came before, so that the block may follow itself.
    block = compressor.compress(_MEGABYTE) + compressor.flush(zlib.Z_FULL_FLUSH)
    length = (megabytes << 20) % (1 << 32)
    return (
        _HEADER + block * megabytes + compressor.flush() + bytes(4) + length.to_bytes(4, "little")
    )


def make_bomb_of_members(megabytes: int) -> bytes:
    """The same as so many gzip members of one megabyte each."""
    return gzip.compress(_MEGABYTE) * megabytes
