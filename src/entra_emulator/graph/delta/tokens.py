"""The tokens of delta queries: what is tracked and how far, signed, for one tenant only."""

import base64
import binascii
import hmac

import msgspec

from entra_emulator.errors import deny
from entra_emulator.graph.delta.tracked import Track

_MAC = 16

# Of the round that tells everything there is, instead of changes.
INITIAL = -1


class Place(msgspec.Struct, frozen=True, array_like=True):
    """
    Where a page of a round ended.

    Args:
        step: which type's objects, or behind those of every type which type's recycle bin; in a
            round of changes always 0.
        major: the object's number, in a round of changes that of its first change.
        link: which of its relations is being told; -1 when all of it is told.
        minor: the last object at the other end of a link that was told.
    """

    step: int = 0
    major: int = 0
    link: int = -1
    minor: int = 0


START = Place()


class Round(msgspec.Struct, frozen=True, array_like=True):
    """
    One round of a delta query: everything, or the changes between two moments.

    Args:
        track: what is tracked.
        issued: when the token was made, in seconds since 1970.
        after: the last change that is known already; INITIAL when nothing is.
        until: the last change that the round tells.
        place: where it goes on.
        minimal: only changed properties are told.
        mark: makes each token another one.
    """

    track: Track
    issued: float
    after: int
    until: int
    place: Place = START
    minimal: bool = False
    mark: str = ""


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Round).decode


def seal_round(key: bytes, tenant: str, kind: str, state: Round) -> str:
    """
    A token, in base64url.

    Args:
        key: signs it.
        tenant: whose caller alone may use it.
        kind: "skip" or "delta"; one is not taken for the other.
        state: what it holds.
    """
    body = _encode(state)
    return base64.urlsafe_b64encode(body + _sign(key, tenant, kind, body)).decode().rstrip("=")


def open_round(key: bytes, tenant: str, kind: str, place: str, token: str) -> Round:
    """
    What is in a token of this tenant, kind and collection.

    Raises:
        GraphFault: 400, it is altered or from elsewhere.
    """
    try:
        data = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        body, mac = data[:-_MAC], data[-_MAC:]
        if not hmac.compare_digest(mac, _sign(key, tenant, kind, body)):
            raise deny("delta_token_invalid")
        state = _decode(body)
    except (binascii.Error, ValueError, msgspec.DecodeError) as error:
        raise deny("delta_token_invalid") from error
    if state.track.place != place:
        raise deny("delta_token_invalid")
    return state


def _sign(key: bytes, tenant: str, kind: str, body: bytes) -> bytes:
    return hmac.digest(key, f"{tenant} delta {kind} ".encode() + body, "sha256")[:_MAC]
