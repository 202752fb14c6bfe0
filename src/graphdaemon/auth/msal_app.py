"""
The token service, through MSAL: one token request with one client credential.

MSAL speaks the protocol and keeps nothing here: its application is made anew for each request, so
that neither its token cache nor its memory of refusals can get between a caller and the truth. It
reports failure in four ways: an error dictionary, `MsalServiceError`, `ValueError` for what it
cannot read, and whatever its HTTP client raises. All four leave here as exceptions of our own.
"""

import logging
import re
import time
from collections.abc import Callable, Mapping
from typing import Any, NoReturn
from urllib.parse import urlsplit

from graphdaemon.auth.client_credential import ClientCredential
from graphdaemon.auth.kinds.managed_identity import is_unavailable
from graphdaemon.auth.msal_http import HttpClient
from graphdaemon.auth.msal_import import import_msal, import_msal_parts
from graphdaemon.auth.token import Token
from graphdaemon.diagnosis.aadsts import advise_on_aadsts
from graphdaemon.diagnosis.advice import Advice, advise, locate
from graphdaemon.diagnosis.assertion_time import describe_age, describe_assertion_time
from graphdaemon.diagnosis.token_claims import read_claims
from graphdaemon.errors import Error, IdentityError, NetworkError
from graphdaemon.http.clock_skew import TOLERANCE_S, describe_skew, measure_skew
from graphdaemon.http.transport import Transport
from graphdaemon.log import redact
from graphdaemon.received.json import decode_object
from graphdaemon.received.numbers import read_aadsts_numbers, read_number, read_time
from graphdaemon.received.text import read_name, shorten
from graphdaemon.settings.model import Settings

logger = logging.getLogger(__name__)

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
# Tokens that live as long as this or longer are renewed at half their life, as azure-identity and
# MSAL do.
_LONG_LIFE_S = 7200.0
# Ten years: Entra ID's longest-lived tokens last 28 hours, and those of a test may last longer.
_LONGEST_LIFE_S = 315_360_000.0


