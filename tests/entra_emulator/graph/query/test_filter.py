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
from entra_emulator.graph.query.options import read_query
from entra_emulator.model import filterable, schema
from tests.support.emulator_probe import App, Probe, register
from tests.support.filter_meaning import Case, cases, fold
from tests.support.graph_queries import text_of

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
    assert ask("assignedLicenses/any(l:l/skuId eq 'x')") == (
        "Invalid filter clause: A binary operator with incompatible types was detected. Found "
        "operand types 'Edm.Guid' and 'Edm.String' for operator kind 'Equal'."
    )
    assert ask("assignedLicenses/any(l:l/sku eq 'x')") == (
        "Invalid filter clause: Could not find a property named 'sku' on type "
        "'microsoft.graph.assignedLicense'."
    )


def ask(
    text: str,
    *,
    eventual: bool = False,
    count: bool = False,
    strict: bool = False,
    kind: str = "user",
) -> str:
    """ "ok", or the message of the refusal."""
    raw = f"$filter={quote(text)}" + ("&$count=true" if count else "")
    try:
        read_query(kind, raw, eventual=eventual, strict=strict)
    except GraphRefusal as fault:
        return fault.message
    return "ok"


def no_property(name: str, kind: str = "User") -> str:
    return text_of("property_refused", name=name, kind=kind)


NOT_EQUALS = text_of("operator_refused", operator="NotEqualsMatch")
SKU = "00000003-0000-0000-c000-000000000000"
ADVANCED = {
    "mail ne 'x'": NOT_EQUALS,
    "accountEnabled ne true": NOT_EQUALS,
    "not startswith(mail,'x')": text_of("header_missing", operator="not"),
    "endsWith(mail,'x')": text_of("header_missing", operator="endsWith"),
    "proxyAddresses/any(p:endsWith(p,'x'))": text_of("header_missing", operator="endsWith"),
    "companyName eq 'x'": no_property("companyName"),
    "companyName in (null,'x')": no_property("companyName"),
    "startswith(officeLocation,'x')": no_property("officeLocation"),
    "jobTitle eq null": no_property("jobTitle"),
    "mail in (null)": no_property("mail"),
    "employeeHireDate ge 2020-01-01": no_property("employeeHireDate"),
    "mail in (" + ",".join(["'x'"] * 16) + ")": text_of("or_too_long", count=16),
    " or ".join(["mail eq 'x'"] * 18): text_of("or_too_long", count=18),
    "mail eq 'x' or mail in (" + ",".join(["'x'"] * 15) + ")": text_of("or_too_long", count=16),
    f"displayName eq '{'x' * 121}'": no_property("displayName"),
    f"startswith(displayName,'{'x' * 121}')": no_property("displayName"),
    "(mail eq 'x' or (city eq 'x' and state eq 'x')) and country eq 'x'": text_of(
        "filter_too_high", height=4
    ),
    "onPremisesExtensionAttributes/extensionAttribute1 eq 'x'": no_property(
        "onPremisesExtensionAttributes/extensionAttribute1"
    ),
    "employeeOrgData/division eq 'x'": no_property("employeeOrgData/division"),
    "businessPhones/any(p:startswith(p,'44'))": no_property("businessPhones"),
    "assignedLicenses/$count eq 0": no_property("assignedLicenses"),
    "assignedLicenses/$count ne 0": NOT_EQUALS,
    "assignedLicenses/any()": no_property("assignedLicenses"),
    f"assignedPlans/any(a:a/servicePlanId eq {SKU} and a/capabilityStatus eq 'x')": text_of(
        "complex_refused", name="assignedPlans"
    ),
    f"assignedLicenses/any(l:l/skuId eq {SKU} or l/skuId eq {SKU})": text_of("clause_invalid"),
    "startswith(extension_0a_size,'x')": no_property("extension_0a_size"),
}


