"""Queries: what address is asked for, and when the advanced index is needed."""

import pytest

from graphdaemon.graph.catalog import CATALOG, find_collection
from graphdaemon.graph.query import Query, build_url, count_url, is_advanced, query_of, quote_string

USERS = CATALOG["users"]
ROOT = "https://graph.microsoft.com/v1.0"


def test_pages_are_as_large_as_graph_allows() -> None:
    """999 a page, ten times Graph's default, unless fewer are wanted."""
    assert build_url(ROOT, USERS, Query()) == f"{ROOT}/users?$top=999"
    assert build_url(ROOT, USERS, Query(limit=5)) == f"{ROOT}/users?$top=5"
    assert build_url(ROOT, USERS, Query(limit=5000)) == f"{ROOT}/users?$top=999"


@pytest.mark.parametrize(
    "name",
    [
        *("directoryRoles", "directoryRoleTemplates", "subscribedSkus", "directoryroles/1/members"),
        "directoryRoles(roleTemplateId='1')/members",
    ],
)
def test_no_size_is_asked_for_where_graph_refuses_every_one(name: str) -> None:
    """Graph answers them in one page, and a request with $top with 400."""
    collection = find_collection(name)

    assert build_url(ROOT, collection, Query(limit=5)) == f"{ROOT}/{name}"
    assert build_url(ROOT, collection, Query(("id",))) == f"{ROOT}/{name}?$select=id"


def test_id_is_always_selected_once() -> None:
    """Without id no record can be told from another (Beats #52902)."""
    selected = Query(select=("displayName", "id", "mail"))
    not_selected = Query(select=("displayName", "mail"))

    assert build_url(ROOT, USERS, selected).endswith("$select=displayName,id,mail")
    assert build_url(ROOT, USERS, not_selected).endswith("$select=id,displayName,mail")


def test_values_are_escaped() -> None:
    """A value cannot end its option or begin another."""
    url = build_url(ROOT, USERS, Query(filter="displayName eq 'a&b#c d+e%'"))

    assert url.endswith("$filter=displayName%20eq%20'a%26b%23c%20d%2Be%25'")


def test_search_gets_the_quotes_graph_demands() -> None:
    """$search takes quoted clauses; people rarely know."""
    assert "$search=%22displayName:ana%22" in build_url(
        ROOT, USERS, Query(search="displayName:ana")
    )
    quoted = '"displayName:ana" OR "mail:ana"'
    assert build_url(ROOT, USERS, Query(search=quoted)).count("%22") == 4


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (Query(), False),
        (Query(filter="accountEnabled eq true"), False),
        (Query(filter="startswith(displayName,'ne not endswith')"), False),
        (Query(filter="displayName eq 'companyName ne'"), False),
        (Query(filter="userType ne 'Guest'"), True),
        (Query(filter="NOT startswith(displayName,'a')"), True),
        (Query(filter="endsWith(mail,'@contoso.example')"), True),
        (Query(filter="companyName eq 'x'"), True),
        (Query(filter="mail eq null"), True),
        (Query(filter="proxyAddresses/$count eq 0"), True),
        (Query(search="displayName:a"), True),
        (Query(orderby="displayName"), False),
        (Query(orderby="userPrincipalName desc"), False),
        (Query(orderby="createdDateTime"), True),
        (Query(orderby="displayName", filter="accountEnabled eq true"), True),
        (Query(orderby="displayName desc,userPrincipalName,"), False),
        (Query(orderby="displayName,mail"), True),
    ],
    ids=str,
)
def test_advanced_queries_are_recognised(query: Query, expected: bool) -> None:
    """Only what Graph refuses without the header is sent with it: the other index is fresher."""
    assert is_advanced(query, USERS) is expected
    assert ("$count=true" in build_url(ROOT, USERS, query)) is expected


def test_options_in_the_endpoint_count() -> None:
    """What somebody wrote into parameters.json years ago still holds."""
    endpoint = (
        "https://graph.microsoft.com/v1.0/users?$select=id,mail&$filter=accountEnabled%20eq%20true"
    )

    assert query_of(endpoint) == Query(("id", "mail"), "accountEnabled eq true")


def test_quotes_cannot_break_out() -> None:
    """A name with quotes stays a text."""
    assert quote_string("' or id eq '") == "''' or id eq '''"


def test_the_address_of_a_count_has_no_page_options() -> None:
    """Only what decides how many there are."""
    query = Query(("mail",), "accountEnabled eq true", orderby="displayName")

    assert count_url(ROOT, CATALOG["users"], query) == (
        f"{ROOT}/users/$count?$filter=accountEnabled%20eq%20true"
    )
    assert count_url(ROOT, CATALOG["groups"], Query()) == f"{ROOT}/groups/$count"


def test_sign_in_activity_has_smaller_pages() -> None:
    """Graph's own limit there is 500."""
    url = build_url(ROOT, CATALOG["users"], Query(("signInActivity",)))

    assert "$top=500" in url
    assert "$top=3" in build_url(ROOT, CATALOG["users"], Query(("signInActivity",), limit=3))
    assert "$top=20" in build_url(ROOT, CATALOG["users"], Query(("signInActivity",)), 20)


def test_the_address_of_a_count_has_a_search() -> None:
    """In quotes, as in a listing."""
    assert count_url(ROOT, USERS, Query(search="displayName:a")).endswith(
        "/users/$count?$search=%22displayName:a%22"
    )


def test_all_options_of_the_endpoint_are_read() -> None:
    """In whatever case; what is empty is none."""
    options = "$Select=id,%20mail,&$search=%22a%22&$OrderBy=mail&$top=5"

    assert query_of(f"{ROOT}/users?{options}") == Query(("id", "mail"), None, '"a"', "mail")
    assert query_of(f"{ROOT}/users") == Query()
