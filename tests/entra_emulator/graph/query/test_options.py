from urllib.parse import quote

import msgspec
import pytest

from entra_emulator.graph.query.index_plan import IndexPlan
from entra_emulator.graph.query.options import parse_options, read_query, read_single
from entra_emulator.graph.render import render_records
from tests.support.graph_queries import refuse, text_of


def test_single_user_only() -> None:
    """What the collection has not can be selected of one user."""
    assert read_single("user", "$select=aboutMe,skills") == (("aboutMe", "skills"), None)


ORDERED = {
    ("user", "displayName", False): IndexPlan("name"),
    ("user", "DISPLAYNAME desc", False): IndexPlan("name", descending=True),
    ("user", "userPrincipalName asc", False): IndexPlan("key"),
    ("group", "displayName", False): IndexPlan("name"),
    ("application", "displayName", True): IndexPlan("name"),
    ("servicePrincipal", "displayName desc", True): IndexPlan("name", descending=True),
    ("device", "displayName", True): IndexPlan("name"),
    ("administrativeUnit", "displayName", True): IndexPlan("name"),
    ("user", "deletedDateTime", True): IndexPlan("seq"),
    ("user", "createdDateTime", True): IndexPlan("createdDateTime"),
    ("servicePrincipal", "createdDateTime desc", True): IndexPlan("createdDateTime", True),
    ("device", "approximateLastSignInDateTime", True): IndexPlan("approximateLastSignInDateTime"),
    ("directoryObject", "displayName", True): IndexPlan("name"),
}


@pytest.mark.parametrize(("asked", "plan"), ORDERED.items(), ids=range(len(ORDERED)))
def test_order(asked: tuple[str, str, bool], plan: IndexPlan) -> None:
    """What can be sorted by is documented by type."""
    kind, text, eventual = asked

    query = read_query(kind, f"$orderby={quote(text)}&$count=true", eventual=eventual)

    assert query.plan == plan


UNORDERED = {
    ("user", "createdDateTime desc", False): text_of(
        "sort_property_refused", name="createdDateTime", kind="User"
    ),
    ("user", "mail", False): text_of("sort_property_refused", name="mail", kind="User"),
    ("user", "employeeHireDate", True): text_of("property_unsupported"),
    ("application", "displayName", False): text_of(
        "sort_property_refused", name="displayName", kind="Application"
    ),
    ("group", "createdDateTime", True): text_of("property_unsupported"),
    ("directoryRole", "displayName", True): text_of("property_unsupported"),
    ("directoryObject", "displayName", False): text_of("sort_refused"),
    ("user", "displayName,userPrincipalName desc", True): text_of("sort_refused"),
    ("user", "displayName up", True): text_of(
        "orderby_malformed", reason="Syntax error in 'displayName up'."
    ),
    ("user", "", True): text_of("orderby_malformed", reason="Syntax error in ''."),
    ("user", "displayName,", True): text_of(
        "orderby_malformed", reason="Syntax error in 'displayName,'."
    ),
    ("user", "nothing", True): text_of(
        "orderby_malformed",
        reason="Could not find a property named 'nothing' on type 'microsoft.graph.user'.",
    ),
}


@pytest.mark.parametrize(("asked", "message"), UNORDERED.items(), ids=range(len(UNORDERED)))
def test_unordered(asked: tuple[str, str, bool], message: str) -> None:
    """Other orders are refused in the quoted words of each mode."""
    kind, text, eventual = asked

    assert refuse(kind, f"$orderby={quote(text)}&$count=true", eventual=eventual) == message


def test_order_of_a_selection() -> None:
    """`$filter` and `$orderby` together need the other index; so does any order of links."""
    raw = "$orderby=displayName&$filter=mail eq 'x'"

    assert refuse("user", raw) == text_of("sort_refused")
    assert refuse("user", raw, eventual=True) == text_of("sort_refused")
    assert read_query("user", raw + "&$count=true", eventual=True).plan == IndexPlan("name")
    assert refuse("user", "$orderby=displayName", related=True) == text_of("sort_refused")


LINKED = {
    "$filter=startswith(displayName,'a')": text_of("reference_refused"),
    "$filter=mail eq 'x'&$count=true": text_of("reference_refused"),
    "$filter=id eq 'x' or id eq 'y'": text_of("reference_refused"),
    "$search=%22displayName:a%22": text_of("search_refused"),
    "$orderby=displayName": text_of("sort_refused"),
}


