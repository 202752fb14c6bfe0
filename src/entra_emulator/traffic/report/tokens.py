"""Token requests that a cache would have saved."""

from collections import Counter
from collections.abc import Sequence

from entra_emulator.traffic.report.finding import Finding
from entra_emulator.traffic.report.logged_call import LoggedCall

# Clients renew a token some minutes before it expires; MSAL does so five minutes before.
EARLY = 300.0

# What asks for a token of an application by itself; other grants bring a user along.
_GRANT = "client_credentials"


def find_needless(calls: Sequence[LoggedCall]) -> list[Finding]:
    """A finding for each application that asked for a token while it had one for the same API."""
    valid: dict[tuple[object, str], float] = {}
    needless: Counter[str] = Counter()
    for call in calls:
        if call.service != "token" or call.grant != _GRANT or call.refused:
            continue
        key = (call.caller, call.audience)
        app_id = call.caller.app_id if call.caller else ""
        if call.started < valid.get(key, 0.0) - EARLY:
            needless[app_id] += 1
        valid[key] = max(valid.get(key, 0.0), call.ended + call.lifetime)
    return [
        Finding(
            "token-not-reused",
            "POST /{tenant}/oauth2/v2.0/token",
            f"asked for a token {'once' if count == 1 else f'{count:,} times'} while it had one "
            "that was valid",
            "Keep the token until five minutes before it expires; MSAL does so in one "
            "ConfidentialClientApplication that is kept, or with a token cache on disk.",
            count,
            app_id,
        )
        for app_id, count in needless.items()
    ]
