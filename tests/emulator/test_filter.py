import itertools
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphdaemon.emulator.errors import GraphFault
from graphdaemon.emulator.graph.filter import compile_filter, parse_filter
from graphdaemon.emulator.graph.odata import read_query
from graphdaemon.emulator.refusal import GRAPH
from graphdaemon.emulator.graph.search import parse_search
from graphdaemon.emulator.seed import draw_users
from tests.emulator.probe import App, Probe, register

USERS = list(draw_users(250, 0))

# A filter and what it means, made side by side: the meaning never looks at the text.
Case = tuple[str, Callable[[Mapping[str, Any]], bool]]

STRINGS = ("displayName", "givenName", "department", "jobTitle", "city", "officeLocation", "mail")
VALUES = [str(user[name]) for name in STRINGS for user in USERS if name in user]


def fold(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


def quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


@st.composite
def string_comparisons(draw: st.DrawFn) -> Case:
    name = draw(st.sampled_from(STRINGS))
    value = draw(st.sampled_from(VALUES) | st.text(max_size=5))
    spelled = draw(st.sampled_from([name, name.lower(), name.upper()]))
    if draw(st.booleans()):
        return f"{spelled} eq {quoted(value)}", lambda u: fold(u.get(name)) == fold(value)
    return f"{spelled} ne {quoted(value)}", lambda u: fold(u.get(name)) != fold(value)


@st.composite
def nulls(draw: st.DrawFn) -> Case:
    name = draw(st.sampled_from(STRINGS))
    if draw(st.booleans()):
        return f"{name} eq null", lambda u: u.get(name) is None
    return f"{name} ne null", lambda u: u.get(name) is not None


@st.composite
def memberships(draw: st.DrawFn) -> Case:
    name = draw(st.sampled_from(STRINGS))
    values = draw(st.lists(st.sampled_from(VALUES), min_size=1, max_size=5))
    listed = ", ".join(map(quoted, values))
    return f"{name} in ({listed})", lambda u: fold(u.get(name)) in [fold(v) for v in values]


@st.composite
def matches(draw: st.DrawFn) -> Case:
    value = draw(st.sampled_from(VALUES))
    if draw(st.booleans()):
        name, part = draw(st.sampled_from(STRINGS)), value[: draw(st.integers(0, 4))]
        function = draw(st.sampled_from(["startswith", "startsWith", "StartsWith"]))

        def starts(user: Mapping[str, Any]) -> bool:
            return user.get(name) is not None and bool(fold(user[name]).startswith(fold(part)))

        return f"{function}({name},{quoted(part)})", starts
    tail = value[-draw(st.integers(1, 4)) :]
    return f"endsWith( mail , {quoted(tail)} )", lambda u: fold(u["mail"]).endswith(fold(tail))


@st.composite
def booleans(draw: st.DrawFn) -> Case:
    wanted = draw(st.booleans())
    return f"accountEnabled eq {str(wanted).lower()}", lambda u: u["accountEnabled"] is wanted


@st.composite
def dates(draw: st.DrawFn) -> Case:
    moment = draw(st.datetimes(datetime(2015, 1, 1), datetime(2026, 1, 1)))  # noqa: DTZ001 - UTC below
    moment = moment.replace(microsecond=0, tzinfo=UTC)
    text = f"{moment:%Y-%m-%dT%H:%M:%S}"
    suffix = draw(st.sampled_from(["Z", ".0Z", "+00:00"]))
    later = draw(st.booleans())

    def meaning(user: Mapping[str, Any]) -> bool:
        created = datetime.fromisoformat(user["createdDateTime"])
        return created >= moment if later else created <= moment

    return f"createdDateTime {'ge' if later else 'le'} {text}{suffix}", meaning


@st.composite
def ranges(draw: st.DrawFn) -> Case:
    name = draw(st.sampled_from(["userPrincipalName", "displayName"]))
    value = draw(st.sampled_from(VALUES))
    if draw(st.booleans()):
        return f"{name} ge {quoted(value)}", lambda u: fold(u[name]) >= fold(value)
    return f"{name} le {quoted(value)}", lambda u: fold(u[name]) <= fold(value)


LEAVES = (
    string_comparisons() | nulls() | memberships() | matches() | booleans() | dates() | ranges()
)


def negate(case: Case) -> Case:
    text, meaning = case
    return f"not ({text})", lambda u: not meaning(u)


def join(pair: tuple[Case, Case], word: str) -> Case:
    (left, first), (right, second) = pair
    if word == "and":
        return f"({left}) and ({right})", lambda u: first(u) and second(u)
    return f"({left}) or ({right})", lambda u: first(u) or second(u)


CASES = st.recursive(
    LEAVES,
    lambda inner: (
        inner.map(negate) | st.builds(join, st.tuples(inner, inner), st.sampled_from(["and", "or"]))
    ),
    max_leaves=5,
)


@settings(max_examples=150, deadline=None)
@given(CASES)
def test_meaning(case: Case) -> None:
    """A compiled filter takes exactly the users that its meaning takes."""
    text, meaning = case

    matches = compile_filter(parse_filter("user", text))

    assert [matches(user) for user in USERS] == [meaning(user) for user in USERS]


@settings(max_examples=40, deadline=None)
@given(case=CASES, top=st.integers(20, 300), order=st.sampled_from([None, "displayName desc"]))
def test_walk(filtered: Callable[..., list[str]], case: Case, top: int, order: str | None) -> None:
    """Walking a filtered list over HTTP yields exactly the users that match, once, in order."""
    text, meaning = case
    expected = [user for user in USERS if meaning(user)]
    if order:
        expected = [
            user
            for _, _, user in sorted(
                ((fold(u["displayName"]), n, u) for n, u in enumerate(expected)),
                key=lambda entry: entry[:2],
                reverse=True,
            )
        ]

    assert filtered(text, top, order) == [user["id"] for user in expected]


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
    "id eq 70dc2de2-9270-407e-86e8-34f8000dcf5b": lambda u: u is USERS[0],
    "id in ('70DC2DE2-9270-407e-86e8-34f8000dcf5b')": lambda u: u is USERS[0],
    "createdDateTime ge 2021-09-25": lambda u: u["createdDateTime"] >= "2021-09-25",
    "employeeHireDate le 2021-09-25T02:00:00+02:00": lambda u: (
        "employeeHireDate" in u and u["employeeHireDate"] <= "2021-09-25T00:00:00Z"
    ),
}


