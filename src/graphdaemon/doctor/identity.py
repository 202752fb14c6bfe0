"""The checks of settings, token service, tenant, credential and token."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from graphdaemon.auth.client_credential import ClientCredential, list_expiring
from graphdaemon.auth.kinds import read_credentials
from graphdaemon.auth.msal_app import read_refusal
from graphdaemon.auth.token import Demand
from graphdaemon.cloud import CLOUDS, is_for_graph
from graphdaemon.diagnosis.aadsts import advise_on_aadsts
from graphdaemon.diagnosis.advice import advise
from graphdaemon.diagnosis.token_claims import (
    describe_moment,
    format_time,
    read_roles,
    read_time,
)
from graphdaemon.doctor.finding import Finding, fail, fail_with, ok, skip, warn
from graphdaemon.doctor.state import Examination
from graphdaemon.errors import IdentityError, NetworkError, SettingsError
from graphdaemon.http.clock_skew import TOLERANCE_S, describe_skew, measure_skew
from graphdaemon.received.json import decode_object
from graphdaemon.received.text import read_name

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_GRAPH_HOSTS = {urlsplit(cloud.graph).hostname for cloud in CLOUDS}
# A tenth of what the token service tolerates: a clock that drifts is reported before it does harm.
_SKEW_WARNING_S = TOLERANCE_S / 10
# These credentials sign an assertion with a time in it: where the clock is wrong it is refused.
_SIGNING = ("certificate", "keyvault")


def check_settings(examination: Examination) -> Finding:
    """Check whether the settings exist and have the right form."""
    settings = examination.read_settings()
    sources = list(dict.fromkeys(settings.sources.values()))
    where = ", ".join(sources) or "defaults"
    app = f"app {settings.client_id}" if settings.client_id else "this machine's identity"
    return ok(f"{where}: {app}, {examination.authority or 'no authority'}", sources=sources)


def check_clock(examination: Examination) -> Finding:
    """Compare this machine's clock with the token service's."""
    try:
        answer = examination.ask_metadata()
    except NetworkError:
        return skip("no answer to compare with")
    # The service wrote down its time at some moment between sending and receiving.
    skew = measure_skew(answer.response.headers, (answer.sent_at + answer.came_at) / 2)
    if skew is None:
        return skip("the token service does not tell the time")
    host = urlsplit(examination.authority or "").netloc
    # The Date header has whole seconds, so a smaller skew than one cannot be claimed.
    if abs(skew) < _SKEW_WARNING_S:
        return ok(f"within {max(1, round(abs(skew)))} s of {host}", seconds=round(skew, 1))
    words = describe_skew(skew, host)
    advice = advise("clock_wrong")
    signs = any(credential.kind in _SIGNING for credential in examination.settings.credentials)
    if signs and abs(skew) > TOLERANCE_S:
        return fail(words, advice, IdentityError.exit_code, seconds=round(skew, 1))
    return warn(words, advice, seconds=round(skew, 1))


def check_authority(examination: Examination) -> Finding:
    """Check whether the authority answers like a token service."""
    response = examination.ask_metadata().response
    authority = examination.authority
    body = decode_object(response.body) or {}
    if response.status >= 500 or response.status == 429:
        raise IdentityError(
            f"the identity platform is out of order: {authority} answered {response.status}",
            code="identity_unavailable",
            hint=advise("identity_unavailable").step,
        )
    # A refusal proves a token service as well: for an unknown tenant it answers 400 and AADSTS90002
    # (quoted in azure-cli#14509), which the check of the tenant explains.
    if "error" in body or (response.status == 200 and "token_endpoint" in body):
        content = (
            "its metadata" if response.status == 200 else "a refusal in a token service's words"
        )
        host = urlsplit(authority or "").netloc
        return ok(f"{host} answers with {content}", status=response.status)
    kind = response.headers.get("Content-Type", "no content type").partition(";")[0]
    raise IdentityError(
        f"{authority} did not answer like a token service (HTTP {response.status}, {kind})",
        code="identity_unreadable",
        hint=advise("identity_unreadable").step,
    )


def check_tenant(examination: Examination) -> Finding:
    """Check whether the authority's tenant exists."""
    response = examination.ask_metadata().response
    body = decode_object(response.body) or {}
    if "error" in body:
        raise _explain_refusal(examination, body)
    issuer = str(body.get("issuer", ""))
    named = urlsplit(examination.authority or "").path.strip("/").split("/")[0]
    # The issuer has the tenant's ID even where the authority names a domain ("OpenID Connect on the
    # Microsoft identity platform"); a custom issuer need not have one.
    tenant = next(filter(_GUID.fullmatch, issuer.split("/")), None)
    if tenant is None:
        return ok(f"issuer {issuer}", issuer=issuer)
    words = f"tenant {tenant}" if tenant == named.lower() else f"{named} is tenant {tenant}"
    region = body.get("tenant_region_scope")
    if isinstance(region, str):
        words += f", region {region}"
    return ok(words, tenant=tenant, region=region, issuer=issuer)


