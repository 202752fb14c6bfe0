"""What a recorded run needs, against what its app holds."""

from __future__ import annotations

import json
from typing import Any

import pytest

from entra_emulator.traffic.report.files import write_report
from entra_emulator.traffic.report.report import make_report
from graphdaemon.client.reports.needs import Run, RunVerdict, judge, read_run
from graphdaemon.errors import UsageError
from tests.support.logged_calls import graph_call, token_call

USERS = ("GET", "/users")
GROUPS = ("GET", "/groups/{key}/members")


def run(*calls: tuple[str, str], least: str = "", unknown: tuple[str, ...] = ()) -> Run:
    return Run(frozenset(least.split()), frozenset(), calls, unknown)


def test_what_nothing_needs_can_go_all_at_once() -> None:
    """Of two that both do the same needlessly, both go; what stays is what is least."""
    granted = {"User.Read.All", "Directory.Read.All", "Directory.ReadWrite.All", "Mail.Send"}

    verdict = judge(run(USERS, least="User.Read.All"), granted, ())

    assert verdict == RunVerdict(
        not_needed=frozenset({"Directory.Read.All", "Directory.ReadWrite.All", "Mail.Send"})
    )


def test_a_broad_permission_stays_until_a_narrow_one_is_granted() -> None:
    """Only one of the two broad ones can go: taken together they would leave nothing."""
    granted = {"Directory.Read.All", "Directory.ReadWrite.All"}

    verdict = judge(run(USERS, least="User.Read.All"), granted, ())

    assert verdict.not_needed == {"Directory.Read.All"}
    assert verdict.too_broad == {"Directory.ReadWrite.All"}
    assert verdict.not_granted == frozenset()


def test_what_nothing_covers_is_not_granted() -> None:
    verdict = judge(
        run(USERS, GROUPS, least="User.Read.All GroupMember.Read.All"), {"User.Read.All"}, ()
    )

    assert verdict == RunVerdict(not_granted=frozenset({"GroupMember.Read.All"}))


def test_nothing_is_needless_where_the_needs_are_not_known() -> None:
    verdict = judge(
        run(USERS, least="User.Read.All", unknown=("GET /me/x",)),
        {"User.Read.All", "Mail.Send"},
        (),
    )

    assert verdict == RunVerdict()


def test_delegated_permissions_are_compared_by_name() -> None:
    own = Run(frozenset(), frozenset({"User.Read", "Mail.Read"}), (), ())

    verdict = judge(own, (), {"openid", "User.Read", "Files.Read"})

    assert verdict.delegated_excess == {"Files.Read"}
    assert verdict.delegated_absent == {"Mail.Read"}


def document(*apps: dict[str, Any]) -> bytes:
    routes = [
        {"service": "graph", "method": "GET", "route": "/users"},
        {"service": "token", "method": "POST", "route": "/token"},
    ]
    return json.dumps({"version": 1, "applications": apps, "routes": routes}).encode()


APP = {"app_id": "emulated", "kind": "application", "least": ["User.Read.All"], "unknown": []}
OTHER = {"app_id": "other", "kind": "delegated", "least": ["User.Read"]}


def test_the_only_app_of_a_report_stands_for_the_one_in_the_tenant() -> None:
    read = read_run(document(APP), "real")

    assert read == Run(frozenset({"User.Read.All"}), frozenset(), (("GET", "/users"),), ())


def test_a_report_is_read_as_the_emulator_writes_it() -> None:
    """The least permissions and the calls; a call that nobody knows anything of is named."""
    calls = [
        graph_call(permissions=frozenset({"User.Read.All", "Mail.Send"})),
        graph_call("/devices", permissions=frozenset({"Directory.Read.All"})),
        token_call(),
    ]
    content = write_report(make_report(calls), ".json")

    read = read_run(content, "real")

    assert read.least <= {"User.ReadBasic.All", "User.Read.All", "Device.Read.All"}
    assert len(read.least) == 2
    assert read.calls == (("GET", "/devices"), ("GET", "/users"))
    assert (read.unknown, read.least_delegated) == ((), frozenset())


def test_of_several_apps_the_one_of_the_client_id_is_taken() -> None:
    assert read_run(document(APP, OTHER), "other").least_delegated == {"User.Read"}
    with pytest.raises(UsageError, match="2 apps, and none of them is real") as caught:
        read_run(document(APP, OTHER), "real")
    assert "emulated, other" in str(caught.value.hint)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"\xff", b'{"version": 1}', b"[" * 100_000, document()]
)
def test_a_file_that_is_no_report_is_refused(content: bytes) -> None:
    with pytest.raises(UsageError) as caught:
        read_run(content, "real")
    assert caught.value.hint