@pytest.mark.parametrize(("text", "message"), ADVANCED.items(), ids=range(len(ADVANCED)))
def test_advanced(text: str, message: str) -> None:
    """Advanced filters work with header and count together, and are refused as quoted without."""
    assert ask(text) == message
    assert ask(text, count=True) == message
    assert ask(text, eventual=True, count=True) == "ok"
    assert ask(text, eventual=True) in {message, text_of("query_refused")}


REFERENCE = text_of("reference_refused")
NEVER = {
    "contains(mail,'x')": text_of("clause_operator_refused", operator="Contains"),
    "mail gt 'x'": text_of("clause_operator_refused", operator="GreaterThanMatch"),
    "mail lt 'x'": text_of("clause_operator_refused", operator="LessThanMatch"),
    "proxyAddresses/$count gt 0": text_of("clause_operator_refused", operator="GreaterThanMatch"),
    "proxyAddresses/$count ge 1": no_property("proxyAddresses"),
    "proxyAddresses/$count eq 1": no_property("proxyAddresses"),
    "businessPhones/$count eq 0": no_property("businessPhones"),
    "createdDateTime eq 2020-01-01": no_property("createdDateTime"),
    "mail ge 'x'": no_property("mail"),
    "userPrincipalName eq null": no_property("userPrincipalName"),
    "proxyAddresses/any(p:p eq null)": no_property("proxyAddresses"),
    "aboutMe eq 'x'": no_property("aboutMe"),
    "endswith(displayName,'x')": no_property("displayName"),
    "businessPhones/any(p:endswith(p,'x'))": no_property("businessPhones"),
    f"assignedLicenses/any(l:l/disabledPlans/any(p:p eq {SKU}))": no_property("assignedLicenses"),
    "startswith(id,'x')": text_of("id_equality_only"),
    "id ge 'x'": text_of("property_not_indexed"),
    "proxyAddresses/all(p:p eq 'x')": text_of("lambda_refused"),
    "memberOf/any(m:m/id eq 'x')": REFERENCE,
    "directReports/$count eq 0": REFERENCE,
    "manager/id eq 'x'": REFERENCE,
    "startswith(manager/displayName,'x')": REFERENCE,
    "calendar/name eq 'x'": REFERENCE,
    "ownedObjects/$count eq 0": text_of(
        "not_emulated", what="conditions on 'ownedObjects' in $filter"
    ),
    "identities/any(i:i/issuer eq 'x' and i/issuerAssignedId eq 'y')": no_property("identities"),
}


@pytest.mark.parametrize(("text", "message"), NEVER.items(), ids=list(NEVER))
def test_never(text: str, message: str) -> None:
    """What the directory never supports is refused in advanced mode too."""
    assert ask(text, eventual=True, count=True) == message


DEFAULT = {
    "user": (
        "mail eq 'x'",
        "startswith(displayName,'x')",
        "userPrincipalName in ('x','y')",
        "createdDateTime ge 2020-01-01T00:00:00Z",
        "accountEnabled eq true",
        "id eq 'x'",
        "extension_0a_size eq 'x'",
        "extension_0a_size eq 5",
        "userPrincipalName ge 'a' and userPrincipalName le 'b'",
        "proxyAddresses/any(p:p eq 'x')",
        "proxyAddresses/any (p:startswith(p,'smtp:'))",
        f"assignedLicenses/any(l:l/skuId eq {SKU})",
        "identities/any(i:i/issuer eq 'a' and i/issuerAssignedId eq 'b')",
        "(mail eq 'a' and city eq 'a') or (mail eq 'b' and (city eq 'b' and state eq 'b'))",
    ),
    "group": (
        "groupTypes/any(c:c eq 'Unified')",
        "displayName ge 'a' and mailNickname le 'b'",
        "hasMembersWithLicenseErrors eq true",
        "securityEnabled eq true and mailEnabled eq false",
    ),
    "device": ("physicalIds/any(p:p eq 'x')", "deviceId eq 'x'", "displayName ge 'x'"),
    "application": (
        "identifierUris/any(s:s eq 'api://x')",
        "tags/any(t:startswith(t,'x'))",
        "appId eq 'x'",
    ),
    "servicePrincipal": (
        "servicePrincipalNames/any(c:c eq 'x')",
        "displayName eq 'Microsoft Graph'",
    ),
    "administrativeUnit": ("displayName eq 'x'",),
    "directoryRole": ("roleTemplateId eq 'x'",),
    "oAuth2PermissionGrant": ("clientId eq 'x' and consentType eq 'AllPrincipals'",),
    "appRoleAssignment": (f"resourceId eq {SKU}",),
}


