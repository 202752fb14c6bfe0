"""
The signing keys of other token issuers, found by OpenID Connect Discovery 1.0.

Each issuer is asked by one request at a time, in a thread, so that an issuer that does not answer
keeps only those waiting who need its keys.
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
# The algorithm that keys of each type sign with. Of ES256 the same page says that it may work.
ALGORITHMS = {"RSA": "RS256", "EC": "ES256"}
# Bits: longer keys would take minutes to check a signature, and ES256 means the curve P-256.
SIZES = {"RS256": range(2048, 8193), "ES256": range(256, 257)}


@dataclass(frozen=True)
class KeySet:
    """
    What is known of an issuer's keys.

    Args:
        keys: public keys by `kid`.
        failure: why the last try to fetch them failed; empty when it did not.
        fetched_at: when they were fetched, in seconds since 1970 by the emulator's clock.
        tried_at: when the last try was, in seconds by the machine's monotonic clock.
    """

    keys: Mapping[str, jwt.PyJWK]
    failure: str
    fetched_at: float
    tried_at: float


@dataclass
class IssuerKeys:
    """
    The keys of every issuer asked for so far.

    They are fetched again after a day, and when a token names a key that is not among them; for
    such a key, and after a failure, at most every `pause` seconds.

    `fetch` gets the body of an https URL, or raises FetchFailed. The emulator's clock says when a
    day is over; tests that move it do not move the clock `monotonic`, which measures the pause.
    """

    fetch: Callable[[str], bytes]
    clock: Clock
    # Without a pause anybody could have the issuer asked at will, with key names made up.
    pause: float = 5.0
    monotonic: Callable[[], float] = time.monotonic
    _known: dict[str, KeySet] = field(default_factory=dict)
    _pending: dict[str, Future[KeySet]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)
    _threads: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(4, "federation")
    )

    def close(self) -> None:
        """Start no more requests; those under way end within seconds by themselves."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def load(self, issuer: str, kid: str) -> Future[KeySet]:
        """The issuer's keys, fetched if need be; the future never fails, see `KeySet.failure`."""
        with self._lock:
            known = self._known.get(issuer)
            if known is not None and not self._is_due(known, kid):
                ready: Future[KeySet] = Future()
                ready.set_result(known)
                return ready
            if issuer not in self._pending:
                self._pending[issuer] = self._threads.submit(self._fetch_keys, issuer)
            return self._pending[issuer]

    def _is_due(self, known: KeySet, kid: str) -> bool:
        # Issuers change keys without notice: "Access tokens" has them fetched daily and on demand.
        if not known.failure and self.clock.now() - known.fetched_at >= DAY:
            return True
        missing = bool(known.failure) or kid not in known.keys
        return missing and self.monotonic() - known.tried_at >= self.pause

    def _fetch_keys(self, issuer: str) -> KeySet:
        try:
            keys = KeySet(_read_keys(self.fetch, issuer), "", self.clock.now(), self.monotonic())
        except (FetchFailed, msgspec.DecodeError, ValueError, RecursionError) as error:
            # Not raised: each request that waits for the keys would be answered with a 500.
            keys = self._keep_known(issuer, str(error))
        with self._lock:
            self._known[issuer] = keys
            self._pending.pop(issuer, None)
        return keys

    def _keep_known(self, issuer: str, failure: str) -> KeySet:
        """After a failure, the keys that are known already; they stay good for a day."""
        known, now = self._known.get(issuer), self.clock.now()
        if known is None or now - known.fetched_at >= DAY:
            return KeySet({}, failure, now, self.monotonic())
        return KeySet(known.keys, failure, known.fetched_at, self.monotonic())


def _read_keys(fetch: Callable[[str], bytes], issuer: str) -> dict[str, jwt.PyJWK]:
    # A slash at the end goes (Discovery 1.0, 4); issuers of Azure Kubernetes Service have one.
    metadata = _read_object(fetch(issuer.rstrip("/") + "/.well-known/openid-configuration"))
    # Otherwise one issuer could hand out its own keys as another's (Discovery 1.0, 4.3).
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
    """The key's `kid` and the key; None if it signs nothing that is accepted here."""
    if not isinstance(key, dict) or not isinstance(key.get("kid"), str):
        return None
    algorithm = ALGORITHMS.get(str(key.get("kty")))
    if algorithm is None or key.get("use", "sig") != "sig":
        return None
    if key.get("alg", algorithm) != algorithm:
        return None
    try:
        public_key = jwt.PyJWK(key, algorithm=algorithm)
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    return (key["kid"], public_key) if public_key.key.key_size in SIZES[algorithm] else None
