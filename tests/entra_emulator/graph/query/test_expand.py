from urllib.parse import quote

import pytest

from entra_emulator.errors import GraphRefusal
from entra_emulator.graph.query.expand import Expand
from entra_emulator.graph.query.options import read_query, read_single
from tests.support.graph_queries import refuse, text_of

EXPANDED = {
    ("user", "manager"): Expand("manager"),
    ("user", "MANAGER"): Expand("manager"),
    ("user", " memberof "): Expand("memberOf"),
    ("user", "manager()"): Expand("manager"),
    ("user", "manager($select=Id,displayname)"): Expand("manager", ("id", "displayName")),
    ("user", "manager( $select = id ; )"): Expand("manager", ("id",)),
    ("group", "members($select=id,mail,deviceId)"): Expand("members", ("id", "mail", "deviceId")),
    ("group", "owners"): Expand("owners"),
    ("device", "registeredOwners"): Expand("registeredOwners"),
    ("application", "owners"): Expand("owners"),
    ("servicePrincipal", "appRoleAssignments($select=appRoleId)"): Expand(
        "appRoleAssignments", ("appRoleId",)
    ),
    ("user", "extensions($select=x)"): Expand("extensions", ("x",)),
}


@pytest.mark.parametrize(("asked", "expand"), EXPANDED.items(), ids=map(":".join, EXPANDED))
def test_expand(asked: tuple[str, str], expand: Expand) -> None:
    """One navigation property is expanded, of a list and of one object, with `$select` inside."""
    kind, text = asked
    raw = f"$expand={quote(text)}"

    assert read_query(kind, raw, eventual=False).expand == expand
    assert read_single(kind, raw) == (None, expand)


LEVELS = {
    "manager($levels=max)": Expand("manager", None, 1000),
    "manager($levels=3)": Expand("manager", None, 3),
    "manager($levels=max;$select=id,displayName)": Expand("manager", ("id", "displayName"), 1000),
}


@pytest.mark.parametrize(("text", "expand"), LEVELS.items(), ids=list(LEVELS))
def test_levels(text: str, expand: Expand) -> None:
    """The chain of managers is shown of one user, and refused of many in the quoted words."""
    raw = f"$expand={quote(text)}&$count=true&$select=id"

    assert read_single("user", raw) == (("id",), expand)
    assert refuse("user", f"$expand={quote(text)}") == (
        "Transitive manager's list is only supported on a single user, send the $expand request "
        "on /users/{id} endpoint"
    )


REFUSED = {
    "manager,memberOf": text_of("expand_many"),
    "nothing": text_of("select_unknown", name="nothing", kind="user"),
    "mail": text_of("expand_scalar", name="mail", kind="user"),
    "*": text_of("select_malformed", name="*"),
    "manager(": text_of("select_malformed", name="manager("),
    "manager($select=nothing)": text_of("select_unknown", name="nothing", kind="directoryObject"),
    "memberOf($filter=id eq 'x')": text_of(
        "expand_option", option="$filter", navigation="memberOf"
    ),
    "memberOf($levels=2)": text_of("expand_option", option="$levels", navigation="memberOf"),
    "memberOf($top=5)": text_of("expand_option", option="$top", navigation="memberOf"),
}


@pytest.mark.parametrize(("text", "message"), REFUSED.items(), ids=list(REFUSED))
def test_refused(text: str, message: str) -> None:
    """More than one, unknown ones, and options that are not for it are refused."""
    assert refuse("user", f"$expand={quote(text)}") == message


@pytest.mark.parametrize("levels", ["0", "1001", "x", ""])
def test_malformed_levels(levels: str) -> None:
    """Levels are `max` or a number from 1 to 1000."""
    with pytest.raises(GraphRefusal, match="levels"):
        read_single("user", f"$expand=manager($levels={levels})")


def test_without_the_other_index() -> None:
    """What is expanded comes from the default index: nothing that needs the other goes with it."""
    assert refuse("user", "$expand=manager&$count=true", eventual=True) == text_of(
        "expand_advanced"
    )
    assert refuse(
        "user", "$expand=memberOf&$search=%22displayName:x%22&$count=true", eventual=True
    ) == text_of("search_refused")
    assert refuse("user", "$expand=manager&$filter=mail ne 'x'", eventual=True) == text_of(
        "operator_refused", operator="NotEqualsMatch"
    )
    assert read_query("user", "$expand=manager&$count=true", eventual=False).count is False
    assert read_query("user", "$expand=manager&$filter=mail eq 'x'", eventual=True).expand


@pytest.mark.parametrize(("top", "size"), [("", 100), ("&$top=30", 30), ("&$top=999", 100)])
def test_a_page_has_a_hundred_at_most(top: str, size: int) -> None:
    """A greater `$top` is cut, and not refused."""
    assert read_query("user", f"$expand=manager{top}", eventual=False).top == size


def test_empty() -> None:
    """An empty `$expand` expands nothing."""
    assert read_query("user", "$expand=", eventual=False).expand is None
