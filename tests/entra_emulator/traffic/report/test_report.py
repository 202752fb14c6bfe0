"""The report as a whole, from calls to its JSON."""

from __future__ import annotations

import msgspec
import pytest

from entra_emulator.traffic.report.finding import RULES
from entra_emulator.traffic.report.logged_call import AppCaller
from entra_emulator.traffic.report.report import make_report, parse_rules, select_findings
from tests.support.logged_calls import APP, TENANT, graph_call, token_call

HELD = frozenset({"User.Read.All", "Group.Read.All"})


def test_nothing() -> None:
    """Without a call there is an empty report."""
    report = make_report([])
    assert (report.requests, report.started, report.ended) == (0, "", "")
    assert [*report.findings, *report.routes, *report.applications] == []


def test_what_is_counted() -> None:
    """Requests, units, tokens, pages, waits, routes by number, refusals by code."""
    calls = [
        graph_call(items=100, next_link=b"2", units=2),
        graph_call(at=1, items=3, address=b"2", units=2),
        graph_call("/groups", at=2, status=429, code="TooManyRequests", retry_after=1.0),
        graph_call("/groups", at=9),
        graph_call("/groups", at=10, status=403, code="Authorization_RequestDenied"),
        token_call(at=0.5),
    ]
    report = make_report(reversed(calls), forgotten=7)

    assert (report.requests, report.units, report.token_requests) == (5, 7, 1)
    assert (report.pages, report.listings, report.waits, report.forgotten) == (2, 1, 1, 7)
    assert (report.started, report.ended) == ("1970-01-01T00:00:00Z", "1970-01-01T00:00:10Z")
    assert [(r.route, r.calls, r.units, r.statuses) for r in report.routes] == [
        ("/groups", 3, 3, {"200": 1, "403": 1, "429": 1}),
        ("/users", 2, 4, {"200": 2}),
        ("/{tenant}/oauth2/v2.0/token", 1, 0, {"200": 1}),
    ]
    assert {(e.status, e.code, e.count) for e in report.errors} == {
        (429, "TooManyRequests", 1),
        (403, "Authorization_RequestDenied", 1),
    }


def test_permissions() -> None:
    """Held, least, too many; each one that is too many is a finding, with what is enough."""
    report = make_report([graph_call(permissions=HELD)])
    (application,) = report.applications
    (finding,) = report.findings

    assert (application.app_id, application.tenant_id) == (APP, TENANT)
    assert (application.held, application.least) == (sorted(HELD), ["User.Read.All"])
    assert (application.unneeded, application.missing) == (["Group.Read.All"], [])
    assert (finding.rule, finding.subject) == ("unneeded-permission", "Group.Read.All")
    assert "User.Read.All covers all that it did" in finding.hint


def test_missing_permission() -> None:
    """A call that nothing held covers, whether it was refused or answered with less."""
    calls = [
        graph_call(permissions=HELD, status=403),
        graph_call("/applications", at=1, permissions=HELD, status=403),
    ]
    report = make_report(calls)
    missing = select_findings(report, {"missing-permission"})

    assert [(f.subject, f.rule) for f in missing] == [("GET /applications", "missing-permission")]
    assert "needs Application.Read.All, which app-1 has not" in missing[0].message
    assert report.applications[0].missing == ["Application.Read.All"]


def test_broader_permissions_are_not_missing() -> None:
    report = make_report([graph_call(permissions=frozenset({"Directory.Read.All"}))])
    (application,) = report.applications
    assert (application.missing, application.unneeded) == ([], ["Directory.Read.All"])


def test_unknown_calls() -> None:
    """Where nobody knows what a call needs, no permission is said to be too many."""
    report = make_report([graph_call("/users/{id}/photo", known=False, permissions=HELD)])
    (application,) = report.applications
    assert application.unknown == ["GET /users/{id}/photo"]
    assert (application.unneeded, report.findings) == ([], [])


