"""What a caller is answered who is refused: status, words and challenge (RFC 6750, 3)."""

import base64
import json
import logging
import re
from typing import NamedTuple

from graphdaemon.diagnosis.advice import advise
from graphdaemon.errors import CallerRefusedError

logger = logging.getLogger(__name__)


class _Answer(NamedTuple):
    """The status and the OAuth error of a case, or of all cases of a code."""

    status: int
    error: str | None


_ANSWERS = {
    "bearer_missing": _Answer(401, None),
    "bearer_repeated": _Answer(400, "invalid_request"),
    "bearer_invalid": _Answer(401, "invalid_token"),
    "caller_forbidden": _Answer(403, "insufficient_scope"),
    "keys_unavailable": _Answer(503, None),
}
# All that may stand between the quotation marks of `error_description` (RFC 6750, 3).
_UNFIT = re.compile(r"[^ !#-\[\]-~]")
_LONGEST_VALUE = 200


def refuse(
    case: str,
    *,
    retry_after: float | None = None,
    demand: str | None = None,
    scope: str | None = None,
    **values: str,
) -> CallerRefusedError:
    """
    Return the refusal of a case.

    Args:
        case: A key of the table of cases of protected APIs.
        retry_after: Seconds after which the same request may succeed.
        demand: What a new token has to have, as the `claims` of a claims challenge.
        scope: The delegated permission that is missing.
        **values: What fills the placeholders of the case; a token may have brought them.
    """
    shown = {name: _clean(value) for name, value in values.items()}
    if scope is not None:
        shown["scope"] = _clean(scope)
    advice = advise(case, shown)
    answer = _ANSWERS.get(case) or _ANSWERS[advice.code]
    # The case alone: an operator may count them, and no value that a caller sent is in the log.
    logger.info("refused with %d: %s", answer.status, case)
    error = "insufficient_claims" if demand is not None else answer.error
    parameters = {
        "error": error,
        "error_description": f"{advice.meaning} ({case})",
        "scope": shown.get("scope"),
        "claims": demand,
    }
    return CallerRefusedError(
        advice.meaning,
        code=advice.code,
        case=case,
        hint=advice.step,
        status=answer.status,
        error=error,
        challenge=_write_challenge(parameters if error else {}) if answer.status < 500 else None,
        retry_after=retry_after,
    )


def demand_token(since: float) -> str:
    """
    Return the `claims` of a challenge that only a token answers which was issued after `since`.

    Source: "Claims challenges, claims requests and client capabilities", Microsoft identity
    platform.

    Args:
        since: Epoch seconds.
    """
    claims = {"access_token": {"nbf": {"essential": True, "value": str(int(since))}}}
    return base64.b64encode(json.dumps(claims, separators=(",", ":")).encode()).decode()


def _write_challenge(parameters: dict[str, str | None]) -> str:
    # A request without a token is told nothing but the scheme (RFC 6750, 3.1).
    said = [f'{name}="{value}"' for name, value in parameters.items() if value]
    return f"Bearer {', '.join(said)}" if said else "Bearer"


def _clean(value: str) -> str:
    shown = value if len(value) <= _LONGEST_VALUE else f"{value[:_LONGEST_VALUE]}..."
    return _UNFIT.sub("?", shown)
