"""A person's sign-in, through MSAL: by a code that is entered anywhere, or in a browser here."""

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from graphdaemon.auth.msal_app import read_refusal, read_token, unreadable
from graphdaemon.auth.msal_http import HttpClient
from graphdaemon.auth.msal_import import import_msal
from graphdaemon.auth.token import Token
from graphdaemon.diagnosis.aadsts import advise_on_aadsts
from graphdaemon.diagnosis.advice import advise, locate
from graphdaemon.errors import Error, IdentityError
from graphdaemon.http.transport import Transport
from graphdaemon.received.numbers import read_number
from graphdaemon.received.text import quote, read_name
from graphdaemon.settings.model import Settings

# The AADSTS numbers of a client that this person may not use: nobody consented to it.
_UNCONSENTED = frozenset((65001, 65002, 65004, 65005, 650057, 90094, 90095))
# How else a sign-in ends without a token: the error of OAuth, or of MSAL, and our case.
_CASES = {
    "authorization_declined": "sign_in_declined",
    "access_denied": "sign_in_declined",
    "authorization_pending": "sign_in_expired",
    "expired_token": "sign_in_expired",
    "abort": "sign_in_declined",
}

# Characters of what the token service tells the person to do.
_LONGEST_MESSAGE = 1_000
# A day: device codes live for 15 minutes ("OAuth 2.0 device authorization grant flow").
_LONGEST_WAIT_S = 86_400.0


class SignIn:
    """
    Signs a person in, and gets a token to act in that person's name.

    The settings name the token service, and the public client that people sign in to. Both ways to
    sign in raise `IdentityError` where the person does not, or may not, and `NetworkError` where
    the token service is not reached. `tell` tells the person what to do.
    """

    def __init__(self, settings: Settings, transport: Transport) -> None:
        self._settings = settings
        self._http = HttpClient(transport, settings.timeout, None)

    def by_code(self, scopes: list[str], tell: Callable[[str], None]) -> Token:
        """Let the person enter a code in a browser anywhere; blocks until that is done."""

        def sign_in(client: Any) -> Any:
            flow = client.initiate_device_flow(scopes=scopes)
            if "user_code" not in flow:
                return flow
            # MSAL takes what it waits by from the answer as it is, and would wait for ever.
            if None in (_read_wait(flow, "interval"), _read_wait(flow, "expires_in")):
                raise ValueError("a device code has no sensible time to live")
            tell(quote(str(flow["message"]), _LONGEST_MESSAGE))
            return client.acquire_token_by_device_flow(flow)

        return self._run(sign_in)

    def by_browser(self, scopes: list[str], tell: Callable[[str], None], seconds: float) -> Token:
        """Let the person sign in in this machine's browser, within `seconds`; blocks meanwhile."""

        def sign_in(client: Any) -> Any:
            return client.acquire_token_interactive(
                scopes,
                # A browser that somebody is signed in to would take that account without asking.
                prompt="select_account",
                timeout=seconds,
                auth_uri_callback=lambda address: tell(f"Open this address here: {address}"),
            ) or {"error": "expired_token", "error_description": "nobody signed in in time"}

        return self._run(sign_in)

    def _run(self, sign_in: Callable[[Any], Any]) -> Token:
        msal = import_msal()
        sent_at = time.time()
        msal_logger = logging.getLogger("msal")
        level = msal_logger.level
        msal_logger.setLevel(logging.CRITICAL)  # it logs the codes that it is given
        try:
            client = msal.PublicClientApplication(
                self._settings.client_id,
                authority=self._settings.authority,
                instance_discovery=False,
                http_client=self._http,
            )
            result = sign_in(client)
            token = read_token(result, sent_at)
        except Error:
            raise
        except Exception as error:  # MSAL checks no answer, and fails in any way
            issuer = self._settings.authority
            raise unreadable(f"{issuer} did not answer like a token service") from error
        finally:
            msal_logger.setLevel(level)
        if token is None:
            raise _refused_to_sign_in(result, self._settings)
        return token


def _read_wait(flow: Mapping[str, Any], name: str) -> float | None:
    """Return `interval` or `expires_in` in seconds; 0 where it is absent, as MSAL knows better."""
    return read_number(flow.get(name, 0), most=_LONGEST_WAIT_S)


def _refused_to_sign_in(body: Mapping[str, Any], settings: Settings) -> IdentityError:
    error, text, codes = read_refusal(body)
    correlation_id = read_name(body.get("correlation_id"))
    values = locate(settings.authority, settings.consent_url) | {"correlation_id": correlation_id}
    case = advise_on_aadsts(codes, text, values, error=error).case
    if not _UNCONSENTED.isdisjoint(codes):
        case = "sign_in_unconsented"
    elif case in ("user_flow", "identity_refused", "service_refused"):
        case = _CASES.get(error, "sign_in_failed")
    advice = advise(case, values)
    return IdentityError(
        text,
        code=advice.code,
        case=case,
        hint=advice.step,
        error=error,
        error_codes=codes,
        correlation_id=correlation_id,
    )
