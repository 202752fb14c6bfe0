"""
The identity platform: one token request with one proof, or one sign-in, through MSAL.

This is MSAL's only home. It speaks the protocol and keeps nothing here: it is built anew for each
request, so neither its token cache nor its memory of refusals can get between a caller and the
truth. It reports failure in four ways: an error dictionary, `MsalServiceError`, `ValueError`
for what it cannot read, and whatever its HTTP client raises. All four leave here as ours.
"""

import json
import logging
import re
import sys
import time
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NoReturn
from urllib.parse import urlsplit

from graphdaemon.auth.kinds import Proof
from graphdaemon.auth.msal_http import HttpClient
from graphdaemon.auth.msal_import import import_parts
from graphdaemon.auth.token import Token
from graphdaemon.diagnosis.aadsts import find_refusal
from graphdaemon.diagnosis.advice import advise, locate
from graphdaemon.errors import Error, IdentityError, NetworkError
from graphdaemon.http.clock_skew import TOLERANCE_S, describe_skew, measure_skew
from graphdaemon.http.transport import Transport
from graphdaemon.settings.model import Settings

logger = logging.getLogger(__name__)

# How MSAL 1.39 fails on an answer that is not of the form it expects; it checks none of them.
_UNREADABLE = (ValueError, TypeError, AttributeError, LookupError, RuntimeError)

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
# From this life on, tokens are renewed at half of it, as azure-identity and MSAL do.
_LONG_LIFE_S = 7200.0
# What keeps a client from being used by somebody, and how else a sign-in ends without a token.
_UNCONSENTED = frozenset((65001, 65002, 65004, 65005, 650057, 90094, 90095))
_SIGN_IN_WORDS = {
    "authorization_declined": "sign_in_declined",
    "access_denied": "sign_in_declined",
    "authorization_pending": "sign_in_expired",
    "expired_token": "sign_in_expired",
    "abort": "sign_in_declined",
}


@cache
def _msal() -> tuple[Any, Any]:
    """
    MSAL's applications and its exceptions.

    The whole of it loads requests, for managed identities alone, and takes twice as long.
    """
    # The last is used by the first, which expects somebody to have imported it.
    application, exceptions, _ = import_parts("msal", "application", "exceptions", "auth_scheme")
    if sys.modules.get("msal.application") is not application:
        # A copy of our own. Its look at msal-extensions, which nothing here uses, would load the
        # whole after all.
        vars(application)["_msal_extension_check"] = lambda: None
    return application, exceptions