@pytest.mark.parametrize(("raw", "message"), LINKED.items(), ids=list(LINKED))
@pytest.mark.parametrize("kind", ["directoryObject", "user"])
def test_linked(kind: str, raw: str, message: str) -> None:
    """Linked objects are filtered, searched and sorted by the other index alone."""
    assert refuse(kind, raw, related=True) == message
    options = raw.removesuffix("&$count=true") + "&$count=true"
    assert read_query(kind, options, eventual=True, related=True).plan in {
        IndexPlan(),
        IndexPlan("name"),
    }


def test_linked_properties() -> None:
    """Of several types, every type's properties can be asked for."""
    for text in ("mail eq 'x'", "deviceId eq 'x'", "appId eq 'x'", "groupTypes/any(g:g eq 'x')"):
        assert read_query("directoryObject", f"$filter={text}&$count=true", eventual=True).match


PLAIN = {
    "$top=1": ("top", 1),
    "$top=999": ("top", 999),
    "": ("top", 100),
    "%24Top=007": ("top", 7),
    "$count=True": ("count", False),
    "$format=json": ("top", 100),
    "$format=application/json;odata.metadata=none": ("top", 100),
    "select=x&filter=y": ("select", None),
    "$skiptoken=abc": ("page_token", "abc"),
    "%24skiptoken=": ("page_token", ""),
}


@pytest.mark.parametrize(("raw", "fact"), PLAIN.items(), ids=range(len(PLAIN)))
def test_options(raw: str, fact: tuple[str, object]) -> None:
    """Options are known in any case of letters and encoding; names without `$` are ignored."""
    query = read_query("user", raw, eventual=False)

    assert getattr(query, fact[0]) == fact[1]


MALFORMED = {
    "$top=0": text_of("page_size", size="0"),
    "$top=1000": text_of("page_size", size="1000"),
    "$top=": text_of("option_malformed", option="$top", value="", type="non-negative integer"),
    "$top=-1": text_of("option_malformed", option="$top", value="-1", type="non-negative integer"),
    "$count=": text_of("count_malformed", value=""),
    "$count=maybe": text_of("count_malformed", value="maybe"),
    "$skip=5": text_of("skip_refused"),
    "$format=atom": text_of("format_refused", value="atom"),
    "$top=1&%24TOP=2": text_of("option_repeated", option="$top"),
    "$nothing=1": text_of("option_unknown", option="$nothing"),
    "$deltatoken=x": text_of("option_unknown", option="$deltatoken"),
    "$search=%22mail:x%22": text_of("search_refused"),
}


@pytest.mark.parametrize(("raw", "message"), MALFORMED.items(), ids=range(len(MALFORMED)))
def test_malformed(raw: str, message: str) -> None:
    """Options with wrong values are refused with OData's and Graph's texts."""
    assert refuse("user", raw) == message


def test_cost() -> None:
    """What a page costs is told from `$select` and a small `$top`."""
    assert read_query("user", "$top=19", eventual=False).small
    assert not read_query("user", "$top=20", eventual=False).small
    assert not read_query("user", "", eventual=False).small


def test_count() -> None:
    """The count is given with header and option together; without the header it is ignored."""
    assert read_query("user", "$count=true", eventual=True).count
    assert not read_query("user", "$count=true", eventual=False).count
    assert not read_query("user", "", eventual=True).count
    assert read_query("user", "$filter=companyName eq 'x'", eventual=True, counting=True).match


def test_link() -> None:
    """The next link repeats the options as they were sent, but for the page token."""
    raw = "%24select=id&$top=5&$skiptoken=abc&other=%C3%A4"

    query = read_query("user", raw, eventual=False)

    assert query.link == "%24select=id&$top=5&other=%C3%A4"


def test_small_types() -> None:
    """Small sets are filtered by their own properties; licences ignore every option."""
    match = read_query(
        "oAuth2PermissionGrant",
        "$filter=clientId eq 'a' and consentType eq 'AllPrincipals'",
        eventual=False,
    ).match
    assert match is not None
    assert match(b'{"clientId":"A","consentType":"AllPrincipals"}')
    assert not match(b'{"clientId":"a","consentType":"Principal"}')

    ignored = read_query("subscribedSku", "$filter=x&$select=y&$top=z", eventual=False)
    assert (ignored.select, ignored.match, ignored.top) == (None, None, 100)


def test_parse_options() -> None:
    """Option names are lower-cased, values decoded, blanks written as plus too."""
    options = parse_options("%24Filter=a+b%20c&x=1&$deltatoken=latest&&")

    assert options == {"$filter": "a b c", "$deltatoken": "latest"}


def test_deep_json() -> None:
    """A document of any depth is sliced, not understood."""
    doc = msgspec.json.encode({"id": "1", "web": {"redirectUris": ["a"]}})

    assert render_records("application", ("web",), [doc]) == b'{"web":{"redirectUris":["a"]}}'