class MsalApp:
    """
    The token service that the settings name.

    Nothing is sent before the first token is asked for. `sleep` waits where a machine's metadata
    service asks for patience.
    """

    def __init__(
        self,
        settings: Settings,
        transport: Transport,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._settings = settings
        self._transport = transport
        self._http = HttpClient(transport, settings.timeout, settings.region, sleep)
        self._assertion = ""

    def request_token(self, credential: ClientCredential, claims: str | None = None) -> Token:
        """
        Ask for a token for the configured scope; blocks. Graph's demands are `claims`, JSON text.

        Raises:
            SettingsError: The credential cannot be used.
            IdentityError: The identity platform refused, or made no sense.
            NetworkError: It was not reached.
        """
        sent_at = time.time()
        self._http.last_answer = None
        try:
            result = self._ask(credential, claims)
            token = read_token(result, sent_at)
        except Error:
            raise
        except Exception as error:  # noqa: BLE001  MSAL checks no answer, and fails in any way
            self._refuse_last_answer(error, credential)
        if token is None:
            raise self._refused(result, credential)
        return token

    def _ask(self, credential: ClientCredential, claims: str | None) -> Any:
        if credential.managed_identity is not None:
            return self._ask_machine(credential.managed_identity, claims)
        settings = self._settings
        application: Any = import_msal_parts()[0].ConfidentialClientApplication(
            settings.client_id,
            # A function, since MSAL finds out where the assertion goes while it is at work.
            client_credential=credential.secret.reveal()
            if credential.secret is not None
            else {"client_assertion": lambda: self._assert(credential, application)},
            authority=settings.authority,
            oidc_authority=settings.oidc_authority,
            # MSAL would ask Microsoft about every host it does not know, and on every failure
            # again, whose trouble then hides the failure (MSAL Python #496, #578).
            instance_discovery=False,
            azure_region=True if settings.region == "auto" else settings.region,
            # We can answer a claims challenge (cp1). Graph can then revoke a token at once, and
            # Entra ID lets it live a day.
            client_capabilities=["cp1"] if settings.authority is not None else None,
            http_client=self._http,
        )
        return application.acquire_token_for_client(
            scopes=list(settings.scope),
            claims_challenge=claims,
            # MSAL's default is the exceptions of requests, which it would load for that.
            http_exceptions=(NetworkError,),
        )

    def _assert(self, credential: ClientCredential, application: Any) -> str:
        assert credential.assertion is not None, "it is neither a secret nor a managed identity"
        endpoint = application.authority.token_endpoint
        self._assertion = credential.assertion(endpoint, self._transport.exchange)
        return self._assertion

    def _ask_machine(self, identity: str, claims: str | None) -> Any:
        msal = import_msal()
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
            # This class comes from all of MSAL, and the one caught above from its parts alone.
            raise RuntimeError(str(error)) from error

    def _refuse_last_answer(self, error: Exception, credential: ClientCredential) -> NoReturn:
        """Turn MSAL's exception into ours, by the answer it could not use."""
        answer = self._http.last_answer
        body = decode_object(answer.body) if answer is not None else None
        if body is not None and body.get("error"):
            raise self._refused(body, credential) from error
        service = self._name_service(credential)
        if credential.managed_identity is not None and answer is not None:
            raise self._refuse_machine(None, "its answer cannot be read") from error
        if answer is not None and (answer.status >= 500 or answer.status == 429):
            raise IdentityError(
                f"the identity platform is out of order: {service} answered {answer.status}",
                code="identity_unavailable",
                hint="Wait a minute and run it again; the settings are not to blame.",
            ) from error
        status = f" (HTTP {answer.status})" if answer is not None else ""
        raise unreadable(f"{service} did not answer like a token service{status}") from error

    def _refused(self, body: Mapping[str, Any], credential: ClientCredential) -> IdentityError:
        error, text, codes = read_refusal(body)
        if credential.managed_identity is not None:
            return self._refuse_machine(error, text)
        secret = credential.secret
        correlation_id = read_name(body.get("correlation_id"))
        values = locate(self._settings.authority, self._settings.consent_url)
        advice = advise_on_aadsts(
            codes,
            text,
            values | {"correlation_id": correlation_id},
            guid_secret=bool(secret and _GUID.fullmatch(secret.reveal())),
            error=error,
        )
        code, hint, case = advice.code, advice.step, advice.case
        if error == "temporarily_unavailable":
            code = case = "identity_unavailable"
            hint = "Wait a minute and run it again."
        elif case == "secret_id_given":
            hint = f"{credential.source} looks like a Secret ID, for it is a GUID. {hint}"
        elif case == "assertion_expired":
            text, advice = self._explain_time(text, credential)
            code, hint, case = advice.code, advice.step, advice.case
        return IdentityError(
            text,
            code=code,
            case=case,
            hint=hint,
            error=error,
            error_codes=codes,
            correlation_id=correlation_id,
        )

    def _refuse_machine(self, error: str | None, text: str) -> IdentityError:
        """Say why the metadata service gives no token; it answered, so it is there."""
        answer = self._http.last_answer
        status = answer.status if answer is not None else 0
        passes = is_unavailable(status)
        # An outage costs no credential: only an identity that is not there is one that is lost.
        advice = advise("machine_identity_unavailable" if passes else "machine_identity_unassigned")
        when = f" for the moment (HTTP {status})" if passes else ""
        return IdentityError(
            f"this machine's metadata service gives no token{when}: {text}",
            code=advice.code,
            hint=advice.step,
            case=advice.case,
            error=error,
        )

    def _explain_time(self, text: str, credential: ClientCredential) -> tuple[str, Advice]:
        """Say why an assertion was outside its time: by this machine's clock, or kept too long."""
        skew = self._skew()
        if skew is None and credential.kind == "federated":
            is_over, _ = describe_assertion_time(text) or (True, "")
            if not is_over:
                return f"the federated token was shown too early: {text}", advise("assertion_early")
            age = describe_age(read_claims(self._assertion) or {}, time.time())
            text = (
                f"the federated token was shown too late ({age or 'its age is not known'}): {text}"
            )
            return text, advise("assertion_stale", {"token": f"the token of {credential.source}"})
        return f"{skew}: {text}" if skew else text, advise("clock_wrong")

    def _name_service(self, credential: ClientCredential) -> str:
        if credential.managed_identity is not None:
            return "this machine's metadata service"
        return self._settings.authority or self._settings.oidc_authority or ""

    def _skew(self) -> str | None:
        """How far this machine's clock is off, if the answer shows that it is."""
        answer = self._http.last_answer
        seconds = measure_skew(answer.headers, time.time()) if answer is not None else None
        if seconds is None or abs(seconds) < TOLERANCE_S / 5:
            return None
        return describe_skew(seconds, urlsplit(self._http.last_url).netloc)


def unreadable(message: str) -> IdentityError:
    """Return the error for an answer that makes no sense."""
    return IdentityError(
        message,
        code="identity_unreadable",
        hint="Check the authority's address; a proxy or sign-in page may be answering instead.",
    )


def read_token(result: Mapping[str, Any], sent_at: float) -> Token | None:
    """
    Return the token that was asked for at `sent_at`, epoch seconds, or None if it was refused.

    Raises:
        TypeError: The answer holds no token that a header can carry; `ValueError` likewise.
    """
    if "access_token" not in result:
        if not result.get("error"):
            raise ValueError("neither a token nor an error")
        return None
    value = result["access_token"]
    if not isinstance(value, str) or not value.isascii() or not value.isprintable():
        raise TypeError("the access token is not a text that a header can hold")
    # RFC 6749, 5.1 leaves expires_in out where it is known otherwise; MSAL assumes an hour then.
    life = read_number(result.get("expires_in", 3599), most=_LONGEST_LIFE_S)
    if life is None:
        raise ValueError("the access token lives for no sensible time")
    refresh_at = read_time(result.get("refresh_on"))
    if refresh_at is None and life >= _LONG_LIFE_S:
        refresh_at = sent_at + life / 2
    return Token(value, sent_at + life, refresh_at, sent_at)


def read_refusal(body: Mapping[str, Any]) -> tuple[str, str, tuple[int, ...]]:
    """
    Return a refusal's OAuth error, what it says without the trace data at its end, and its numbers.

    These are the AADSTS numbers that it lists, or the first in its text.
    """
    error = read_name(body.get("error")) or "unknown_error"
    described = body.get("error_description")
    description = described if isinstance(described, str) and described.strip() else error
    # Line breaks stood before the Trace ID until 2023 (microsoft-365-agents-toolkit#8621), and
    # blanks since 2024 (haystack-editor#41).
    text = redact(description.partition("Trace ID:")[0].strip())
    return error, shorten(text), read_aadsts_numbers(body.get("error_codes"), text)
