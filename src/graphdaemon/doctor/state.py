"""What the checks of one examination have learned so far, for the later checks."""

import socket
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from graphdaemon.auth.token import Demand, Token
from graphdaemon.diagnosis.advice import locate
from graphdaemon.diagnosis.permissions import Call, Need, find_need
from graphdaemon.diagnosis.token_claims import read_claims
from graphdaemon.doctor.registration import AppRegistration
from graphdaemon.errors import NetworkError
from graphdaemon.http.response import Response
from graphdaemon.http.transport import Transport
from graphdaemon.settings.model import Settings


class TimedResponse(NamedTuple):
    """A response, and when the request was sent and answered, by this machine's clock."""

    response: Response
    sent_at: float
    came_at: float


class Examination:
    """
    One examination of one configuration. Close it afterwards.

    Args:
        read: Reads the settings.
        calls: The calls that should work; by default the one in `endpoint`.
        fetch: Gets an access token.
        now: The time in epoch seconds.
    """

    def __init__(
        self,
        read: Callable[[], Settings],
        *,
        calls: tuple[Call, ...] = (),
        fetch: Callable[[Settings, Transport, Demand], Token] | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._read = read
        self._fetch = fetch or _fetch
        self._calls = calls
        self._settings: Settings | None = None
        self._metadata: TimedResponse | NetworkError | None = None
        self._answers: dict[Call, Response] = {}
        self.now = now
        self.sockets: dict[str, socket.socket] = {}
        self.token: Token | None = None
        self.registration: AppRegistration | None = None
        self.started = now()

    def read_settings(self) -> Settings:
        """
        Read the settings, once.

        Raises:
            SettingsError: The settings cannot be used.
        """
        if self._settings is None:
            self._settings = self._read()
            self._transport = Transport(
                ca_file=self._settings.ca_file, timeout=self._settings.timeout
            )
        return self._settings

    @property
    def settings(self) -> Settings:
        """The settings, which the first check has read."""
        assert self._settings is not None, "the first check reads them"
        return self._settings

    @property
    def transport(self) -> Transport:
        """The connections to both hosts, made as the commands make them."""
        return self._transport

    @property
    def authority(self) -> str | None:
        """The authority that issues tokens; None for a managed identity."""
        return self.settings.authority or self.settings.oidc_authority

    @property
    def claims(self) -> Mapping[str, Any]:
        """The token's claims; empty for a token that cannot be read."""
        return (read_claims(self.token.value) if self.token else None) or {}

    @property
    def calls(self) -> tuple[Call, ...]:
        """The calls that should work."""
        return self._calls or (Call("GET", self.settings.endpoint),)

    @property
    def values(self) -> dict[str, str | None]:
        """The values for the placeholders in the next steps."""
        return locate(self.authority, self.settings.consent_url)

    def fetch_token(self, demand: Demand) -> Token:
        """
        Get a token, and keep it for the checks that follow.

        Raises:
            Error: The error that a command would meet.
        """
        self.token = self._fetch(self.settings, self.transport, demand)
        # What Graph answers depends on the roles in the token.
        self._answers.clear()
        return self.token

    def ask_metadata(self) -> TimedResponse:
        """
        Get the authority's OpenID metadata; later calls return the same answer.

        Raises:
            NetworkError: The authority could not be reached.
        """
        if self._metadata is None:
            assert self.authority is not None, "only an authority has metadata"
            # An issuer has its metadata right below its address (OpenID Connect Discovery 1.0, 4).
            version = "/v2.0" if self.settings.authority else ""
            address = f"{self.authority.rstrip('/')}{version}/.well-known/openid-configuration"
            sent_at = self.now()
            try:
                response = self.transport.exchange("GET", address, {"Accept": "application/json"})
                self._metadata = TimedResponse(response, sent_at, self.now())
            # Kept, so that a host that does not answer makes people wait once, not once a check.
            except NetworkError as error:
                self._metadata = error
        if isinstance(self._metadata, NetworkError):
            raise self._metadata
        return self._metadata

    def address(self, path: str) -> str:
        """The address of `path` below the configured Graph. A full address stays as it is."""
        if "://" in path:
            return path
        root = self.settings.graph_root
        origin, version = root.rsplit("/", 1)
        bare = path if path.startswith("/") else f"/{path}"
        # A path that people copy from Graph's documentation may begin with the version.
        first = bare.split("/")[1].lower()
        return f"{origin}{bare}" if first in (version.lower(), "v1.0", "beta") else root + bare

    def ask(self, call: Call) -> Response:
        """
        Make a GET request; later calls with the same token return the same response.

        Raises:
            NetworkError: No answer came.
        """
        assert call.method == "GET", "the doctor changes nothing"
        assert self.token is not None, "a check before got it"
        if call not in self._answers:
            headers = {"Accept": "application/json", "Authorization": f"Bearer {self.token.value}"}
            self._answers[call] = self.transport.exchange("GET", self.address(call.path), headers)
        return self._answers[call]

    def find_need(self, call: Call) -> Need | None:
        """What Graph accepts for `call`, if the table knows it."""
        return find_need(call.method, urlsplit(self.address(call.path)).path)

    def close(self) -> None:
        """Close every connection."""
        for connection in self.sockets.values():
            connection.close()
        if self._settings is not None:
            self._transport.close()


def _fetch(settings: Settings, transport: Transport, demand: Demand) -> Token:
    # Whoever brings a `fetch` of their own needs none of it, and settings may fail before.
    from graphdaemon.auth.app_identity import AppIdentity

    return AppIdentity(settings, transport).fetch(demand)
