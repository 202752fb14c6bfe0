import itertools
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entra_emulator.content.seeding.users import draw_users
from entra_emulator.errors import GraphRefusal
from entra_emulator.graph.query.compile import compile_match
from entra_emulator.graph.query.filter import parse_filter
from tests.support.emulator_probe import App, Probe, register
from tests.support.filter_meaning import Case, cases, fold
from tests.support.graph_queries import judge_filter, no_property, text_of

USERS = list(draw_users(250, 0))
DOCUMENTS = [msgspec.json.encode(user) for user in USERS]


@settings(max_examples=40)
@given(
    case=cases("user"), top=st.integers(20, 300), order=st.sampled_from([None, "displayName desc"])
)
def test_walk(filtered: Callable[..., list[str]], case: Case, top: int, order: str | None) -> None:
    """Walking a filtered list over HTTP yields exactly the users that match, once, in order."""
    expected = [(n, user) for n, user in enumerate(USERS) if case.meaning(user)]
    if order:
        expected.sort(key=lambda entry: (fold(entry[1]["displayName"]), entry[0]), reverse=True)

    found = filtered(case.text, top, order)

    wanted = [user["id"] for _, user in expected]
    assert (found if order else sorted(found)) == (wanted if order else sorted(wanted))


@pytest.fixture(scope="module")
def filtered(app: App, token: str) -> Callable[..., list[str]]:
    def walk(text: str, top: int, order: str | None) -> list[str]:
        options = f"$filter={quote(text)}&$count=true&$top={top}&$select=id"
        target = f"/v1.0/users?{options}" + (f"&$orderby={quote(order)}" if order else "")
        found, total = [], None
        while target:
            answer = app.get(target, token, ConsistencyLevel="eventual")
            assert answer.status == 200, answer.body
            page = answer.json()
            total = page.get("@odata.count", total)
            found += [user["id"] for user in page["value"]]
            target = page.get("@odata.nextLink", "")
        assert total == len(found)
        return found

    return walk


PRECEDENCE = {
    "accountEnabled eq false or accountEnabled eq true and mail eq null": lambda u: (
        not u["accountEnabled"] or u.get("mail") is None
    ),
    "not accountEnabled eq true and mail ne null": lambda u: not u["accountEnabled"],
    "not(startswith(mail,'a') eq true)": lambda u: not u["mail"].startswith("a"),
    "startswith(mail,'a') eq false": lambda u: not u["mail"].startswith("a"),
    "NOT startsWith(mail,'a') AND accountEnabled EQ true": lambda u: (
        not u["mail"].startswith("a") and u["accountEnabled"]
    ),
    "id eq 70dc2de2-9270-407e-86e8-34f8000dcf5b": lambda u: u is USERS[0],
    "id in ('70DC2DE2-9270-407e-86e8-34f8000dcf5b')": lambda u: u is USERS[0],
    "createdDateTime ge 2021-09-25": lambda u: u["createdDateTime"] >= "2021-09-25",
    "employeeHireDate le 2021-09-25T02:00:00+02:00": lambda u: (
        "employeeHireDate" in u and u["employeeHireDate"] <= "2021-09-25T00:00:00Z"
    ),
    "proxyAddresses/any(p:startswith(p,'smtp:') and endswith(p,'.com'))": lambda u: any(
        fold(p).startswith("smtp:") and p.endswith(".com") for p in u["proxyAddresses"]
    ),
    "proxyAddresses/any(p:not(startswith(p,'SMTP:li')))": lambda u: any(
        not fold(p).startswith("smtp:li") for p in u["proxyAddresses"]
    ),
    "otherMails/any()": lambda u: bool(u.get("otherMails")),
    "not otherMails/any() and otherMails/$count eq 0": lambda u: not u.get("otherMails"),
}


@pytest.mark.parametrize(("text", "meaning"), PRECEDENCE.items(), ids=list(PRECEDENCE))
def test_grammar(text: str, meaning: Callable[[Mapping[str, Any]], bool]) -> None:
    """`not` binds closest, then `and`, then `or`; literals and lambdas mean what OData says."""
    matches = compile_match(parse_filter("user", text))

    assert list(map(matches, DOCUMENTS)) == list(map(meaning, USERS))