def check_credential(examination: Examination) -> Finding:
    """Check which credentials there are, whether each can be used, and when it expires."""
    credentials = read_credentials(examination.settings)
    problems = [credential.problem for credential in credentials if credential.problem is not None]
    words = "; then ".join(
        _describe_credential(credential, examination.now()) for credential in credentials
    )
    kinds = [credential.kind for credential in credentials]
    if problems:
        # One credential that can be used is enough to get tokens.
        failure = fail_with(problems[0])
        if len(problems) == len(credentials):
            return failure
        return warn(f"{words}; {failure.words}", failure.advice, kinds=kinds)
    for credential in credentials:
        # The portal shows the Secret ID, a GUID, beside the Value, which is none. The mix-up is so
        # common that the text of AADSTS7000215 itself warns of it.
        if credential.secret and _GUID.fullmatch(credential.secret.reveal()):
            advice = advise("secret_id_given", examination.values)
            return warn(f"{credential.source} has the form of a Secret ID", advice, kinds=kinds)
    expiring = list_expiring(credentials, examination.now())
    if not expiring:
        return ok(words, kinds=kinds)
    seconds_left = min(seconds for _, seconds in expiring)
    if seconds_left < 0 and len(credentials) == 1:
        advice = advise("certificate_expired", examination.values)
        return fail(words, advice, IdentityError.exit_code, kinds=kinds)
    return warn(words, advise("certificate_ending", examination.values), kinds=kinds)


def _describe_credential(credential: ClientCredential, now: float) -> str:
    """`certificate 0A1B… (private_key_file in parameters.json), expires in 300 days`."""
    names = {"managed_identity": "managed identity", "keyvault": "key in a vault"}
    words = names.get(credential.kind, credential.kind)
    if credential.thumbprint:
        words += f" {credential.thumbprint}"
    words += f" ({credential.source})"
    if credential.expires_at is not None:
        ends = "expires" if credential.expires_at > now else "expired"
        words += f", {ends} {describe_moment(credential.expires_at, now)}"
    return words


def check_token(examination: Examination) -> Finding:
    """Request a token, and check what it is for."""
    token = examination.fetch_token(Demand())
    claims = examination.claims
    if not claims:
        return ok(
            f"issued, expires {describe_moment(token.expires_at, examination.now())}; it is not a "
            "JWT, so it cannot be read"
        )
    audience = str(claims.get("aud"))
    roles = read_roles(claims)
    expires = read_time(claims, "exp") or token.expires_at
    words = (
        f"for {audience}, expires {describe_moment(expires, examination.now())}, "
        f"{'roles ' + ', '.join(roles) if roles else 'without roles'}"
    )
    details = {"audience": audience, "roles": list(roles), "expires": format_time(expires)}
    graph = urlsplit(examination.settings.endpoint).hostname
    # Microsoft's Graph takes tokens for itself alone; what other hosts take is not known here.
    if graph in _GRAPH_HOSTS and not is_for_graph(audience):
        values = examination.values | {"api": f"https://{graph}"}
        return warn(words, advise("audience_wrong", values), **details)
    return ok(words, **details)


def check_each_credential(examination: Examination) -> Finding:
    """Check whether the token service accepts each of several credentials, not only the first."""
    # Loaded here, so that a report that ends at the settings does not wait for MSAL.
    from graphdaemon.auth.msal_app import MsalApp

    # Not by `AppIdentity`, which stops at the first credential that is accepted, and takes tokens
    # from the cache.
    msal_app = MsalApp(examination.settings, examination.transport)
    accepted: list[str] = []
    refused: list[tuple[str, Finding]] = []
    for credential in read_credentials(examination.settings):
        try:
            if credential.problem is not None:
                raise credential.problem
            msal_app.request_token(credential)
        except (SettingsError, IdentityError) as error:
            refused.append((credential.source, fail_with(error)))
        else:
            accepted.append(credential.source)
    words = f"accepted: {', '.join(accepted) or 'none'}"
    if not refused:
        return ok(words, accepted=accepted)
    source, failure = refused[0]
    return warn(f"{words}; {source}: {failure.words}", failure.advice, accepted=accepted)


def _explain_refusal(examination: Examination, body: Mapping[str, Any]) -> IdentityError:
    error, text, codes = read_refusal(body)
    advice = advise_on_aadsts(codes, text, examination.values, error=error)
    return IdentityError(
        text,
        code=advice.code,
        hint=advice.step,
        case=advice.case,
        error=error,
        error_codes=codes,
        correlation_id=read_name(body.get("correlation_id")),
    )