@pytest.mark.parametrize(("text", "meaning"), PRECEDENCE.items(), ids=list(PRECEDENCE))
def test_grammar(text: str, meaning: Callable[[Mapping[str, Any]], bool]) -> None:
    """`not` binds closest, then `and`, then `or`; literals mean what OData says."""
    matches = compile_filter(parse_filter("user", text))

    assert [matches(user) for user in USERS] == [meaning(user) for user in USERS]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "mail",
        "mail eq",
        "eq 'x'",
        "mail eq 'x",
        "mail eq 'x' and",
        "mail eq 'x' mail eq 'y'",
        "(mail eq 'x'",
        "mail eq 'x')",
        "mail in ()",
        "mail in 'x'",
        "mail EQ 'x'",
        "mail is 'x'",
        "nothing eq 'x'",
        "mail eq 1",
        "accountEnabled eq 'true'",
        "createdDateTime ge '2021-01-01'",
        "createdDateTime ge 2021-13-01",
        "startswith(mail)",
        "startswith(mail,1)",
        "startswith(mail,null)",
        "startswith(accountEnabled,'t')",
        "startswith(mail,'x') eq 'true'",
        "tolower(mail) eq 'x'",
        "mail eq 'x' or 'y'",
        "mail eq \u00e4",
        "((((" * 30 + "mail eq 'x'" + "))))" * 30,
        "not " * 200 + "mail eq 'x'",
        "mail eq 'x' and " * 3 + "mail",
        ";drop table",
    ],
)
def test_malformed(text: str) -> None:
    """Whatever is not a filter is refused at the gateway as an invalid filter clause."""
    with pytest.raises(GraphFault, match=re.escape("Invalid filter clause: ")) as caught:
        compile_filter(parse_filter("user", text))

    assert (caught.value.status, caught.value.code) == (400, "BadRequest")


def ask(text: str, *, eventual: bool = False, count: bool = False, strict: bool = False) -> str:
    """ "ok", or the message of the refusal."""
    raw = f"$filter={quote(text)}" + ("&$count=true" if count else "")
    try:
        read_query("user", raw, eventual=eventual, strict=strict)
    except GraphFault as fault:
        return fault.message
    return "ok"


def refused(word: str, **values: object) -> str:
    return GRAPH[word].message.format(**values)


NOT_EQUALS = refused("operator_refused", operator="NotEqualsMatch")
ADVANCED = {
    "mail ne 'x'": NOT_EQUALS,
    "accountEnabled ne true": NOT_EQUALS,
    "not startswith(mail,'x')": refused("header_missing", operator="not"),
    "endsWith(mail,'x')": refused("header_missing", operator="endsWith"),
    "companyName eq 'x'": refused("property_refused", name="companyName", kind="User"),
    "startswith(officeLocation,'x')": refused(
        "property_refused", name="officeLocation", kind="User"
    ),
    "jobTitle eq null": refused("property_refused", name="jobTitle", kind="User"),
    "employeeHireDate ge 2020-01-01": refused(
        "property_refused", name="employeeHireDate", kind="User"
    ),
    "mail in (" + ",".join(["'x'"] * 16) + ")": refused("or_too_long", count=16),
    " or ".join(["mail eq 'x'"] * 18): refused("or_too_long", count=18),
}


