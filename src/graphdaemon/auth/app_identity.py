"""The app's identity: gets tokens with the configured credentials, or from the shared cache."""

import logging
import threading
import time
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from graphdaemon.auth.cache import TokenCache, open_cache
from graphdaemon.auth.token import LEAST_S, MARGIN_S, Demand, Token
from graphdaemon.errors import Error, IdentityError, SettingsError
from graphdaemon.http.transport import Transport
from graphdaemon.settings.credentials import KINDS
from graphdaemon.settings.model import Settings

if TYPE_CHECKING:
    from graphdaemon.auth.client_credential import ClientCredential
    from graphdaemon.auth.msal_app import MsalApp

logger = logging.getLogger(__name__)

# The AADSTS numbers that mean a lost credential where `error` does not say `invalid_client`: a
# federated credential's refusals were invalid_request in 2022 (azure-workload-identity#616).
_LOST_NUMBERS = frozenset(
    (7000215, 7000222, 700027, 700024, 50012, 50027, 70021, 700211, 700212, 700213, 7002137)
)
_LOST_CODES = ("managed_identity_absent", "vault_refused")


class AppIdentity:
    """
    Gets tokens with the first credential, and with the next once that is no longer accepted.

    Nothing is read or sent before the first token is asked for. Any number of threads may use it.
    `sleep` waits where a machine's metadata service asks for patience.
    """

    def __init__(
        self,
        settings: Settings,
        transport: Transport,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._settings = settings
        self._transport = transport
        self._sleep = sleep
        self._current = 0
        self._logged: set[str] = set()
        self._request_lock = threading.Lock()

    async def acquire(self) -> Token:
        """Get a token without blocking the event loop; fails as `fetch` does."""
        return await self._transport.run(lambda: self.fetch(Demand()))

    def fetch(self, demand: Demand) -> Token:
        """
        Get a token from the shared cache, if it has one that will do, or from the network; blocks.

        Raises:
            SettingsError: No credential can be used as it is.
            IdentityError: The identity platform accepts none, or made no sense.
            NetworkError: It was not reached.
        """
        cache = self._cache
        if cache is None:
            return self._request(demand.claims)
        token = cache.read()
        if demand.instead_of is None and token is not None and _has_time(token, MARGIN_S):
            return token
        with cache.lock():
            # Read again: the process that held the lock has probably kept a new one.
            token = cache.read()
            if token is not None and _will_do(token, demand):
                return token
            try:
                fresh = self._request(demand.claims)
            except Error as error:
                if token is None or demand.instead_of is not None or not _has_time(token, LEAST_S):
                    raise
                logger.warning("no new token: %s; the old one still serves", error.code)
                return token
            cache.write(fresh, time.time())
            return fresh

    @cached_property
    def _cache(self) -> TokenCache | None:
        return open_cache(self._settings)

    @cached_property
    def _msal_app(self) -> "MsalApp":
        # Not loaded before: a token in the shared cache needs none of it.
        from graphdaemon.auth.msal_app import MsalApp

        return MsalApp(self._settings, self._transport, self._sleep)

    def _request(self, claims: str | None) -> Token:
        """Ask with one credential after the other, beginning with the one that served last."""
        count = len(self._settings.credentials)
        # A refresh ahead of time and the answer to a claims challenge may come together.
        with self._request_lock:
            for step in range(count):
                number = (self._current + step) % count
                try:
                    token = self._request_with(number, claims)
                except (SettingsError, IdentityError) as error:
                    if step + 1 == count or not _is_lost(error):
                        raise
                    self._report_loss(number, (number + 1) % count, error)
                else:
                    # The lost credential would otherwise cost a failed request each time.
                    self._current = number
                    return token
        raise AssertionError("there is at least one credential")

    def _request_with(self, number: int, claims: str | None) -> Token:
        from graphdaemon.auth.kinds import read_credential

        credential = read_credential(self._settings, self._settings.credentials[number])
        self._report_choice(credential, number)
        self._warn_of_end(credential)
        return self._msal_app.request_token(credential, claims)

    def _report_choice(self, credential: "ClientCredential", number: int) -> None:
        count = len(self._settings.credentials)
        reason = KINDS[credential.kind].reason
        if count > 1:
            reason = f"number {number + 1} of {count}: {reason}"
        self._log_once(
            logging.INFO, f"the app's identity is proved by {credential.source} ({reason})"
        )

    def _warn_of_end(self, credential: "ClientCredential") -> None:
        from graphdaemon.auth.client_credential import list_expiring

        for _, left in list_expiring([credential], time.time()):
            days = abs(left) / 86_400
            # Rotation needs the old certificate to be valid, because it vouches for the new one.
            words = (
                f"ends in {days:.0f} days: `graphdaemon certificate rotate` replaces it"
                if left > 0
                else f"ended {days:.0f} days ago: make a new one with `graphdaemon certificate "
                "new`, and upload it"
            )
            self._log_once(logging.WARNING, f"the certificate of {credential.source} {words}")

    def _report_loss(self, lost: int, following: int, error: Error) -> None:
        credentials = self._settings.credentials
        self._log_once(
            logging.WARNING,
            f"{credentials[lost].source} is no longer accepted ({error}), so "
            f"{credentials[following].source} is used. {error.hint or ''}",
        )

    def _log_once(self, level: int, message: str) -> None:
        """Log a message once, however often it comes."""
        if message not in self._logged:
            self._logged.add(message)
            logger.log(level, "%s", message)


def _has_time(token: Token, seconds: float) -> bool:
    return token.expires_at - time.time() > seconds


def _will_do(token: Token, demand: Demand) -> bool:
    """Whether another process has meanwhile got a token of the kind that is demanded."""
    old = demand.instead_of
    is_newer = old is None or (token.value != old.value and token.issued_at >= old.issued_at)
    return is_newer and _has_time(token, MARGIN_S)


def _is_lost(error: Error) -> bool:
    """
    Whether another credential may do better: this one is invalid, expired, unknown or unreadable.

    An outage is no such case: the other would meet it too, and a good credential would be given up.
    """
    if isinstance(error, SettingsError):
        # Every credential needs that file, and that proxy.
        return error.code not in ("ca_file_unreadable", "proxy_invalid")
    assert isinstance(error, IdentityError), "callers catch these two"
    return (
        error.error == "invalid_client"
        or error.code in _LOST_CODES
        or not _LOST_NUMBERS.isdisjoint(error.error_codes)
    )