class Authority:
    """
    The token service that the settings name.

    Nothing is sent before the first token is asked for.
    """

    def __init__(self, settings: Settings, transport: Transport) -> None:
        self._settings = settings
        self._transport = transport
        self._http = HttpClient(transport, settings.timeout, settings.region)

    def request_token(self, proof: Proof, claims: str | None = None) -> Token:
        """
        Ask for a token for the configured scope; blocks.

        Args:
            proof: What to prove the app's identity with.
            claims: What Graph demands of the token: JSON text.

        Raises:
            SettingsError: The proof cannot be made.
            IdentityError: The identity platform refused, or made no sense.
            NetworkError: It was not reached.
        """
        asked_at = time.time()
        self._http.last_answer = None
        try:
            result = self._ask(proof, claims)
            if "access_token" in result:
                return _read_token(result, asked_at)
            if not result.get("error"):
                raise ValueError("neither a token nor an error")
        except Error:
            raise
        except (*_UNREADABLE, _msal()[1].MsalServiceError) as error:
            self._refuse_last_answer(error, proof)
        raise self._refused(result, proof)

    def _ask(self, proof: Proof, claims: str | None) -> Any:
        if proof.managed_identity is not None:
            return self._ask_machine(proof.managed_identity, claims)
        settings = self._settings
        application: Any = _msal()[0].ConfidentialClientApplication(
            settings.client_id,
            # Late, since where the assertion goes is known once the authority is discovered.
            client_credential=proof.secret.reveal()
            if proof.secret is not None
            else {"client_assertion": lambda: self._assert(proof, application)},
            authority=settings.authority,
            oidc_authority=settings.oidc_authority,
            # MSAL would ask Microsoft about every host it does not know, and on every failure
            # again, whose trouble then hides the failure (MSAL Python #496, #578).
            instance_discovery=False,
            azure_region=True if settings.region == "auto" else settings.region,
            # Graph can then revoke a token at once, so that Entra ID lets it live a day.
            client_capabilities=["cp1"] if settings.authority is not None else None,
            http_client=self._http,
        )
        return application.acquire_token_for_client(
            scopes=list(settings.scope),
            claims_challenge=claims,
            # By default those of requests, which would be loaded for that.
            http_exceptions=(NetworkError,),
        )

    def _assert(self, proof: Proof, application: Any) -> str:
        assert proof.assertion is not None, "a proof is a secret, an assertion or an identity"
        return proof.assertion(application.authority.token_endpoint, self._transport.exchange)

    def _ask_machine(self, identity: str, claims: str | None) -> Any:
        import msal
        import msal.exceptions

        if identity == "system":
            which = msal.SystemAssignedManagedIdentity()
        elif identity.startswith("/"):
            which = msal.UserAssignedManagedIdentity(resource_id=identity)
        else:
            which = msal.UserAssignedManagedIdentity(client_id=identity)
        client = msal.ManagedIdentityClient(which, http_client=self._http)
        resource = self._settings.scope[0].removesuffix("/.default")
        try:
            return client.acquire_token_for_client(resource=resource, claims_challenge=claims)
        except msal.exceptions.MsalServiceError as error:
            # Of the whole package, which need not be the part's.
            raise RuntimeError(str(error)) from error

    def _refuse_last_answer(self, error: Exception, proof: Proof) -> NoReturn:
        """Turn MSAL's exception into ours, by the answer it could not use."""
        answer = self._http.last_answer
        body = _json_object(answer.body) if answer is not None else None
        if body is not None and body.get("error"):
            raise self._refused(body, proof) from error
        place = self._place(proof)
        if answer is not None and (answer.status >= 500 or answer.status == 429):
            raise IdentityError(
                f"the identity platform is out of order: {place} answered {answer.status}",
                code="identity_unavailable",
                hint="Wait a minute and run it again; the settings are not to blame.",
            ) from error
        status = f" (HTTP {answer.status})" if answer is not None else ""
        raise IdentityError(
            f"{place} did not answer like a token service{status}",
            code="identity_unreadable",
            hint="Check the authority's address; a proxy or sign-in page may be answering instead.",
        ) from error

    def _refused(self, body: Mapping[str, Any], proof: Proof) -> IdentityError:
        error = str(body.get("error"))
        text = _first_sentences(str(body.get("error_description") or error))
        if proof.managed_identity is not None:
            return _refused_by_machine(error, text)
        codes = _read_codes(body, text)
        secret = proof.secret
        refusal = find_refusal(
            codes,
            text,
            locate(self._settings.authority, self._settings.consent_url),
            guid_secret=bool(secret and _GUID.fullmatch(secret.reveal())),
            error=error,
        )
        hint = refusal.hint
        if refusal.case == "secret_id_given":
            hint = f"{proof.source} looks like a Secret ID, for it is a GUID. {hint}"
        if error == "temporarily_unavailable" or refusal.code == "identity_unavailable":
            return IdentityError(
                text,
                code="identity_unavailable",
                hint="Wait a minute and run it again.",
                error=error,
                error_codes=codes,
                correlation_id=body.get("correlation_id"),
            )
        skew = self._skew() if refusal.code == "clock_wrong" else None
        return IdentityError(
            f"{skew}: {text}" if skew else text,
            code=refusal.code,
            case=refusal.case,
            hint=hint,
            error=error,
            error_codes=codes,
            correlation_id=body.get("correlation_id"),
        )

    def _place(self, proof: Proof) -> str:
        if proof.managed_identity is not None:
            return "this machine's metadata service"
        return self._settings.authority or self._settings.oidc_authority or ""

    def _skew(self) -> str | None:
        """How far this machine's clock is off, if the answer shows that it is."""
        answer = self._http.last_answer
        seconds = measure_skew(answer.headers, time.time()) if answer is not None else None
        if seconds is None or abs(seconds) < TOLERANCE_S / 5:
            return None
        return describe_skew(seconds, urlsplit(self._http.last_url).netloc)


