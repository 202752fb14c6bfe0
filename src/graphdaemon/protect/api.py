"""A protected API: it determines the caller from the access token in the request."""

import asyncio
import hashlib
import logging
import os
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future
from functools import partial
from types import TracebackType
from typing import Any, NamedTuple, Self

from graphdaemon.errors import SettingsError
from graphdaemon.http.limits import Limits
from graphdaemon.http.transport import Transport
from graphdaemon.protect.bearer_token import LARGEST, read_authorization, split_token
from graphdaemon.protect.caller import Caller, bare_audience, read_caller
from graphdaemon.protect.key_ring import KeyRing
from graphdaemon.protect.published_keys import PublishedKeys, TokenService, fetch_keys
from graphdaemon.protect.refusal import refuse
from graphdaemon.protect.requirement import Requirement, authorise, require
from graphdaemon.protect.revocation import check_issued
from graphdaemon.protect.signature import is_signed_by, require_jwt
from graphdaemon.settings.protected_api import ApiSettings, is_guid, read_api_settings

logger = logging.getLogger(__name__)

LEEWAY_SECONDS = 60.0
"""The default for how far the clocks of Entra ID and of this machine may differ."""

_MOST_LEEWAY_SECONDS = 600.0
_MOST_REMEMBERED = 5_000
# A keys document has 10 kB.
_LIMITS = Limits(connect_seconds=5, answer_seconds=10, sent_bytes=1 << 20, content_bytes=1 << 20)
_TIMEOUT_SECONDS = 5.0

_Steps = Generator[tuple[Future[None], float], None, Caller]
"""A validation. It yields what it must wait for, and for how many seconds."""


class _Verified(NamedTuple):
    """A caller whose token was verified, with the key and the key ring that were used."""

    caller: Caller
    ring: KeyRing
    kid: str
    key: Any


