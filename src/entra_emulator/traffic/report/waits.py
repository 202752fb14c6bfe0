"""Who comes back too early, and whose failed requests are never repeated."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from entra_emulator.faults.throttle import UNDER_WAY
from entra_emulator.graph.access.permission_table import writes
from entra_emulator.traffic.report.finding import Finding
from entra_emulator.traffic.report.logged_call import LoggedCall

# Statuses that pass ("Best practices for working with Microsoft Graph"); 0 is a connection that
# was broken off.
TRANSIENT = frozenset({0, 429, 500, 502, 503, 504})

# Whose requests are refused together while it is throttled.
_Scope = tuple[str, ...]


class Waits(NamedTuple):
    """
    How the program kept what it was told.

    Args:
        told: how many refusals said how long to wait.
        early: how many requests came before that time was over.
        least: by how many seconds the earliest of them came too early.
    """

    told: int
    early: int
    least: float


def count_waits(calls: Sequence[LoggedCall]) -> Waits:
    """How the calls, in the order of their beginnings, kept their waits."""
    told = sum(call.retry_after is not None and call.refused for call in calls)
    early = [seconds for _, seconds in _list_early(calls)]
    return Waits(told, len(early), max(early, default=0.0))


def find_early(calls: Sequence[LoggedCall]) -> list[Finding]:
    """A finding for each route that was asked for again too early."""
    by_route: dict[tuple[str, str], list[float]] = defaultdict(list)
    for call, seconds in _list_early(calls):
        by_route[_name(call), _app_of(call)].append(seconds)
    return [
        Finding(
            "ignored-retry-after",
            subject,
            f"came back {_times(len(early))} before Retry-After was over, up to "
            f"{max(early):.1f} s too early",
            "Wait as many seconds as Retry-After says, for all requests of the application; each "
            "one in between counts, and makes the wait longer.",
            len(early),
            app_id,
        )
        for (subject, app_id), early in by_route.items()
    ]


def find_lost(calls: Sequence[LoggedCall]) -> list[Finding]:
    """A finding for each route with a request that failed, and was not repeated with success."""
    last: dict[tuple[bytes, str], LoggedCall] = {}
    for call in calls:
        if call.service == "graph":
            # What a later request of the same address was answered is what counts.
            last[call.address, _app_of(call)] = call
    lost: dict[tuple[str, str], list[LoggedCall]] = defaultdict(list)
    for call in last.values():
        if call.status in TRANSIENT:
            lost[_name(call), _app_of(call)].append(call)
    return [
        Finding(
            "lost-request",
            subject,
            f"failed with {_name_statuses(failed)} and was not repeated until it succeeded",
            "Repeat what failed for a reason that passes: after Retry-After, or after a growing "
            "time of your own.",
            len(failed),
            app_id,
        )
        for (subject, app_id), failed in lost.items()
    ]


def _list_early(calls: Sequence[LoggedCall]) -> list[tuple[LoggedCall, float]]:
    """The calls that came before a wait was over, and by how many seconds."""
    early: list[tuple[LoggedCall, float]] = []
    blocks: dict[_Scope, LoggedCall] = {}
    for call in sorted(calls, key=lambda one: one.started):
        for scope in _list_scopes(call):
            block = blocks.get(scope)
            if block is None or not _knew(call, block):
                continue
            missing = block.ended + (block.retry_after or 0.0) - call.started
            if missing > 0:
                early.append((call, missing))
                break
        if call.refused and call.retry_after is not None:
            blocks[_scope_of(call)] = call
    return early


def _knew(call: LoggedCall, block: LoggedCall) -> bool:
    """Whether the sender of a call can have read the refusal of another one."""
    if call.started < block.ended:
        return False
    # On another connection it may have been on its way when the refusal arrived.
    return call.connection == block.connection or call.started >= block.ended + UNDER_WAY


def _scope_of(call: LoggedCall) -> _Scope:
    """What a refusal is about: an application, its changes alone, or only one address."""
    if call.status != 429:
        return call.service, call.address.hex()
    action = "Write" if call.throttled == "WriteLimitExceeded" else "all"
    return call.service, _app_of(call), _tenant_of(call), action


def _list_scopes(call: LoggedCall) -> list[_Scope]:
    """The scopes of the refusals that concern a call."""
    whose = (call.service, _app_of(call), _tenant_of(call))
    scopes: list[_Scope] = [(call.service, call.address.hex()), (*whose, "all")]
    if call.service == "graph" and writes(call.method, call.route):
        scopes.append((*whose, "Write"))
    return scopes


def _app_of(call: LoggedCall) -> str:
    return call.caller.app_id if call.caller else ""


def _tenant_of(call: LoggedCall) -> str:
    return call.caller.tenant_id if call.caller else ""


def _name(call: LoggedCall) -> str:
    return f"{call.method} {call.route}"


def _name_statuses(calls: Sequence[LoggedCall]) -> str:
    names = {"a broken connection" if not call.status else str(call.status) for call in calls}
    return " and ".join(sorted(names))


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number:,} times"
