"""
Why does it not work? Settings, network, token service, credential, token, roles, call: in turn.

`examine` yields one result a check; the first failure is what to do something about.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from urllib.parse import urlsplit

from graphdaemon.doctor import identity, permissions
from graphdaemon.doctor.finding import (
    FAILED,
    OK,
    WARNING,
    Check,
    Finding,
    Result,
    walk,
)
from graphdaemon.doctor.network import plan_way
from graphdaemon.doctor.state import Examination

_SETTINGS = Check("settings", identity.check_settings)
_UNPLANNED = ("dns", "tcp", "tls", "clock", "authority", "tenant", "credential", "token")


def examine(examination: Examination) -> Iterator[Result]:
    """Look at everything, in the order in which a run would meet it."""
    lost: set[str] = set()
    yield from walk([_SETTINGS], examination, lost)
    if lost:
        names = (*_UNPLANNED, "roles", "call")
        yield from walk([Check(name, _never, ("settings",)) for name in names], examination, lost)
        return
    yield from walk(_plan(examination), examination, lost)


def summarize(results: Sequence[Result]) -> tuple[str, int, Result | None]:
    """The verdict, the exit code, and the result to explain: the first failure, or warning."""
    for state in (FAILED, WARNING):
        first = next((one for one in results if one.finding.state == state), None)
        if first is not None:
            return state, first.finding.exit_code, first
    return OK, 0, None


def _plan(examination: Examination) -> list[Check]:
    checks: list[Check] = []
    arrived: tuple[str, ...] = ()
    authority = examination.authority
    service = urlsplit(authority).netloc if authority else None
    if service:
        checks += plan_way(service)
        arrived = (checks[-1].key,)
        checks += [
            Check("clock", identity.check_clock, arrived),
            Check("authority", identity.check_authority, arrived),
            Check("tenant", identity.check_tenant, ("authority",)),
        ]
    before = (*arrived, "tenant") if service else ()
    checks += [
        Check("credential", identity.check_credential),
        Check("token", identity.check_token, (*before, "credential")),
    ]
    if len(examination.settings.credentials) > 1:
        checks.append(Check("credentials", identity.check_each_credential, before))
    graph = urlsplit(examination.settings.endpoint).netloc
    if graph != service:
        checks += plan_way(graph)
    reached = f"tls {graph}"
    checks += [
        Check("registration", permissions.check_registration, ("token", reached)),
        Check("roles", permissions.check_roles, ("token",)),
    ]
    checks += [
        Check("call", partial(permissions.check_call, call=call), ("token", reached))
        for call in examination.calls
    ]
    return checks


def _never(_: Examination) -> Finding:
    raise AssertionError("it comes after what failed")
