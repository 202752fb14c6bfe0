"""
The report: what a program did, which permissions it needs, and what is wrong with how it did it.

It is made of calls alone, without looking at anything else.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from operator import attrgetter
from typing import Any

import msgspec

from entra_emulator.clock import format_iso
from entra_emulator.traffic.report.finding import RULES, Finding
from entra_emulator.traffic.report.least_permissions import find_least
from entra_emulator.traffic.report.logged_call import AppCaller, LoggedCall
from entra_emulator.traffic.report.pages import find_small, find_unread, list_chains
from entra_emulator.traffic.report.replaced_calls import find_beta, find_deprecated
from entra_emulator.traffic.report.requirements import Requirement, is_covered, list_requirements
from entra_emulator.traffic.report.tokens import find_needless
from entra_emulator.traffic.report.waits import TRANSIENT, count_waits, find_early, find_lost

# The version of the report's JSON; what is added later does not change it.
VERSION = 1

# An object that is not there, or there already, is often what the program wanted to know.
_ORDINARY = frozenset({404, 409, 412})
# Delta links end, as everybody's do who was away for long: "Use delta query to track changes".
_ORDINARY_OF_DELTA = frozenset({"resyncRequired", "syncStateNotFound", "syncStateInvalid"})


class RouteUse(msgspec.Struct, frozen=True):
    """
    How often a route was called, and what that cost.

    Args:
        calls: how many requests there were.
        units: their resource units; those of refused requests count as well.
        statuses: how many answers had which status; `0` for a connection that was broken off.
    """

    service: str
    method: str
    route: str
    version: str
    calls: int
    units: int
    statuses: dict[str, int]


class ErrorUse(msgspec.Struct, frozen=True):
    """How often a route was refused with a status and a code."""

    method: str
    route: str
    status: int
    code: str
    count: int


class ApplicationUse(msgspec.Struct, frozen=True):
    """
    What an application may do, and needs.

    Args:
        kind: `application`, or `delegated` for calls in the name of a user.
        held: the permissions in its tokens.
        least: the least that cover every call whose permissions are known.
        unneeded: those of `held` that are not among the least.
        missing: those of `least` that it has not, and no other one that does as well.
        unknown: the calls whose permissions are not known here.
    """

    app_id: str
    tenant_id: str
    kind: str
    held: list[str]
    least: list[str]
    unneeded: list[str]
    missing: list[str]
    unknown: list[str]


class Report(msgspec.Struct, frozen=True):
    """
    What a program did, and what it had better do otherwise.

    Args:
        version: of this format.
        started, ended: the first request and the last answer, in ISO 8601; empty without any.
        requests: to Graph; each request of a batch is one, and so is the batch.
        units: the resource units that they cost.
        token_requests: to the token service.
        pages, listings: how many pages were read, and how many listings they belong to.
        waits: how many refusals said how long to wait.
        forgotten: how many early calls are left out, since only the newest are kept.
    """

    version: int
    started: str
    ended: str
    requests: int
    units: int
    token_requests: int
    pages: int
    listings: int
    waits: int
    forgotten: int
    applications: list[ApplicationUse]
    routes: list[RouteUse]
    errors: list[ErrorUse]
    findings: list[Finding]

    def to_object(self) -> dict[str, Any]:
        """The report as a JSON object."""
        shown: dict[str, Any] = msgspec.to_builtins(self)
        # A tuple is an array in JSON, whose elements had no names.
        shown["findings"] = [finding._asdict() for finding in self.findings]
        return shown


def make_report(calls: Iterable[LoggedCall], *, forgotten: int = 0) -> Report:
    """
    What can be said of these calls, in any order.

    Args:
        calls: to Graph and to the token service.
        forgotten: how many more there were.
    """
    ordered = sorted(calls, key=attrgetter("started"))
    graph = [call for call in ordered if call.service == "graph"]
    chains = list_chains(graph)
    applications, permission_findings = _describe_applications(graph)
    findings = [
        *permission_findings,
        *find_early(ordered),
        *find_lost(ordered),
        *find_unread(chains),
        *find_small(chains),
        *_find_refused(ordered),
        *find_needless(ordered),
        *find_deprecated(ordered),
        *find_beta(graph),
    ]
    ranks = list(RULES)
    return Report(
        version=VERSION,
        started=format_iso(ordered[0].started) if ordered else "",
        ended=format_iso(max(call.ended for call in ordered)) if ordered else "",
        requests=len(graph),
        units=sum(call.units for call in graph),
        token_requests=sum(call.service == "token" for call in ordered),
        pages=sum(chain.pages for chain in chains),
        listings=len(chains),
        waits=count_waits(ordered).told,
        forgotten=forgotten,
        applications=applications,
        routes=_count_routes(ordered),
        errors=_count_errors(ordered),
        findings=sorted(findings, key=lambda one: (ranks.index(one.rule), one.subject)),
    )


def select_findings(report: Report, rules: Collection[str]) -> list[Finding]:
    """The findings of these rules."""
    return [finding for finding in report.findings if finding.rule in rules]


def parse_rules(text: str) -> frozenset[str]:
    """
    The rules in a list with commas; `all` is every rule.

    Raises:
        ValueError: there is no such rule.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    if "all" in names:
        return frozenset(RULES)
    for name in names:
        if name not in RULES:
            raise ValueError(f"there is no rule {name!r}; there are all, {', '.join(RULES)}")
    return frozenset(names)


