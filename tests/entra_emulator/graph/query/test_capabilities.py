"""Filters that need the header, or are refused with and without it."""

from urllib.parse import quote

import pytest

from entra_emulator.errors import GraphRefusal
from entra_emulator.graph.query.capabilities import MAX_ADVANCED
from entra_emulator.graph.query.options import Query, read_query
from entra_emulator.model import filterable, schema
from tests.support.graph_queries import judge_filter, no_property, text_of

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
    assert judge_filter(text) == message
    assert judge_filter(text, count=True) == message
    assert judge_filter(text, eventual=True, count=True) == "ok"
    assert judge_filter(text, eventual=True) in {message, text_of("query_refused")}


@pytest.mark.parametrize("length", [MAX_ADVANCED, MAX_ADVANCED + 1])
@pytest.mark.parametrize("option", ["$filter", "$search"])
def test_the_address_of_an_advanced_query_may_have_2048_characters(
    option: str, length: int
) -> None:
    address = "https://graph.microsoft.com/v1.0/users"
    begin, end = ("displayName eq '", "'") if option == "$filter" else ('"displayName:', '"')
    parts = f"{address}?{option}={quote(begin)}", f"{quote(end)}&$count=true&$select=id"
    # What is percent-encoded counts as it is sent, and what other options say counts too.
    middle = "%C3%BC" + "x" * (length - len("%C3%BC") - sum(map(len, parts)))
    raw = middle.join(parts).partition("?")[2]

    def ask(more: str = "") -> Query:
        return read_query("user", raw + more, eventual=True, address=address)

    if length > MAX_ADVANCED:
        with pytest.raises(GraphRefusal) as refused:
            ask()
        assert refused.value.message == text_of("query_too_long", length=length)
    else:
        assert ask().kind == "user"
        # The next page of the same query is as good, however long its token is.
        assert ask(f"&$skiptoken={'x' * 100}").page_token == "x" * 100


def test_a_default_query_may_have_a_longer_address() -> None:
    names = ",".join(["displayName"] * 300)

    assert read_query("user", f"$select={names}&$filter=mail eq 'x'", eventual=False).match


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
    "createdObjects/any(c:c/id eq 'x')": text_of(
        "not_emulated", what="conditions on 'createdObjects' in $filter"
    ),
    "ownedObjects/any(o:o/id eq 'x')": text_of(
        "not_emulated", what="conditions on 'ownedObjects' in $filter"
    ),
    "identities/any(i:i/issuer eq 'x' and i/issuerAssignedId eq 'y')": no_property("identities"),
    "provisionedPlans/any(p:p/capabilityStatus eq 'x')": no_property("provisionedPlans"),
}


@pytest.mark.parametrize(("text", "message"), NEVER.items(), ids=list(NEVER))
def test_never(text: str, message: str) -> None:
    """What the directory never supports is refused in advanced mode too."""
    assert judge_filter(text, eventual=True, count=True) == message


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
    assert {text: judge_filter(text, kind=kind) for text in DEFAULT[kind]} == dict.fromkeys(
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
    assert judge_filter(asked[1], kind=asked[0]) == message


def test_default_only() -> None:
    """A few properties are filtered by the default index alone."""
    text = "hasMembersWithLicenseErrors eq true"

    assert judge_filter(text, kind="group") == "ok"
    assert judge_filter(text, kind="group", eventual=True, count=True) == no_property(
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
                    owner = edm.removeprefix("microsoft.graph.")
                    edm = {**schema.navigation(owner), **schema.declared(owner)}[segment]
        assert {g for row in table.values() for g in row} <= {"", "A", "D", "O"}