class ProtectedApi:
    """
    An API that apps call with access tokens of Entra ID. It validates these tokens.

    It may be used from any number of threads and event loops at the same time. Close it, or use
    `with`.

    Args:
        settings: What `read_api_settings` returned.
        leeway: By how many seconds the clocks may differ, at most 600.
        revoked: Returns the time, in epoch seconds, since which a caller's tokens are accepted, or
            None. It is called for every request, and must not block.
        transport: The transport that fetches the keys.
        clock: Returns the current time in epoch seconds.
        timer: Returns seconds that never decrease.

    Raises:
        SettingsError: PyJWT is not installed, or `leeway` is out of range.

    Example:
        .. code-block:: python

            api = protect.load("parameters.json")
            caller = api.check(request.headers.get("Authorization"))
            print(caller.client_id, caller.roles)
    """

    def __init__(
        self,
        settings: ApiSettings,
        *,
        leeway: float = LEEWAY_SECONDS,
        revoked: Callable[[Caller], float | None] | None = None,
        transport: Transport | None = None,
        clock: Callable[[], float] = time.time,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        require_jwt()
        # Written so that what is no number at all, with which no token would expire, is refused.
        if not 0 <= leeway <= _MOST_LEEWAY_SECONDS:
            raise SettingsError(
                f"leeway is {leeway}, but must be a number of seconds from 0 to "
                f"{_MOST_LEEWAY_SECONDS:g}",
                code="setting_invalid",
                hint="Leave it out to allow a minute. If a clock differs by more, set the clock.",
            )
        self.settings = settings
        self._leeway = leeway
        self._revoked = revoked
        self._clock = clock
        self._timer = timer
        self._transport = transport or Transport(
            ca_file=settings.ca_file,
            timeout=min(settings.timeout, _TIMEOUT_SECONDS),
            limits=_LIMITS,
        )
        self._service = TokenService(settings.origin, settings.oidc_authority)
        self._audiences = frozenset(map(bare_audience, settings.audiences))
        # By its ID, what a tenant is called in addresses; domains are added when their ID is known.
        self._tenants = {name: name for name in settings.tenants if is_guid(name)}
        self._domains = [name for name in settings.tenants if not is_guid(name)]
        self._rings: dict[tuple[str, str], KeyRing] = {}
        self._remembered: dict[bytes, _Verified] = {}
        self._lock = threading.Lock()
        self._default = (
            require(*settings.roles, clients=settings.clients)
            if settings.roles or settings.clients
            else None
        )

    def choose(self, requirement: Requirement | None) -> Requirement:
        """
        Return the requirement or, for None, the one in the settings.

        Raises:
            SettingsError: Neither says what is required, so every app of the tenant would be
                allowed to call.
        """
        return requirement or self._default or require()

    def check(self, authorization: str | None, requirement: Requirement | None = None) -> Caller:
        """
        Return the caller. This blocks while keys are fetched, which happens rarely.

        Args:
            authorization: The value of the header `Authorization`, or None.
            requirement: What the call requires; by default, the requirement in the settings.

        Raises:
            CallerRefusedError: The caller is refused. The error contains the answer: `status`,
                `headers`, `body`.
            SettingsError: Nothing is required.
        """
        return self.validate(read_authorization(authorization), requirement)

    async def check_async(
        self, authorization: str | None, requirement: Requirement | None = None
    ) -> Caller:
        """Like `check`, but without blocking the event loop."""
        return await self.validate_async(read_authorization(authorization), requirement)

    def validate(self, token: str, requirement: Requirement | None = None) -> Caller:
        """Like `check`, but with the token alone."""
        needed = self.choose(requirement)
        caller = self._recall(token)
        if caller is None:
            steps = self._verify(token)
            try:
                while True:
                    future, seconds = next(steps)
                    _wait(future, seconds)
            except StopIteration as end:
                caller = end.value
        return self._admit(caller, needed)

    async def validate_async(self, token: str, requirement: Requirement | None = None) -> Caller:
        """Like `validate`, but without blocking the event loop."""
        needed = self.choose(requirement)
        caller = self._recall(token)
        if caller is None:
            steps = self._verify(token)
            try:
                while True:
                    future, seconds = next(steps)
                    await _wait_async(future, seconds)
            except StopIteration as end:
                caller = end.value
        return self._admit(caller, needed)

    def close(self) -> None:
        """Close the connections for fetching keys."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _recall(self, token: str) -> Caller | None:
        """Return the caller of a token that was verified before, if it is still valid."""
        if len(token) > LARGEST:
            raise refuse("bearer_large")
        digest = _digest(token)
        verified = self._remembered.get(digest)
        if verified is None:
            return None
        caller, ring, kid, key = verified
        # A key that was withdrawn takes its tokens with it.
        if self._clock() < caller.expires + self._leeway and ring.find(kid) is key:
            return caller
        with self._lock:
            self._remembered.pop(digest, None)
        return None

    def _verify(self, token: str) -> _Steps:
        parts = split_token(token)
        # Nothing of this is believed before the signature is verified; but what it says decides
        # whose keys that is done with, and what is wrong anyhow takes no key.
        caller = read_caller(
            parts.claims, audiences=self._audiences, now=self._clock(), leeway=self._leeway
        )
        ring = yield from self._find_ring(caller)
        _check_issuer(caller, ring.published)
        key = ring.find(parts.kid)
        if key is None:
            key = yield from _look_up(ring, parts.kid)
        _check_issuer(caller, ring.published)
        if not is_signed_by(key, parts.signed, parts.signature):
            raise refuse("bearer_forged")
        self._remember(token, _Verified(caller, ring, parts.kid, key))
        return caller

    def _find_ring(self, caller: Caller) -> Generator[tuple[Future[None], float], None, KeyRing]:
        """Return the keys of the tenant that the caller says it is of, if that may call."""
        if caller.tenant not in self._tenants:
            yield from self._resolve_domains(caller.tenant)
        name = self._tenants.get(caller.tenant)
        if name is None:
            raise refuse("bearer_tenant", sender=caller.tenant)
        # An issuer with an address of its own has one form of tokens.
        if self._service.oidc_authority is not None and caller.version != "2.0":
            raise refuse("bearer_issuer")
        return self._ring(name, caller.version)

    def _resolve_domains(self, tenant: str) -> Generator[tuple[Future[None], float], None, None]:
        """Learn the IDs of tenants that the settings name by a domain, until one is `tenant`."""
        failing: KeyRing | None = None
        for domain in tuple(self._domains):
            ring = self._ring(domain, "2.0")
            if ring.published is None:
                flight = ring.look_up()
                if flight is not None:
                    yield flight, ring.patience
            published = ring.published
            if published is None:
                failing = ring
                continue
            with self._lock:
                self._tenants[published.tenant] = domain
                self._domains = [other for other in self._domains if other != domain]
            if published.tenant == tenant:
                return
        if failing is not None:
            raise refuse("keys_unavailable", retry_after=failing.retry_after)

    def _ring(self, tenant: str, version: str) -> KeyRing:
        with self._lock:
            ring = self._rings.get((tenant, version))
            if ring is None:
                fetch = partial(fetch_keys, self._transport, self._service, tenant, version)
                ring = KeyRing(fetch, self._transport.start, self._timer)
                self._rings[tenant, version] = ring
            return ring

    def _remember(self, token: str, verified: _Verified) -> None:
        with self._lock:
            while len(self._remembered) >= _MOST_REMEMBERED:
                # The first that was put in is the first to expire.
                del self._remembered[next(iter(self._remembered))]
            self._remembered[_digest(token)] = verified

    def _admit(self, caller: Caller, needed: Requirement) -> Caller:
        authorise(caller, needed)
        if self._revoked is not None:
            check_issued(caller, self._revoked(caller))
        return caller


def load(
    file: str | os.PathLike[str] | None = None,
    *,
    leeway: float = LEEWAY_SECONDS,
    revoked: Callable[[Caller], float | None] | None = None,
    **settings: object,
) -> ProtectedApi:
    """
    Read the settings of a protected API, and return the API.

    Args:
        file: parameters.json or a TOML file. By default `$GRAPHDAEMON_CONFIG`, then
            `./parameters.json`, then only the environment.
        leeway: By how many seconds the clocks of Entra ID and of this machine may differ, at most
            600.
        revoked: Returns the time since which a caller's tokens are accepted, as for `ProtectedApi`.
        **settings: Single settings by name. They take precedence over environment and file.

    Raises:
        SettingsError: A setting is missing or wrong. The message names it and where it was read.
    """
    read = read_api_settings(file, overrides=settings)
    return ProtectedApi(read, leeway=leeway, revoked=revoked)


def _look_up(ring: KeyRing, kid: str) -> Generator[tuple[Future[None], float], None, Any]:
    """Return a key that was not known a moment ago."""
    flight = ring.look_up(kid)
    if flight is not None:
        yield flight, ring.patience
        key = ring.find(kid)
        if key is not None:
            return key
        ring.note_missing(kid)
    if ring.is_failing or (flight is not None and not flight.done()):
        raise refuse("keys_unavailable", retry_after=ring.retry_after)
    raise refuse("bearer_key_unknown")


def _check_issuer(caller: Caller, published: PublishedKeys | None) -> None:
    """Check that the token is of the issuer whose keys these are, if there are any yet."""
    if published is None:
        return
    if caller.claims.get("iss") != published.issuer:
        raise refuse("bearer_issuer")
    # A domain may have moved to another tenant.
    if published.tenant not in ("", caller.tenant):
        raise refuse("bearer_tenant", sender=caller.tenant)


def _digest(token: str) -> bytes:
    # Tokens themselves are not kept: whoever reads the memory of the process cannot use these.
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def _wait(future: Future[None], seconds: float) -> None:
    try:
        future.result(seconds)
    except TimeoutError:
        _note_impatience(seconds)


async def _wait_async(future: Future[None], seconds: float) -> None:
    # It cannot be cancelled, and so it goes on for the others when this request ends.
    waited = asyncio.wrap_future(future)
    done, _ = await asyncio.wait((waited,), timeout=seconds)
    if not done:
        _note_impatience(seconds)


def _note_impatience(seconds: float) -> None:
    logger.warning("the keys that tokens are checked with took longer than %g s to fetch", seconds)
