"""Tokens that are not accepted any more although they have not expired: revocation."""

from graphdaemon.diagnosis.token_claims import format_time
from graphdaemon.protect.caller import Caller
from graphdaemon.protect.refusal import demand_token, refuse
from graphdaemon.received.numbers import read_time


def check_issued(caller: Caller, since: float | None) -> None:
    """
    Check that a caller's token was issued at `since` or later. None accepts every token.

    A client that announces this capability (`xms_cc` in the token, an optional claim of the API)
    receives a claims challenge. It then requests a new token instead of taking one from its cache.

    Args:
        caller: The caller.
        since: Epoch seconds.

    Raises:
        CallerRefusedError: It was issued before.
    """
    if since is None:
        return
    # Entra ID dates `iat` and `nbf` some minutes back, but for a token that answers a challenge,
    # whose `nbf` is what was demanded; both are whole seconds.
    if max(caller.issued, read_time(caller.claims.get("nbf")) or 0) >= int(since):
        return
    capabilities = caller.claims.get("xms_cc")
    names = capabilities if isinstance(capabilities, list) else []
    can_answer = any(isinstance(name, str) and name.lower() == "cp1" for name in names)
    raise refuse(
        "bearer_revoked",
        demand=demand_token(since) if can_answer else None,
        since=format_time(since),
    )