def test_what_an_application_made_is_its_own() -> None:
    """Writing what it created needs less than writing what others did."""
    own = [
        graph_call("/applications", "POST", status=201, made=("o1", "a1")),
        graph_call("/applications/{key}", "PATCH", at=1, key="o1"),
    ]
    other = graph_call("/applications/{key}", "PATCH", at=2, key="o2")

    assert make_report(own).applications[0].least == ["Application.ReadWrite.OwnedBy"]
    assert make_report([*own, other]).applications[0].least == ["Application.ReadWrite.All"]


def test_each_caller_by_itself() -> None:
    """Applications, and the same one for a user, have permissions of their own."""
    user = AppCaller(APP, TENANT, delegated=True)
    scopes = frozenset({"User.Read", "openid"})
    report = make_report(
        [graph_call(permissions=HELD), graph_call("/me", caller=user, permissions=scopes)]
    )
    assert {(a.kind, *a.least) for a in report.applications} == {
        ("application", "User.Read.All"),
        ("delegated", "User.Read"),
    }
    assert all(f.subject != "openid" for f in report.findings)


def test_bad_tokens_are_no_callers() -> None:
    """What a refused token says of itself is nobody's permission."""
    report = make_report([graph_call(status=401, permissions=HELD, code="X")])
    assert report.applications == []
    assert [finding.rule for finding in report.findings] == ["refused-call"]


@pytest.mark.parametrize(
    ("status", "refused"), [(400, 1), (401, 1), (404, 0), (409, 0), (429, 0), (501, 1), (503, 0)]
)
def test_refused_calls(status: int, refused: int) -> None:
    """What will be refused again; not what passes, and not what is often the answer looked for."""
    report = make_report([graph_call(status=status, code="Bad")])
    findings = select_findings(report, {"refused-call"})
    assert [finding.hint for finding in findings] == ["graphdaemon explain Bad"] * refused


def test_what_the_emulator_does_not_serve() -> None:
    """It is no fault of the program's: Graph itself may well serve it."""
    report = make_report(
        [graph_call("/agreements", status=501, code="NotImplemented", known=False)]
    )
    assert select_findings(report, {"refused-call"}) == []


@pytest.mark.parametrize(
    ("route", "code", "refused"),
    [
        ("/users/delta", "syncStateNotFound", 0),
        ("/users/delta", "Request_BadRequest", 1),
        ("/users", "syncStateNotFound", 1),
    ],
)
def test_a_delta_link_that_ended(route: str, code: str, refused: int) -> None:
    """It ends for every client that was away for long; nothing is wrong with one that uses it."""
    report = make_report([graph_call(route, status=410, code=code)])
    assert len(select_findings(report, {"refused-call"})) == refused


def test_findings_come_by_rule() -> None:
    """In the order of the rules, whatever came first."""
    calls = [
        graph_call(version="beta", permissions=HELD, items=1, next_link=b"x"),
        token_call(),
        token_call(at=1),
    ]
    rules = [finding.rule for finding in make_report(calls).findings]
    assert rules == ["unneeded-permission", "unread-pages", "token-not-reused", "beta-call"]
    assert rules == sorted(rules, key=list(RULES).index)


def test_as_json() -> None:
    """Every part has names."""
    shown = make_report([graph_call(permissions=HELD)]).to_object()
    assert msgspec.json.decode(msgspec.json.encode(shown)) == shown
    assert shown["version"] == 1
    assert shown["findings"][0]["rule"] == "unneeded-permission"
    assert shown["routes"][0]["route"] == "/users"


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("", set[str]()),
        ("unread-pages", {"unread-pages"}),
        (" unread-pages , beta-call,", {"unread-pages", "beta-call"}),
        ("all", set(RULES)),
    ],
)
def test_rules(text: str, rules: set[str]) -> None:
    assert parse_rules(text) == rules


def test_unknown_rule() -> None:
    with pytest.raises(ValueError, match="there is no rule 'unread-page'; there are all, missing-"):
        parse_rules("unread-page")
