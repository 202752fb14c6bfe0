from __future__ import annotations

from entra_emulator.traffic.report.report import make_report
from entra_emulator.traffic.report.text import MOST_ROUTES, write_lines
from tests.support.logged_calls import graph_call


def test_text() -> None:
    """What was done, what it needs, what is wrong and what to do, each on its line."""
    held = frozenset({"User.Read.All", "Group.Read.All"})
    calls = [
        graph_call(permissions=held, items=1, next_link=b"x"),
        graph_call("/applications", permissions=held, status=403, code="Authorization_Denied"),
        graph_call("/users/{id}/photo", version="beta", known=False, permissions=held, status=0),
    ]
    lines = list(write_lines(make_report(calls, forgotten=5)))

    assert lines[0].startswith("3 requests to Graph (3 units), 0 for tokens; 1 page in 1 listing")
    assert "5 earlier calls are forgotten, and not counted below" in lines
    assert "       1  GET /users/{id}/photo  (beta)  1 unit" in lines
    assert "       1  403 Authorization_Denied  GET /applications" in lines
    assert any("no answer" in line for line in lines)
    assert "  has      Group.Read.All, User.Read.All" in lines
    assert "  needs    Application.Read.All, User.Read.All" in lines
    assert "  lacks    Application.Read.All" in lines
    assert "  unknown  what GET /users/{id}/photo needs" in lines
    assert "4 findings" in lines


def test_nothing_wrong() -> None:
    held = frozenset({"User.Read.All"})
    lines = list(write_lines(make_report([graph_call(permissions=held)])))
    assert lines[-1] == "Nothing to complain about"


def test_many_routes() -> None:
    """The longest list is cut, and says so."""
    calls = [graph_call(f"/route{number}", known=False) for number in range(MOST_ROUTES + 3)]
    assert "          and 3 more routes" in list(write_lines(make_report(calls)))
