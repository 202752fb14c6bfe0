"""MSAL's HTTP client: what MSAL sends goes through our transport."""

import json
import logging
import time
from collections.abc import Callable, Mapping
from urllib.parse import urlencode, urlsplit

from graphdaemon.auth.kinds.managed_identity import ask_machine
from graphdaemon.http.response import Headers, Response
from graphdaemon.http.transport import Transport
from graphdaemon.received.json import decode_object

logger = logging.getLogger(__name__)

_REGION_PATH = "/metadata/instance/compute"


class _Answer:
    """What MSAL expects its HTTP client to return (msal.oauth2cli.http.Response)."""

    def __init__(self, response: Response) -> None:
        self.status_code = response.status
        self.headers = dict(response.headers.items())
        # MSAL logs the whole of what it cannot read, and a token may be in it.
        is_readable = decode_object(response.body) is not None
        self.text = response.body.decode("utf-8", "replace") if is_readable else ""

    def raise_for_status(self) -> None:
        """MSAL calls this for 5xx only; `msal_app` knows the answer and says what it means."""
        if self.status_code >= 400:
            raise ValueError(f"HTTP {self.status_code}")


class HttpClient:
    """Sends MSAL's requests through our transport, so that TLS, proxy and timeout are ours."""

    def __init__(
        self,
        transport: Transport,
        timeout: float,
        region: str | None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._transport = transport
        self._timeout = timeout
        self._region = region
        self._sleep = sleep
        self._discovered: dict[str, _Answer] = {}
        self.last_answer: Response | None = None
        self.last_url = ""

    def get(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        **_ignored: object,
    ) -> _Answer:
        """Send a GET; a token service's description of itself is fetched once."""
        separator = "&" if "?" in url else "?"
        address = f"{url}{separator}{urlencode(params)}" if params else url
        if urlsplit(url).scheme == "http":  # a machine's own metadata service
            self.last_url = address
            self.last_answer = self._ask_machine(address, headers or {})
            return _Answer(self.last_answer)
        # Where a token service's endpoints are does not change while a program runs.
        answer = self._discovered.get(address)
        if answer is None:
            answer = self._exchange("GET", address, headers, None)
            if answer.status_code == 200:
                self._discovered[address] = answer
        return answer

    def post(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        data: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        **_ignored: object,
    ) -> _Answer:
        """Send a form."""
        # MSAL posts only when its cache has nothing; the words are those of Microsoft's sample.
        logger.info("No suitable token exists in cache. Let's get a new one from AAD.")
        form = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
        address = f"{url}?{urlencode(params)}" if params else url
        # Asking for a token changes nothing, so that it may be asked for again where the kept
        # connection was dead; but a code that comes twice ends the tokens of the first time
        # (RFC 6749, 4.1.2).
        once = (data or {}).get("grant_type") == "authorization_code"
        content = urlencode(data or {}).encode()
        return self._exchange("POST", address, form, content, repeatable=not once)

    def _ask_machine(self, url: str, headers: Mapping[str, str]) -> Response:
        if self._region not in (None, "auto") and urlsplit(url).path.startswith(_REGION_PATH):
            # MSAL asks for the region even where the settings name it; outside Azure the attempt
            # takes seconds.
            body = json.dumps({"location": self._region}).encode()
            return Response(200, Headers(), body)
        return ask_machine(url, headers, timeout=self._timeout, sleep=self._sleep)

    def close(self) -> None:
        """The transport is closed by whoever opened it."""

    def _exchange(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        body: bytes | None,
        *,
        repeatable: bool = True,
    ) -> _Answer:
        self.last_answer = None
        self.last_url = url
        self.last_answer = self._transport.exchange(
            method, url, headers or {}, body, repeatable=repeatable
        )
        return _Answer(self.last_answer)