@pytest.mark.parametrize("kind", DEFAULT)
def test_default(kind: str) -> None:
    """Default filters need no header."""
    assert {text: ask(text, kind=kind) for text in DEFAULT[kind]} == dict.fromkeys(
        DEFAULT[kind], "ok"
    )


OTHERS = {
    ("user", "identities/any(i:i/issuer eq 'a') or mail eq 'x'"): text_of(
        "complex_refused", name="identities"
    ),
    ("user", "identities/any(i:i/issuerAssignedId eq 'a')"): text_of(
        "complex_refused", name="identities"
    ),
    ("group", "createdDateTime ge 2020-01-01"): no_property("createdDateTime", "Group"),
    ("group", "members/any(m:m/id eq 'x')"): REFERENCE,
    ("group", "description eq 'x'"): no_property("description", "Group"),
    ("device", "registrationDateTime ge 2020-01-01"): no_property("registrationDateTime", "Device"),
    ("application", f"requiredResourceAccess/any(r:r/resourceAppId eq '{SKU}')"): text_of(
        "complex_refused", name="requiredResourceAccess"
    ),
    ("servicePrincipal", f"appOwnerOrganizationId eq {SKU}"): no_property(
        "appOwnerOrganizationId", "ServicePrincipal"
    ),
    ("directoryRole", "startswith(displayName,'x')"): no_property("displayName", "DirectoryRole"),
    ("directoryObject", "displayName eq 'x'"): REFERENCE,
    ("oAuth2PermissionGrant", "scope eq 'x'"): "Filter is invalid. scope",
    ("domain", "isDefault eq true"): no_property("isDefault", "Domain"),
}


@pytest.mark.parametrize(("asked", "message"), OTHERS.items(), ids=[text for _, text in OTHERS])
def test_others(asked: tuple[str, str], message: str) -> None:
    """Other types' filters are refused by their own tables."""
    assert ask(asked[1], kind=asked[0]) == message


def test_default_only() -> None:
    """A few properties are filtered by the default index alone."""
    text = "hasMembersWithLicenseErrors eq true"

    assert ask(text, kind="group") == "ok"
    assert ask(text, kind="group", eventual=True, count=True) == no_property(
        "hasMembersWithLicenseErrors", "Group"
    )


def test_tables() -> None:
    """Every path in the tables is one of the type's, of a collection where it says so."""
    for kind, table in filterable.FILTERS.items():
        for path in table:
            edm = f"microsoft.graph.{kind}"
            for segment in path.split("/"):
                if segment in {"any", "$count"}:
                    assert edm.startswith("Collection("), (kind, path)
                    edm = edm.removeprefix("Collection(").removesuffix(")")
                else:
                    edm = schema.declared(edm.removeprefix("microsoft.graph."))[segment]
        assert {g for row in table.values() for g in row} <= {"", "A", "D", "O"}


def test_range_of_strings() -> None:
    """`ge` on a name works as public programs use it, or not at all when strict."""
    text = "userPrincipalName ge 'a'"

    assert ask("id ge 'x'") == text_of("id_equality_only")
    assert ask(text) == "ok"
    assert ask(text, strict=True) == no_property("userPrincipalName")


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