def _count_routes(calls: Sequence[LoggedCall]) -> list[RouteUse]:
    groups: dict[tuple[str, str, str, str], list[LoggedCall]] = defaultdict(list)
    for call in calls:
        groups[call.service, call.method, call.route, call.version].append(call)
    return [
        RouteUse(
            *key,
            calls=len(group),
            units=sum(call.units for call in group),
            statuses={
                str(status): count
                for status, count in sorted(Counter(c.status for c in group).items())
            },
        )
        for key, group in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    ]


def _count_errors(calls: Sequence[LoggedCall]) -> list[ErrorUse]:
    counts = Counter((c.method, c.route, c.status, c.code) for c in calls if c.refused)
    return [ErrorUse(*key, count=count) for key, count in counts.most_common()]


def _find_refused(calls: Sequence[LoggedCall]) -> list[Finding]:
    # What is refused for want of a permission has a rule of its own.
    counts = Counter(
        (f"{call.method} {call.route}", call.caller.app_id if call.caller else "", call.code)
        for call in calls
        if call.refused
        and call.status not in TRANSIENT | _ORDINARY
        and not (call.status == 403 and call.known)
        # The emulator has no such route; what Graph would answer is not known here.
        and not (call.status == 501 and not call.known)
        and not (call.route.endswith("/delta") and call.code in _ORDINARY_OF_DELTA)
    )
    return [
        Finding(
            "refused-call",
            subject,
            f"was refused{f' with {code}' if code else ''}",
            f"graphdaemon explain {code}" if code else "Read what the answer says.",
            count,
            app_id,
        )
        for (subject, app_id, code), count in counts.items()
    ]


def _describe_applications(
    calls: Sequence[LoggedCall],
) -> tuple[list[ApplicationUse], list[Finding]]:
    groups: dict[AppCaller, list[LoggedCall]] = defaultdict(list)
    for call in calls:
        if call.caller is not None and call.status != 401:
            groups[call.caller].append(call)
    applications, findings = [], []
    for caller, group in groups.items():
        application, own = _describe_application(caller, group)
        applications.append(application)
        findings += own
    return applications, findings


def _describe_application(
    caller: AppCaller, calls: Sequence[LoggedCall]
) -> tuple[ApplicationUse, list[Finding]]:
    held = frozenset[str]().union(*(call.permissions for call in calls))
    made: set[str] = set()
    by_call: dict[str, list[Requirement]] = defaultdict(list)
    unknown: set[str] = set()
    for call in calls:
        subject = f"{call.method} {call.route}"
        requirements = list_requirements(call, made)
        by_call[subject] += requirements
        made.update(call.made)
        if not requirements and not call.known and call.route not in {"/$batch", "/$metadata", "/"}:
            unknown.add(subject)
    least = find_least(one for several in by_call.values() for one in several)
    uncovered = {
        subject: [one for one in several if not is_covered(one, held)]
        for subject, several in by_call.items()
    }
    missing = find_least(one for several in uncovered.values() for one in several)
    application = ApplicationUse(
        caller.app_id,
        caller.tenant_id,
        "delegated" if caller.delegated else "application",
        held=sorted(held),
        least=sorted(least),
        unneeded=sorted(held - least) if not unknown else [],
        missing=sorted(missing - held),
        unknown=sorted(unknown),
    )
    # What a user consented to besides is no fault of the program's: `openid` opens no route.
    surplus = () if caller.delegated else application.unneeded
    return application, [
        *_list_unneeded(application, surplus),
        *_list_missing(application, uncovered),
    ]


def _list_unneeded(application: ApplicationUse, names: Iterable[str]) -> list[Finding]:
    return [
        Finding(
            "unneeded-permission",
            name,
            f"nothing that {application.app_id} did needs {name}",
            f"Take it away; {_join(application.least)} {_verb(application.least)} all that it did."
            if application.least
            else "Take it away; nothing that it did needs a permission.",
            1,
            application.app_id,
        )
        for name in names
    ]


def _list_missing(
    application: ApplicationUse, uncovered: dict[str, list[Requirement]]
) -> list[Finding]:
    return [
        Finding(
            "missing-permission",
            subject,
            f"needs {_join(sorted(find_least(requirements)))}, which {application.app_id} has not",
            "Add the permission, and have an administrator consent to it.",
            1,
            application.app_id,
        )
        for subject, requirements in uncovered.items()
        if requirements
    ]


def _join(names: Sequence[str]) -> str:
    *first, last = names or ("nothing",)
    return f"{', '.join(first)} and {last}" if first else last


def _verb(names: Sequence[str]) -> str:
    return "covers" if len(names) == 1 else "cover"
