"""What the doctor knows so far; one check's answer is the next one's question."""

import socket
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from graphdaemon.auth.token import Demand, Token
from graphdaemon.diagnosis.advice import locate
from graphdaemon.diagnosis.permissions import Call, Need, find_need
from graphdaemon.diagnosis.token_claims import read_claims
from graphdaemon.errors import NetworkError
from graphdaemon.http.response import Response
from graphdaemon.http.transport import Transport
from graphdaemon.settings.model import Settings

if TYPE_CHECKING:
    from graphdaemon.doctor.registration import AppRegistration


class Answer(NamedTuple):
    """An answer, and the times on this machine's clock between which it was made."""

    response: Response
    asked_at: float
    came_at: float


class Examination:
    """
    One look at one configuration; close it afterwards.

    Args:
        read: Reads the settings.
        calls: What is to be possible; by default what `endpoint` says.
        fetch: Gets a token.
        now: Epoch seconds.
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
        self._metadata: Answer | NetworkError | None = None
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
            SettingsError: They cannot be used.
        """
        if self._settings is None:
            self._settings = self._read()
            self._transport = Transport(
                ca_file=self._settings.ca_file, timeout=self._settings.timeout
            )
        return self._settings

    @property
    def settings(self) -> Settings:
        """The settings, read before."""
        assert self._settings is not None, "the first check reads them"
        return self._settings

    @property
    def transport(self) -> Transport:
        """The way to both hosts, as the commands take it."""
        return self._transport

    @property
    def authority(self) -> str | None:
        """Who issues tokens; None for a machine's own identity."""
        return self.settings.authority or self.settings.oidc_authority

    @property
    def claims(self) -> Mapping[str, Any]:
        """The token's claims; none of a token that cannot be read."""
        return (read_claims(self.token.value) if self.token else None) or {}

    @property
    def calls(self) -> tuple[Call, ...]:
        """The calls that are to be possible."""
        return self._calls or (Call("GET", self.settings.endpoint),)

    @property
    def values(self) -> dict[str, str | None]:
        """What fills the places in steps."""
        return locate(self.authority, self.settings.consent_url)

    def fetch_token(self, demand: Demand) -> Token:
        """
        Get a token, and keep it for the checks that follow.

        Raises:
            Error: As the commands would.
        """
        self.token = self._fetch(self.settings, self.transport, demand)
        self._answers.clear()
        return self.token

    def ask_metadata(self) -> Answer:
        """
        What the authority says of itself, asked once.

        Raises:
            NetworkError: It was not reached.
        """
        if self._metadata is None:
            assert self.authority is not None, "only an authority has metadata"
            version = "/v2.0" if self.settings.authority else ""
            address = f"{self.authority.rstrip('/')}{version}/.well-known/openid-configuration"
            asked_at = self.now()
            try:
                response = self.transport.exchange("GET", address, {"Accept": "application/json"})
                self._metadata = Answer(response, asked_at, self.now())
            except NetworkError as error:
                self._metadata = error
        if isinstance(self._metadata, NetworkError):
            raise self._metadata
        return self._metadata

    def address(self, path: str) -> str:
        """Where `path` is: below the configured Graph, unless it is an address already."""
        if "://" in path:
            return path
        root = self.settings.graph_root
        origin, version = root.rsplit("/", 1)
        bare = path if path.startswith("/") else f"/{path}"
        first = bare.split("/")[1].lower()
        return f"{origin}{bare}" if first in (version.lower(), "v1.0", "beta") else root + bare

    def ask(self, call: Call) -> Response:
        """
        Make a call that changes nothing, once.

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
        """What `call` accepts, if the table knows it."""
        return find_need(call.method, urlsplit(self.address(call.path)).path)

    def close(self) -> None:
        """Close every line."""
        for line in self.sockets.values():
            line.close()
        if self._settings is not None:
            self._transport.close()


def _fetch(settings: Settings, transport: Transport, demand: Demand) -> Token:
    from graphdaemon.auth.app_identity import AppIdentity

    return AppIdentity(settings, transport).fetch(demand)