MALFORMED = [
    *["", "mail", "mail eq", "eq 'x'", "mail eq 'x", "mail eq 'x' and", "mail in ()"],
    *["mail eq 'x' mail eq 'y'", "(mail eq 'x'", "mail eq 'x')", "mail in 'x'", "mail is 'x'"],
    *["nothing eq 'x'", "mail eq 1", "accountEnabled eq 'true'", "createdDateTime ge 2021-13-01"],
    *["createdDateTime ge '2021-01-01'", "startswith(mail)", "startswith(mail,1)"],
    *["startswith(mail,null)", "startswith(accountEnabled,'t')", "startswith(mail,'x') eq 'true'"],
    *["tolower(mail) eq 'x'", "mail eq 'x' or 'y'", "mail eq \u00e4", ";drop table"],
    "((((" * 30 + "mail eq 'x'" + "))))" * 30,
    "not " * 200 + "mail eq 'x'",
    "mail eq 'x' and " * 3 + "mail",
    *["identities/issuer eq 'x'", "mail/any(p:p eq 'x')", "mail/$count eq 0", "nothing/any(p:p)"],
    *["proxyAddresses eq 'x'", "proxyAddresses/any(p:mail eq 'x')", "proxyAddresses/any(p)"],
    *["proxyAddresses/any(p:p eq 'x'", "proxyAddresses/any(p:p/x eq 'x')", "proxyAddresses/any"],
    *["proxyAddresses/any(p/q:p eq 'x')", "proxyAddresses/any(p:)", "proxyAddresses/$count eq 'x'"],
    *["assignedLicenses/any(l:l/skuId eq 'x')", "assignedLicenses/any(l:l/nothing eq 'x')"],
    *["assignedLicenses/any(l:l eq 'x')", "proxyAddresses/$count is 0", "mail/x eq 'x'"],
    *["manager/nothing eq 'x'", "employeeOrgData/nothing eq 'x'", "id/$count/x eq 'y'"],
]


@pytest.mark.parametrize("text", MALFORMED)
def test_malformed(text: str) -> None:
    """Whatever is not a filter is refused at the gateway as an invalid filter clause."""
    with pytest.raises(GraphRefusal, match=re.escape("Invalid filter clause: ")) as caught:
        compile_match(parse_filter("user", text))

    assert (caught.value.status, caught.value.code) == (400, "BadRequest")


def test_texts_of_odata() -> None:
    """Wrong types and unknown names are refused in OData's own words."""
    assert judge_filter("assignedLicenses/any(l:l/skuId eq 'x')") == (
        "Invalid filter clause: A binary operator with incompatible types was detected. Found "
        "operand types 'Edm.Guid' and 'Edm.String' for operator kind 'Equal'."
    )
    assert judge_filter("assignedLicenses/any(l:l/sku eq 'x')") == (
        "Invalid filter clause: Could not find a property named 'sku' on type "
        "'microsoft.graph.assignedLicense'."
    )


def test_range_of_strings() -> None:
    """`ge` on a name works as public programs use it, or not at all when strict."""
    text = "userPrincipalName ge 'a'"

    assert judge_filter("id ge 'x'") == text_of("id_equality_only")
    assert judge_filter(text) == "ok"
    assert judge_filter(text, strict=True) == no_property("userPrincipalName")


def test_closed_ranges_cover(filtered: Callable[..., list[str]]) -> None:
    """Closed key ranges, even badly sorted, cover every user."""
    bounds = ["m", "c", "x", "j"]
    names = [f"userPrincipalName le '{bounds[0]}'", f"userPrincipalName ge '{bounds[-1]}'"]
    names += [
        f"userPrincipalName ge '{low}' and userPrincipalName le '{high}'"
        for low, high in itertools.pairwise(bounds)
    ]

    found = {user_id for name in names for user_id in filtered(name, 999, None)}

    assert found == {user["id"] for user in USERS}


def test_strict_emulator(launch: Callable[..., Probe]) -> None:
    """An emulator can be told to refuse ranges of names as the documentation does."""
    app = register(launch(strict_filter=True, users=3), "User.Read.All")

    answer = app.get("/v1.0/users?$filter=displayName%20ge%20'a'")

    assert answer.code == "Request_UnsupportedQuery"
