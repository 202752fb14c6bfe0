"""
The signing keys of foreign token issuers, found as OpenID Connect Discovery 1.0 has it.

Each issuer is asked by one request at a time, in threads of its own, so that a
dead one keeps nobody waiting but those who need it.
"""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import jwt
import msgspec

from entra_emulator.clock import Clock
from entra_emulator.tokens.fetch import FetchFailed

DAY = 86_400.0
# "Important considerations and restrictions for federated identity credentials": the first
# hundred keys are kept.
MOST_KEYS = 100
# What a key of the document is good for.
ALGORITHMS = {"RSA": "RS256", "EC": "ES256"}
# Bits; a key document must not cost us minutes per signature, and ES256 is P-256.
SIZES = {"RS256": range(2048, 8193), "ES256": range(256, 257)}


@dataclass(frozen=True)
class Keys:
    """
    What one look at an issuer gave.

    Args:
        found: public keys by `kid`.
        failure: why there are none; empty when there are.
        at: seconds since 1970 by the emulator's clock.
        tick: the same moment by the machine's monotonic clock.
    """

    found: Mapping[str, jwt.PyJWK]
    failure: str
    at: float
    tick: float


@dataclass
class IssuerKeys:
    """
    The keys of every issuer asked for so far.

    They are fetched again after a day, and for a key not seen yet; the latter,
    and an issuer that did not answer, at most every `pause` seconds.

    Args:
        fetch: gets the body of an https URL, or raises FetchFailed.
        clock: says when a day is over.
        pause: seconds by `tick`.
        tick: a clock that nobody moves.
    """

    fetch: Callable[[str], bytes]
    clock: Clock
    pause: float = 5.0
    tick: Callable[[], float] = time.monotonic
    _known: dict[str, Keys] = field(default_factory=dict)
    _asked: dict[str, Future[Keys]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)
    _threads: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(4, "federation")
    )

    def close(self) -> None:
        """Ask nobody any more; what is under way ends by itself within seconds."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def load(self, issuer: str, kid: str) -> Future[Keys]:
        """The issuer's keys, fetched if need be; never fails, see `Keys.failure`."""
        with self._lock:
            known = self._known.get(issuer)
            if known is not None and not self._is_due(known, kid):
                ready: Future[Keys] = Future()
                ready.set_result(known)
                return ready
            if issuer not in self._asked:
                self._asked[issuer] = self._threads.submit(self._ask, issuer)
            return self._asked[issuer]

    def _is_due(self, known: Keys, kid: str) -> bool:
        if not known.failure and self.clock.now() - known.at >= DAY:
            return True
        missing = bool(known.failure) or kid not in known.found
        return missing and self.tick() - known.tick >= self.pause

    def _ask(self, issuer: str) -> Keys:
        try:
            keys = Keys(_read_keys(self.fetch, issuer), "", self.clock.now(), self.tick())
        except (FetchFailed, msgspec.DecodeError, ValueError, RecursionError) as error:
            keys = self._fail(issuer, str(error))
        with self._lock:
            self._known[issuer] = keys
            self._asked.pop(issuer, None)
        return keys

    def _fail(self, issuer: str, failure: str) -> Keys:
        """What is known all the same: for a day, a silent issuer's keys stay good."""
        known, now = self._known.get(issuer), self.clock.now()
        if known is None or now - known.at >= DAY:
            return Keys({}, failure, now, self.tick())
        return Keys(known.found, failure, known.at, self.tick())


def _read_keys(fetch: Callable[[str], bytes], issuer: str) -> dict[str, jwt.PyJWK]:
    metadata = _read_object(fetch(issuer.rstrip("/") + "/.well-known/openid-configuration"))
    if metadata.get("issuer") != issuer:
        raise ValueError(f"its metadata names the issuer {metadata.get('issuer')!r}")
    address = metadata.get("jwks_uri")
    if not isinstance(address, str):
        raise ValueError("its metadata has no jwks_uri")  # noqa: TRY004 - a document, not an argument
    keys = _read_object(fetch(address)).get("keys")
    if not isinstance(keys, list):
        raise ValueError("its keys document has no list of keys")  # noqa: TRY004 - the same
    usable = (_read_key(key) for key in keys[:MOST_KEYS])
    return dict(pair for pair in usable if pair is not None)


def _read_object(body: bytes) -> dict[str, Any]:
    return msgspec.json.decode(body, type=dict[str, Any])


def _read_key(key: object) -> tuple[str, jwt.PyJWK] | None:
    """The key's name and itself; None for what signs nothing that we take."""
    if not isinstance(key, dict) or not isinstance(key.get("kid"), str):
        return None
    algorithm = ALGORITHMS.get(str(key.get("kty")))
    if algorithm is None or key.get("use", "sig") != "sig":
        return None
    if key.get("alg", algorithm) != algorithm:
        return None
    try:
        made = jwt.PyJWK(key, algorithm=algorithm)
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    return (key["kid"], made) if made.key.key_size in SIZES[algorithm] else None
