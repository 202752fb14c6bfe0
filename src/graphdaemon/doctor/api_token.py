"""Why a protected API would refuse a token: its settings, what the token says, and the answer."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from graphdaemon.diagnosis.token_claims import (
    describe_moment,
    is_delegated,
    read_claims,
    read_roles,
    read_time,
)
from graphdaemon.doctor.finding import Check, Finding, Result, fail_with, ok, skip
from graphdaemon.errors import CallerRefusedError, Error
from graphdaemon.settings.protected_api import ApiSettings


def examine_token(
    read: Callable[[], ApiSettings],
    validate: Callable[[ApiSettings], str],
    token: str,
    now: float,
) -> Iterator[Result]:
    """
    Check the API's settings, what the token says, and how the API answers it.

    Args:
        read: Returns the API's settings.
        validate: Validates the token as the API would, and describes the caller in words.
        token: The access token, bare.
        now: The time in epoch seconds.
    """
    settings: ApiSettings | None = None
    try:
        settings = read()
        finding = ok(_describe_settings(settings))
    except Error as error:
        finding = fail_with(error)
    yield _name("settings", finding)
    claims = read_claims(token)
    yield _name("claims", _describe_claims(claims, now))
    if settings is None:
        yield _name("answer", skip("cannot be checked without settings"))
        return
    try:
        finding = ok(f"200: {validate(settings)}")
    except Error as error:
        finding = _explain(error, claims or {}, now)
    yield _name("answer", finding)


def _name(name: str, finding: Finding) -> Result:
    return Result(Check(name, lambda _: finding), finding)


def _describe_settings(settings: ApiSettings) -> str:
    parts = [
        f"tenant {' or '.join(settings.tenants)}",
        f"aud {' or '.join(settings.audiences)}",
        f"role {' or '.join(settings.roles)}" if settings.roles else "",
        f"client {' or '.join(settings.clients)}" if settings.clients else "",
    ]
    return f"accepts tokens of {', '.join(filter(None, parts))}"


def _describe_claims(claims: Mapping[str, Any] | None, now: float) -> Finding:
    if claims is None:
        return skip("the token is not a JWT, so it cannot be read")
    kind = "of a user" if is_delegated(claims) else "of an app"
    parts = [
        f"{kind}, aud {claims.get('aud', 'none')}, version {claims.get('ver', 'none')}",
        f"roles {', '.join(read_roles(claims)) or 'none'}",
        *(
            f"{word} {describe_moment(moment, now)}"
            for name, word in (("iat", "issued"), ("exp", "expires"))
            if (moment := read_time(claims, name)) is not None
        ),
    ]
    return ok(", ".join(parts))


def _explain(error: Error, claims: Mapping[str, Any], now: float) -> Finding:
    """Report the refusal and, if a role is missing, when the token was issued."""
    finding = fail_with(error)
    status = finding.details.get("status")
    words = f"{status}: {finding.words}" if status else finding.words
    advice = finding.advice
    if isinstance(error, CallerRefusedError) and advice is not None:
        # The meaning as its caller is answered, with the role and the other values in it.
        advice = advice._replace(meaning=str(error))
    issued = read_time(claims, "iat")
    if error.case in ("caller_role_none", "caller_role_missing") and issued is not None:
        words += (
            f" It was issued {describe_moment(issued, now)}. It does not contain roles that were "
            "granted later."
        )
    return finding._replace(words=words, advice=advice)
