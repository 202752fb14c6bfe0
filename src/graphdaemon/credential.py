"""
What proves the app's identity, and the only home of MSAL.

MSAL reports failure in four ways: an error dictionary, ``MsalServiceError``, ``ValueError`` for
what it cannot read, and whatever its HTTP client raises. All four leave here as ours.
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Mapping
from typing import Any, NoReturn
from urllib.parse import urlencode

from graphdaemon.certificate import read_key_pair
from graphdaemon.cloud import find_cloud
from graphdaemon.errors import Error, IdentityError
from graphdaemon.refusal import find_refusal
from graphdaemon.settings import Settings
from graphdaemon.token import Token
from graphdaemon.transport import Response, Transport

logger = logging.getLogger(__name__)

# How MSAL 1.39 fails on an answer that is not of the form it expects; it checks none of them.
_UNREADABLE = (ValueError, TypeError, AttributeError, LookupError, RuntimeError)

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class Credential:
    """
    The app's identity: gets tokens from the authority with a secret or a certificate.

    Nothing is read or sent before the first token is asked for.
    """

    def __init__(self, settings: Settings, transport: Transport) -> None:
        self._settings = settings
        self._http = _HttpClient(transport)
        self._transport = transport
        self._application: Any = None

    async def acquire(self, cached: bool = True) -> Token:
        """
        Get a token for the configured scope: from MSAL's cache if ``cached``, else the network.

        Raises:
            SettingsError: The key file cannot be used.
            IdentityError: The identity platform refused, or made no sense.
            NetworkError: It was not reached.
        """
        return await self._transport.run(lambda: self._acquire(cached=cached))

    def _acquire(self, *, cached: bool) -> Token:
        import msal.exceptions

        asked_at = time.time()
        try:
            if self._application is None:
                self._application = self._build_application()
            if not cached:
                self._application.remove_tokens_for_client()
            result = self._application.acquire_token_for_client(scopes=list(self._settings.scope))
            if "access_token" in result:
                return _read_token(result, asked_at)
            if not result.get("error"):
                raise ValueError("neither a token nor an error")
        except Error:
            raise
        except (*_UNREADABLE, msal.exceptions.MsalServiceError) as error:
            self._refuse_last_answer(error)
        raise self._refused(result)

    def _build_application(self) -> Any:
        import msal

        settings = self._settings
        return msal.ConfidentialClientApplication(
            settings.client_id,
            client_credential=self._client_credential(),
            authority=settings.authority,
            oidc_authority=settings.oidc_authority,
            # MSAL asks Microsoft about every host it does not know, dropping the port; for a
            # private authority that is a failure, or a leak (MSAL Python #496).
            instance_discovery=None if find_cloud(settings.authority or "") else False,
            http_client=self._http,
        )

    def _client_credential(self) -> str | dict[str, str]:
        settings = self._settings
        if settings.secret is not None:
            return settings.secret.reveal()
        assert settings.private_key_file is not None, "settings hold a secret or a key file"
        pair = read_key_pair(settings.private_key_file, settings.thumbprint)
        if pair.certificate is not None:
            # Without a thumbprint MSAL signs with PS256 and names the certificate by SHA-256.
            return {"private_key": pair.private_key, "public_certificate": pair.certificate}
        assert settings.thumbprint is not None, "read_key_pair requires one of the two"
        return {"private_key": pair.private_key, "thumbprint": settings.thumbprint}

    def _refuse_last_answer(self, error: Exception) -> NoReturn:
        """Turn MSAL's exception into ours, by the answer it could not use."""
        answer = self._http.last_answer
        body = _json_object(answer.body) if answer is not None else None
        if body is not None and body.get("error"):
            raise self._refused(body) from error
        authority = self._settings.authority or self._settings.oidc_authority
        if answer is not None and (answer.status >= 500 or answer.status == 429):
            raise IdentityError(
                f"the identity platform is out of order: {authority} answered {answer.status}",
                code="identity_unavailable",
                hint="Wait a minute and run it again; the settings are not to blame.",
            ) from error
        status = f" (HTTP {answer.status})" if answer is not None else ""
        raise IdentityError(
            f"{authority} did not answer like a token service{status}",
            code="identity_unreadable",
            hint="Check the authority's address; a proxy or sign-in page may be answering instead.",
        ) from error

    def _refused(self, body: Mapping[str, Any]) -> IdentityError:
        given = body.get("error_codes")
        codes = (
            tuple(code for code in given if isinstance(code, int))
            if isinstance(given, list)
            else ()
        )
        text = str(body.get("error_description") or body.get("error"))
        codes = codes or tuple(int(code) for code in re.findall(r"AADSTS(\d+)", text)[:1])
        refusal = find_refusal(codes)
        hint = refusal.hint
        secret = self._settings.secret
        if refusal.code == "secret_wrong" and secret and _GUID.fullmatch(secret.reveal()):
            hint = (
                f"secret in {self._settings.source('secret')} looks like a Secret ID, for it is a "
                f"GUID. {hint}"
            )
        unavailable = body.get("error") == "temporarily_unavailable"
        return IdentityError(
            _first_sentences(text),
            code="identity_unavailable" if unavailable else refusal.code,
            hint="Wait a minute and run it again." if unavailable else hint,
            error=str(body.get("error")),
            error_codes=codes,
            correlation_id=body.get("correlation_id"),
        )


class _Answer:
    """What MSAL expects its HTTP client to return (msal.oauth2cli.http.Response)."""

    def __init__(self, response: Response) -> None:
        self.status_code = response.status
        self.headers = dict(response.headers.items())
        self.text = response.body.decode("utf-8", "replace")

    def raise_for_status(self) -> None:
        """MSAL calls this for 5xx only."""
        import msal.exceptions

        if self.status_code >= 400:
            raise msal.exceptions.MsalServiceError(
                error="http_error", error_description=f"HTTP {self.status_code}"
            )


class _HttpClient:
    """MSAL's way to our transport, so that TLS, proxy and timeout are the same for all."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.last_answer: Response | None = None

    def get(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        **_ignored: object,
    ) -> _Answer:
        separator = "&" if "?" in url else "?"
        address = f"{url}{separator}{urlencode(params)}" if params else url
        return self._exchange("GET", address, headers, None)

    def post(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        data: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        **_ignored: object,
    ) -> _Answer:
        # MSAL posts only when its cache has nothing: the sample's own words.
        logger.info("No suitable token exists in cache. Let's get a new one from AAD.")
        form = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
        address = f"{url}?{urlencode(params)}" if params else url
        return self._exchange("POST", address, form, urlencode(data or {}).encode())

    def close(self) -> None:
        """The transport is closed by whoever opened it."""

    def _exchange(
        self, method: str, url: str, headers: Mapping[str, str] | None, body: bytes | None
    ) -> _Answer:
        self.last_answer = None
        self.last_answer = self._transport.exchange(method, url, headers or {}, body)
        return _Answer(self.last_answer)


def _read_token(result: Mapping[str, Any], asked_at: float) -> Token:
    value = result["access_token"]
    if not isinstance(value, str) or not value.isascii() or not value.isprintable():
        raise TypeError("the access token is not a text that a header can hold")
    # RFC 6749, 5.1 leaves expires_in out where it is known otherwise; MSAL assumes an hour then.
    return Token(value, asked_at + float(result.get("expires_in", 3599)))


def _json_object(body: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(body)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _first_sentences(description: str) -> str:
    """The description without trace data, which has line breaks or blanks before it."""
    return re.split(r"\s+Trace ID:", description, maxsplit=1)[0].strip()