class SignIn:
    """
    Signs a person in, in whose name is asked then.

    Args:
        settings: The token service, and the public client that people sign in to.
        transport: The socket.
    """

    def __init__(self, settings: Settings, transport: Transport) -> None:
        self._settings = settings
        self._http = HttpClient(transport, settings.timeout, None)

    def by_code(self, scopes: list[str], tell: Callable[[str], None]) -> Token:
        """
        Let them enter a code in a browser anywhere; blocks until they have.

        Args:
            scopes: What is asked for.
            tell: Says what they have to do.

        Raises:
            IdentityError: They did not, or may not.
            NetworkError: The token service was not reached.
        """

        def sign_in(client: Any) -> Any:
            flow = client.initiate_device_flow(scopes=scopes)
            if "user_code" not in flow:
                return flow
            tell(str(flow["message"]))
            return client.acquire_token_by_device_flow(flow)

        return self._run(sign_in)

    def by_browser(self, scopes: list[str], tell: Callable[[str], None], seconds: float) -> Token:
        """
        Let them sign in in this machine's browser; blocks until they have.

        Raises:
            IdentityError: They did not, not in time, or may not.
            NetworkError: The token service was not reached.
        """

        def sign_in(client: Any) -> Any:
            return client.acquire_token_interactive(
                scopes,
                prompt="select_account",
                timeout=seconds,
                auth_uri_callback=lambda address: tell(f"Open this address here: {address}"),
            ) or {"error": "expired_token", "error_description": "nobody signed in in time"}

        return self._run(sign_in)

    def _run(self, sign_in: Callable[[Any], Any]) -> Token:
        import msal
        import msal.exceptions

        asked_at = time.time()
        chatter = logging.getLogger("msal")
        level = chatter.level
        chatter.setLevel(logging.CRITICAL)  # it logs the codes that it is given
        try:
            client = msal.PublicClientApplication(
                self._settings.client_id,
                authority=self._settings.authority,
                instance_discovery=False,
                http_client=self._http,
            )
            result = sign_in(client)
            if "access_token" in result:
                return _read_token(result, asked_at)
            if not result.get("error"):
                raise ValueError("neither a token nor an error")
        except Error:
            raise
        except (*_UNREADABLE, msal.exceptions.MsalServiceError) as error:
            raise IdentityError(
                f"{self._settings.authority} did not answer like a token service",
                code="identity_unreadable",
                hint="Check the authority's address; a proxy or sign-in page may be answering "
                "instead.",
            ) from error
        finally:
            chatter.setLevel(level)
        raise _refused_to_sign_in(result, self._settings)


def _refused_by_machine(error: str, text: str) -> IdentityError:
    return IdentityError(
        f"this machine's metadata service gives no token: {text}",
        code="managed_identity_absent",
        hint="Check managed_identity (system, a client ID or a resource ID), and that the identity "
        "is assigned to this machine: Identity on its page in the portal.",
        error=error,
    )


def _refused_to_sign_in(body: Mapping[str, Any], settings: Settings) -> IdentityError:
    error = str(body.get("error"))
    text = _first_sentences(str(body.get("error_description") or error))
    codes = _read_codes(body, text)
    values = locate(settings.authority, settings.consent_url)
    case = find_refusal(codes, text, values, error=error).case
    if not _UNCONSENTED.isdisjoint(codes):
        case = "sign_in_unconsented"
    elif case in ("user_flow", "identity_refused", "service_refused"):
        case = _SIGN_IN_WORDS.get(error, "sign_in_failed")
    advice = advise(case, values)
    return IdentityError(
        text,
        code=advice.code,
        case=case,
        hint=advice.step,
        error=error,
        error_codes=codes,
        correlation_id=body.get("correlation_id"),
    )


def _read_token(result: Mapping[str, Any], asked_at: float) -> Token:
    value = result["access_token"]
    if not isinstance(value, str) or not value.isascii() or not value.isprintable():
        raise TypeError("the access token is not a text that a header can hold")
    # RFC 6749, 5.1 leaves expires_in out where it is known otherwise; MSAL assumes an hour then.
    life = float(result.get("expires_in", 3599))
    refresh_on = result.get("refresh_on")
    refresh_at = float(refresh_on) if refresh_on is not None else None
    if refresh_at is None and life >= _LONG_LIFE_S:
        refresh_at = asked_at + life / 2
    return Token(value, asked_at + life, refresh_at, asked_at)


def _read_codes(body: Mapping[str, Any], text: str) -> tuple[int, ...]:
    given = body.get("error_codes")
    codes = [code for code in given if isinstance(code, int)] if isinstance(given, list) else []
    return tuple(codes or [int(code) for code in re.findall(r"AADSTS(\d+)", text)[:1]])


def _json_object(body: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(body)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _first_sentences(description: str) -> str:
    """The description without trace data, which has line breaks or blanks before it."""
    return re.split(r"\s+Trace ID:", description, maxsplit=1)[0].strip()
