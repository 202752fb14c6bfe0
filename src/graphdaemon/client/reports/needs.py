"""What a recorded run of a program needs of Microsoft Graph, against what its app may do. Pure."""

from collections.abc import Collection, Iterable
from typing import NamedTuple

import msgspec

from graphdaemon.diagnosis.permissions import Need, find_need
from graphdaemon.errors import UsageError

# What a program gets with any sign-in, and what opens no route by itself.
_SIGN_IN = frozenset({"openid", "profile", "email", "offline_access"})


class _Application(msgspec.Struct):
    app_id: str
    kind: str
    least: list[str]
    unknown: list[str] = []


class _Route(msgspec.Struct):
    service: str
    method: str
    route: str


class _Document(msgspec.Struct):
    version: int
    applications: list[_Application]
    routes: list[_Route] = []


class Run(NamedTuple):
    """
    What a program did while it was recorded.

    Attributes:
        least: The least application permissions that cover it.
        least_delegated: The least delegated permissions that cover it.
        calls: The methods and paths that it called as itself.
        unknown: Calls of which it is not known what they need.
    """

    least: frozenset[str]
    least_delegated: frozenset[str]
    calls: tuple[tuple[str, str], ...]
    unknown: tuple[str, ...]


class RunVerdict(NamedTuple):
    """
    What a run says of the permissions of its app on Microsoft Graph.

    Attributes:
        not_needed: Application permissions that can go, all of them at once.
        too_broad: Those that have to stay until a narrower one, among the least, is granted.
        not_granted: Those of the least for which nothing that is granted does as well.
        delegated_excess: Delegated permissions that are not among the least.
        delegated_absent: Those of the least that are not granted.
    """

    not_needed: frozenset[str] = frozenset()
    too_broad: frozenset[str] = frozenset()
    not_granted: frozenset[str] = frozenset()
    delegated_excess: frozenset[str] = frozenset()
    delegated_absent: frozenset[str] = frozenset()


def read_run(content: bytes, app_id: str) -> Run:
    """
    Read the report of a run, as `emulator exec --report-to report.json` writes it.

    A run against the emulator has its own app; where the report knows no app of this client ID, and
    only one app, that one stands for it.

    Args:
        content: The JSON of the report.
        app_id: The client ID of the app in the tenant.

    Raises:
        UsageError: It is no such report, or has several apps and not this one.
    """
    try:
        document = msgspec.json.decode(content, type=_Document)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise UsageError(
            "--run: the file is not a JSON report of a run",
            code="option_invalid",
            hint="Write one: graphdaemon emulator exec --report-to run.json -- python program.py",
        ) from None
    apps = sorted({one.app_id for one in document.applications})
    chosen = app_id if app_id in apps else apps[0] if len(apps) == 1 else None
    if chosen is None:
        raise UsageError(
            f"--run: the report is of {len(apps)} apps, and none of them is {app_id}",
            code="option_invalid",
            hint=f"Name the app with --app: {', '.join(apps)}."
            if apps
            else "Record a run in which the program asks Microsoft Graph something.",
        )
    own = [one for one in document.applications if one.app_id == chosen]
    least = (name for one in own if one.kind == "application" for name in one.least)
    delegated = (name for one in own if one.kind == "delegated" for name in one.least)
    calls = {(one.method, one.route) for one in document.routes if one.service == "graph"}
    return Run(
        frozenset(least),
        frozenset(delegated),
        tuple(sorted(calls)),
        tuple(sorted({call for one in own for call in one.unknown})),
    )


def judge(run: Run, granted: Collection[str], delegated: Collection[str]) -> RunVerdict:
    """
    Compare a run with what its app may do on Microsoft Graph.

    Args:
        run: What it did.
        granted: Its application permissions.
        delegated: Its delegated permissions.
    """
    needs = [need for call in run.calls if (need := find_need(*call)) is not None]
    # A run as a user has calls that an app's own permissions need not cover.
    needs = [need for need in needs if not run.least.isdisjoint(need.accepted)]
    kept, not_needed = set(granted), set[str]()
    if not run.unknown:
        for name in sorted(set(granted) - run.least):
            if _covers(kept - {name}, granted, needs):
                kept.discard(name)
                not_needed.add(name)
    absent = {
        name
        for name in run.least - set(granted)
        if not _covers(granted, run.least, [n for n in needs if name in n.accepted])
    }
    return RunVerdict(
        frozenset(not_needed),
        frozenset(kept - run.least) if not run.unknown else frozenset(),
        frozenset(absent),
        frozenset(set(delegated) - run.least_delegated - _SIGN_IN)
        if run.least_delegated
        else frozenset(),
        run.least_delegated - set(delegated),
    )


def _covers(held: Collection[str], before: Collection[str], needs: Iterable[Need]) -> bool:
    """Whether `held` opens each of the calls that `before` opens."""
    return all(need.is_met(held) for need in needs if need.is_met(before))
