"""
The tokens of delta queries: what is tracked, and how far the client has read.

They are signed, and valid only for callers of one tenant.
"""

import base64
import hmac

import msgspec

from entra_emulator.errors import deny
from entra_emulator.graph.delta.tracked import DeltaQuery

# 16 bytes are beyond guessing, and keep the links short.
_MAC = 16

# Stands for the number of the last known change in a round that reports all objects.
INITIAL = -1


class RoundPosition(msgspec.Struct, frozen=True, array_like=True):
    """
    Where a page of a round ended.

    Args:
        step: the type whose objects are reported, by its number in the query; the recycle bins of
            the types follow in the same order. In a round of changes it is always 0.
        major: the object's number; in a round of changes the number of its first change.
        link: the number of the object's relation that is being reported; -1 if all were.
        minor: the number of the last linked object that was reported.
    """

    step: int = 0
    major: int = 0
    link: int = -1
    minor: int = 0


START = RoundPosition()


class DeltaRound(msgspec.Struct, frozen=True, array_like=True):
    """
    One round of a delta query: everything, or the changes between two moments.

    Args:
        query: what is tracked.
        issued: when the token was made, in seconds since 1970.
        after: the number of the last change that the client knows; INITIAL if it knows none.
        until: the number of the last change that the round reports.
        position: where the next page begins.
        minimal: whether only changed properties are reported.
        mark: makes each token different from every other.
    """

    query: DeltaQuery
    issued: float
    after: int
    until: int
    position: RoundPosition = START
    minimal: bool = False
    mark: str = ""


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(DeltaRound).decode


def seal_round(key: bytes, tenant: str, kind: str, state: DeltaRound) -> str:
    """
    A token with this round, in base64url, signed with the key.

    It is valid only for callers of this tenant, and for its kind, "skip" or "delta".
    """
    body = _encode(state)
    return base64.urlsafe_b64encode(body + _sign(key, tenant, kind, body)).decode().rstrip("=")


def open_round(key: bytes, tenant: str, kind: str, collection: str, token: str) -> DeltaRound:
    """
    The round in a token of this tenant, kind and collection.

    Raises:
        GraphRefusal: 400, the token was altered, or is of another tenant, kind or collection.
    """
    try:
        data = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        body, mac = data[:-_MAC], data[-_MAC:]
        # The signature is checked first, so that nothing written by a stranger is decoded.
        if not hmac.compare_digest(mac, _sign(key, tenant, kind, body)):
            raise deny("delta_token_invalid")
        state = _decode(body)
    except (ValueError, msgspec.DecodeError) as error:
        raise deny("delta_token_invalid") from error
    if state.query.collection != collection:
        raise deny("delta_token_invalid")
    return state


def _sign(key: bytes, tenant: str, kind: str, body: bytes) -> bytes:
    # This word distinguishes these tokens from page tokens, which are signed with the same key.
    return hmac.digest(key, f"{tenant} delta {kind} ".encode() + body, "sha256")[:_MAC]
