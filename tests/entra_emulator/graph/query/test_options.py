from urllib.parse import quote

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from entra_emulator.directory.object_collections import Position
from entra_emulator.errors import GraphFault
from entra_emulator.errors.graph import GRAPH_REFUSALS
from entra_emulator.graph.query.index_plan import IndexPlan
from entra_emulator.graph.query.options import parse_options, read_query, read_single
from entra_emulator.graph.query.page_token import open_position, seal_position
from entra_emulator.graph.query.select import read_select
from entra_emulator.graph.render import render_records
from entra_emulator.model import schema


def refuse(kind: str, raw: str, *, eventual: bool = False, related: bool = False) -> str:
    with pytest.raises(GraphFault) as caught:
        read_query(kind, raw, eventual=eventual, related=related)
    return caught.value.message


def text_of(word: str, **values: object) -> str:
    return GRAPH_REFUSALS[word].message.format(**values)


SELECTED = {
    ("user", "id,displayName"): ("id", "displayName"),
    ("user", " ID , DISPLAYNAME ,id"): ("id", "displayName"),
    ("user", "extension_0a_size"): ("extension_0a_size",),
    ("user", "manager,id"): ("id",),
    ("user", "manager"): ("id",),
    ("user", ",,"): None,
    ("user", ""): None,
    ("group", "grouptypes,creationOptions"): ("groupTypes", "creationOptions"),
    ("device", "deviceId,extensionAttributes"): ("deviceId", "extensionAttributes"),
    ("application", "web,spa"): ("web", "spa"),
    ("servicePrincipal", "appRoles,createdDateTime"): ("appRoles", "createdDateTime"),
    ("administrativeUnit", "visibility"): ("visibility",),
    ("directoryRole", "roleTemplateId"): ("roleTemplateId",),
    ("directoryObject", "id,mail,deviceId,appRoles"): ("id", "mail", "deviceId", "appRoles"),
    ("domain", "id,isDefault"): ("id", "isDefault"),
    ("organization", "verifiedDomains"): ("verifiedDomains",),
    ("oAuth2PermissionGrant", "scope"): ("scope",),
    ("federatedIdentityCredential", "subject"): ("subject",),
}


@pytest.mark.parametrize(("asked", "names"), SELECTED.items(), ids=map(":".join, SELECTED))
def test_select(asked: tuple[str, str], names: tuple[str, ...] | None) -> None:
    """Selected names match in any case of letters, and are answered as the service writes them."""
    kind, text = asked

    assert read_select(kind, text, collection=True) == names
    assert read_query(kind, f"$select={quote(text)}", eventual=False).select == names
    assert read_single(kind, f"$select={quote(text)}") == (names, None)


def test_select_everything() -> None:
    """`*` is every declared property that the collection has."""
    names = read_select("user", "*", collection=True)

    assert names is not None
    assert set(schema.declared("user")) - set(names) == schema.SINGLE_USER_ONLY | {"signInActivity"}


UNSELECTABLE = {
    ("user", "nothing"): text_of("select_unknown", name="nothing", kind="user"),
    ("user", "a b"): text_of("select_malformed", name="a b"),
    ("user", "@odata.type"): text_of("select_malformed", name="@odata.type"),
    ("user", "aboutMe"): text_of("not_on_collection"),
    ("user", "signInActivity"): text_of("premium_only"),
    ("group", "userPrincipalName"): text_of(
        "select_unknown", name="userPrincipalName", kind="group"
    ),
    ("directoryObject", "nothing"): text_of(
        "select_unknown", name="nothing", kind="directoryObject"
    ),
}


@pytest.mark.parametrize(
    ("asked", "message"), UNSELECTABLE.items(), ids=map(":".join, UNSELECTABLE)
)
def test_unselectable(asked: tuple[str, str], message: str) -> None:
    """Names that a type has not, or the collection has not, are refused as quoted."""
    assert refuse(asked[0], f"$select={quote(asked[1])}") == message


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
    ("user", "createdDateTime", True): text_of("not_emulated", what="$orderby=createdDateTime"),
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
    "$filter=id eq 'x'&$count=true": text_of("reference_refused"),
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
    "$top=": text_of("option_malformed", option="$top", value="", wanted="non-negative integer"),
    "$top=-1": text_of(
        "option_malformed", option="$top", value="-1", wanted="non-negative integer"
    ),
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


def test_binding() -> None:
    """A page token belongs to a type, a mode and a set of options, in any order of them."""
    one = read_query("user", "$select=id&$top=5&$skiptoken=a", eventual=True)
    same = read_query("user", "%24top=5&%24SELECT=id", eventual=True)
    others = [
        read_query("user", "$top=5&$select=id", eventual=False),
        read_query("group", "$top=5&$select=id", eventual=True),
        read_query("user", "$top=6&$select=id", eventual=True),
    ]

    assert one.binding == same.binding
    assert all(other.binding != one.binding for other in others)


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


@given(st.text(max_size=20) | st.none(), st.integers(0, 2**60))
def test_position(value: str | None, seq: int) -> None:
    """A page token gives back the position that was put into it."""
    token = seal_position(b"key", b"query", 1000.0, Position(value, seq))

    assert open_position(b"key", b"query", 1005.0, 10.0, token) == Position(value, seq)
    with pytest.raises(GraphFault, match="expired"):
        open_position(b"key", b"query", 1011.0, 10.0, token)
    with pytest.raises(GraphFault, match="Invalid"):
        open_position(b"key", b"other", 1005.0, 10.0, token)


def test_parse_options() -> None:
    """Option names are lower-cased, values decoded, blanks written as plus too."""
    options = parse_options("%24Filter=a+b%20c&x=1&$deltatoken=latest&&")

    assert options == {"$filter": "a b c", "$deltatoken": "latest"}


def test_deep_json() -> None:
    """A document of any depth is sliced, not understood."""
    doc = msgspec.json.encode({"id": "1", "web": {"redirectUris": ["a"]}})

    assert render_records("application", ("web",), [doc]) == b'{"web":{"redirectUris":["a"]}}'
