"""
Find out why it does not work: settings, network, token service, credential, token, roles.

`examine` yields the result of each check. Fix the first failure first.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from urllib.parse import urlsplit

from graphdaemon.doctor import identity, permissions
from graphdaemon.doctor.finding import FAILED, OK, WARNING, Check, Finding, Result, run_checks
from graphdaemon.doctor.network import plan_network_checks
from graphdaemon.doctor.state import Examination

_SETTINGS = Check("settings", identity.check_settings)
# What the report lists as skipped if the settings cannot be read: no host is known then.
_UNPLANNED = (
    *("dns", "tcp", "tls", "clock", "authority", "tenant"),
    *("credential", "token", "roles", "call"),
)


def examine(examination: Examination) -> Iterator[Result]:
    """Run every check, in the order in which a command would meet the problem."""
    unsuccessful: set[str] = set()
    yield from run_checks([_SETTINGS], examination, unsuccessful)
    checks = (
        [Check(name, _never, ("settings",)) for name in _UNPLANNED]
        if unsuccessful
        else _plan(examination)
    )
    yield from run_checks(checks, examination, unsuccessful)


def summarize(results: Sequence[Result]) -> tuple[str, int, Result | None]:
    """Return the verdict, the exit code, and the first failure or warning."""
    for state in (FAILED, WARNING):
        first = next((result for result in results if result.finding.state == state), None)
        if first is not None:
            return state, first.finding.exit_code, first
    return OK, 0, None


def _plan(examination: Examination) -> list[Check]:
    checks: list[Check] = []
    before: tuple[str, ...] = ()
    service = urlsplit(examination.authority).netloc if examination.authority else None
    if service:
        checks += plan_network_checks(service)
        reached = checks[-1].key
        # The first failure is the one to be explained, so a cause stands before what it spoils: a
        # wrong clock before the token that it gets refused.
        checks += [
            Check("clock", identity.check_clock, (reached,)),
            Check("authority", identity.check_authority, (reached,)),
            Check("tenant", identity.check_tenant, ("authority",)),
        ]
        before = (reached, "tenant")
    checks += [
        # It needs no network, so it is looked at even where no host was reached.
        Check("credential", identity.check_credential),
        Check("token", identity.check_token, (*before, "credential")),
    ]
    # A single credential has been tried by the check of the token already.
    if len(examination.settings.credentials) > 1:
        checks.append(Check("credentials", identity.check_each_credential, before))
    graph = urlsplit(examination.settings.endpoint).netloc
    # An emulator may serve both at one address, which is then checked once.
    if graph != service:
        checks += plan_network_checks(graph)
    reached = f"tls {graph}"
    checks += [
        # Before the roles, since what the registration asks for tells why a role is missing.
        Check("registration", permissions.check_registration, ("token", reached)),
        # They are read in the token, so they can be judged even where Graph is not reached.
        Check("roles", permissions.check_roles, ("token",)),
    ]
    checks += [
        Check("call", partial(permissions.check_call, call=call), ("token", reached))
        for call in examination.calls
    ]
    return checks


def _never(_: Examination) -> Finding:
    raise AssertionError("skipped, because the settings failed")