@pytest.mark.parametrize(("text", "message"), ADVANCED.items(), ids=range(len(ADVANCED)))
def test_advanced(text: str, message: str) -> None:
    """Advanced filters work with header and count together, and are refused as quoted without."""
    assert ask(text) == message
    assert ask(text, count=True) == message
    assert ask(text, eventual=True, count=True) == "ok"
    assert ask(text, eventual=True) in {message, refused("query_refused")}


NEVER = {
    "contains(mail,'x')": refused("clause_operator_refused", operator="Contains"),
    "mail gt 'x'": refused("clause_operator_refused", operator="GreaterThanMatch"),
    "mail lt 'x'": refused("clause_operator_refused", operator="LessThanMatch"),
    "createdDateTime eq 2020-01-01": refused(
        "property_refused", name="createdDateTime", kind="User"
    ),
    "mail ge 'x'": refused("property_refused", name="mail", kind="User"),
    "userPrincipalName eq null": refused("property_refused", name="userPrincipalName", kind="User"),
    "aboutMe eq 'x'": refused("property_refused", name="aboutMe", kind="User"),
    "endswith(displayName,'x')": refused("property_refused", name="displayName", kind="User"),
    "startswith(id,'x')": refused("id_equality_only"),
    "id ge 'x'": refused("property_not_indexed"),
    "proxyAddresses/any(p:p eq 'x')": refused("not_emulated", what="lambda operators in $filter"),
    "identities/issuer eq 'x'": refused(
        "not_emulated", what="the path 'identities/issuer' in $filter"
    ),
}


@pytest.mark.parametrize(("text", "message"), NEVER.items(), ids=list(NEVER))
def test_never(text: str, message: str) -> None:
    """What the directory never supports is refused in advanced mode too."""
    assert ask(text, eventual=True, count=True) == message


DEFAULT = (
    "mail eq 'x'",
    "startswith(displayName,'x')",
    "userPrincipalName in ('x','y')",
    "createdDateTime ge 2020-01-01T00:00:00Z",
    "accountEnabled eq true",
    "id eq 'x'",
    "extension_0a_size eq 'x'",
    "userPrincipalName ge 'a' and userPrincipalName le 'b'",
)


@pytest.mark.parametrize("text", DEFAULT)
def test_default(text: str) -> None:
    """Default filters need no header."""
    assert ask(text) == "ok"


def test_range_of_strings() -> None:
    """`ge` on a name works as public programs use it, or not at all when strict."""
    text = "userPrincipalName ge 'a'"

    assert ask("id ge 'x'") == refused("id_equality_only")
    assert ask(text) == "ok"
    assert ask(text, strict=True) == refused(
        "property_refused", name="userPrincipalName", kind="User"
    )


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


SEARCHES: dict[str, Callable[[Mapping[str, Any]], bool]] = {
    '"displayName:an"': lambda u: any(w.startswith("an") for w in words(u)),
    '"displayname:VANCE"': lambda u: any(w.startswith("vance") for w in words(u)),
    '"mail:li.zhou"': lambda u: u["mail"].startswith("li.zhou"),
    '"displayName:an" OR "mail:li"': lambda u: (
        any(w.startswith("an") for w in words(u)) or u["mail"].startswith("li")
    ),
    '"mail:a" AND "displayName:v" OR "mail:z"': lambda u: (
        (u["mail"].startswith("a") and any(w.startswith("v") for w in words(u)))
        or u["mail"].startswith("z")
    ),
}


def words(user: Mapping[str, Any]) -> list[str]:
    return re.split(r"\W+", user["displayName"].casefold())


@pytest.mark.parametrize(("text", "meaning"), SEARCHES.items(), ids=list(SEARCHES))
def test_search(
    app: App, token: str, text: str, meaning: Callable[[Mapping[str, Any]], bool]
) -> None:
    """`$search` finds words of the display name, and the beginnings of the rest."""
    target = f"/v1.0/users?$search={quote(text)}&$top=999"
    answer = app.get(target, token, ConsistencyLevel="eventual")

    found = [user["id"] for user in answer.json()["value"]]
    assert found == [user["id"] for user in USERS if meaning(user)]
    assert found


@pytest.mark.parametrize(
    "text",
    ["", "displayName:x", '"x"', '"nothing:x"', '"city:x"', '"mail:x" "mail:y"', '"mail:x" or'],
)
def test_malformed_search(text: str) -> None:
    """Whatever is not a search is refused as an invalid search clause."""
    with pytest.raises(GraphFault, match="Invalid search clause: "):
        parse_search("user", text)


def test_strict_emulator(launch: Callable[..., Probe]) -> None:
    """An emulator can be told to refuse ranges of names as the documentation does."""
    app = register(launch(strict_filter=True, users=3), "User.Read.All")

    answer = app.get("/v1.0/users?$filter=displayName%20ge%20'a'")

    assert answer.code == "Request_UnsupportedQuery"
