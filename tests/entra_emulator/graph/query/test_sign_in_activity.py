"""Filters on `signInActivity`, compiled."""

from urllib.parse import quote

import pytest

from entra_emulator.directory.sign_ins import read_last_sign_ins
from entra_emulator.errors import GraphRefusal
from entra_emulator.graph.query.options import Query, read_query

ACTIVITY = {
    "lastSignInDateTime": "2026-03-01T09:00:00Z",
    "lastSignInRequestId": "11111111-1111-4111-8111-111111111100",
    "lastNonInteractiveSignInDateTime": None,
    "lastNonInteractiveSignInRequestId": None,
    "lastSuccessfulSignInDateTime": "2026-02-01T09:00:00Z",
    "lastSuccessfulSignInRequestId": "22222222-2222-4222-8222-222222222200",
}


def read(condition: str, more: str = "", *, eventual: bool = False) -> Query:
    return read_query("user", f"$filter={quote(condition)}{more}", eventual=eventual)


CONDITIONS = {
    "signInActivity/lastSignInDateTime le 2026-03-01T09:00:00Z": True,
    "signInActivity/lastSignInDateTime lt 2026-03-01T09:00:00Z": False,
    "signInActivity/lastSignInDateTime lt 2026-03-01T09:00:01Z": True,
    "signInActivity/lastSignInDateTime gt 2026-02-28": True,
    "signInActivity/lastSignInDateTime gt 2026-03-01T09:00:00Z": False,
    "signInActivity/lastSignInDateTime eq 2026-03-01T09:00:00Z": True,
    "signInActivity/lastSignInDateTime ne 2026-03-01T09:00:00Z": False,
    "not(signInActivity/lastSignInDateTime ge 2026-03-02)": True,
    "signInActivity/lastNonInteractiveSignInDateTime le 2030-01-01": False,
    "signInActivity/lastNonInteractiveSignInDateTime lt 2030-01-01": False,
    "signInActivity/lastNonInteractiveSignInDateTime gt 2020-01-01": False,
    "SIGNINACTIVITY/lastsuccessfulsignindatetime le 2026-02-01T09:00:00Z": True,
    "signInActivity/lastSignInDateTime ge 2026-01-01 and "
    "signInActivity/lastSuccessfulSignInDateTime le 2026-02-02": True,
    "(signInActivity/lastSignInDateTime le 2020-01-01) or "
    "(signInActivity/lastSuccessfulSignInDateTime le 2020-01-01)": False,
    "signInActivity/lastSignInRequestId eq '11111111-1111-4111-8111-111111111100'": True,
}


@pytest.mark.parametrize(("condition", "fulfilled"), CONDITIONS.items())
def test_an_activity_fulfils_what_it_should(condition: str, fulfilled: bool) -> None:
    query = read(condition)

    assert query.activity is not None
    assert query.match is None
    assert query.activity(read_last_sign_ins(1, ACTIVITY)) is fulfilled


def refuse(condition: str, more: str = "", *, eventual: bool = False) -> tuple[str, str]:
    with pytest.raises(GraphRefusal) as caught:
        read(condition, more, eventual=eventual)
    return caught.value.code, caught.value.message


def test_no_other_property_is_filtered_searched_or_sorted_by_besides() -> None:
    condition = "signInActivity/lastSignInDateTime le 2026-03-01"
    refusals = {
        refuse(f"{condition} and accountEnabled eq true"),
        refuse(f"{condition} or startswith(displayName,'A')"),
        refuse(condition, "&$orderby=displayName", eventual=True),
        refuse(condition, '&$search="displayName:a"', eventual=True),
    }

    assert [code for code, _ in refusals] == ["Request_UnsupportedQuery"]


def test_what_is_not_documented_of_the_activity_is_said_to_be_missing() -> None:
    code, message = refuse("signInActivity eq null")
    assert (code, "signInActivity" in message) == ("NotImplemented", True)
    code, message = refuse("startswith(signInActivity/lastSignInRequestId,'a')")
    assert (code, "signInActivity" in message) == ("NotImplemented", True)


def test_elsewhere_than_in_lists_of_users_the_activity_is_refused() -> None:
    with pytest.raises(GraphRefusal) as caught:
        read_query("user", "$select=signInActivity", eventual=False, related=True)
    assert caught.value.status == 501


def test_a_page_with_activities_holds_500_users_at_most() -> None:
    def top(raw: str) -> int:
        return read_query("user", raw, eventual=False).top

    assert top("$select=signInActivity&$top=999") == 500
    assert top("$filter=signInActivity/lastSignInDateTime%20le%202026-01-01&$top=501") == 500
    assert top("$select=id,signInActivity") == 100
    assert top("$select=signInActivity&$top=20") == 20
    assert top("$select=id&$top=999") == 999
