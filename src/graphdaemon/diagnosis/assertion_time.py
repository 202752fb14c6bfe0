"""What a refused assertion's times tell: whether it was stale, or a clock was wrong."""

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

from graphdaemon.diagnosis.token_claims import describe_moment, read_time

# AADSTS700024 and 500133 give them (azure/login#180, msal-dotnet#4951); without `nbf` the assertion
# is said to be valid from 1970.
_MOMENT = r"\s{0,3}(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)"
_NOW = re.compile(rf"current time:{_MOMENT}", re.IGNORECASE)
_FROM = re.compile(rf"valid from{_MOMENT}", re.IGNORECASE)
_UNTIL = re.compile(rf"expiry time of assertion{_MOMENT}", re.IGNORECASE)


def describe_assertion_time(text: str) -> tuple[bool, str] | None:
    """
    Say by how much an assertion missed its time, from the text of its refusal.

    Returns:
        Whether it was over its time (else it was before it), and a sentence; None if the text
        does not give the times.
    """
    now, begin, end = (_read(pattern, text) for pattern in (_NOW, _FROM, _UNTIL))
    if now is not None and end is not None and now >= end:
        ago = describe_moment(end, now).removesuffix(" ago")
        return True, f"It had been over for {ago} when it arrived."
    if now is not None and begin is not None and now < begin:
        return False, f"It begins {describe_moment(begin, now)} by the token service's clock."
    return None


def describe_age(claims: Mapping[str, Any], now: float) -> str | None:
    """Say how old a platform's token is by its claims: `50 minutes old, over for 45 minutes`."""
    issued, expires = read_time(claims, "iat"), read_time(claims, "exp")
    words = []
    if issued is not None and issued <= now:
        words.append(f"{describe_moment(issued, now).removesuffix(' ago')} old")
    if expires is not None and expires <= now:
        words.append(f"over for {describe_moment(expires, now).removesuffix(' ago')}")
    return ", ".join(words) or None


def _read(pattern: re.Pattern[str], text: str) -> float | None:
    match = pattern.search(text)
    if match is None:
        return None
    try:
        return dt.datetime.fromisoformat(match[1]).replace(tzinfo=dt.UTC).timestamp()
    except ValueError:
        return None
