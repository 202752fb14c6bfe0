"""Why would a protected API refuse this token? Its settings, what the token says, the answer."""

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
    Look at the API's settings, at what the token says, and at how the API answers it.

    Args:
        read: Returns the API's settings.
        validate: Validates the token as the API would, and returns who calls, in words.
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
        yield _name("answer", skip("cannot be known without settings"))
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
    return f"takes tokens of {', '.join(filter(None, parts))}"


def _describe_claims(claims: Mapping[str, Any] | None, now: float) -> Finding:
    if claims is None:
        return skip("the token is no JWT, and says nothing")
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
    """Tell of the refusal; where a role is missing, how old the token is that might lack it."""
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
            f" It was issued {describe_moment(issued, now)}, and no role that was given since is "
            "in it."
        )
    return finding._replace(words=words, advice=advice)
