"""Which properties are shown."""

from urllib.parse import quote

import pytest

from entra_emulator.graph.query.options import read_query, read_single
from entra_emulator.graph.query.select import read_select
from entra_emulator.model import schema
from tests.support.graph_queries import refuse, text_of

SELECTED = {
    ("user", "id,displayName"): ("id", "displayName"),
    ("user", " ID , DISPLAYNAME ,id"): ("id", "displayName"),
    ("user", "extension_0a_size"): ("extension_0a_size",),
    ("user", "manager,id"): ("id",),
    ("user", "manager"): ("id",),
    ("user", ",,"): None,
    ("user", ""): None,
    ("group", "grouptypes,creationOptions"): ("groupTypes", "creationOptions"),
    ("group", "WritebackConfiguration,id"): ("writebackConfiguration", "id"),
    ("servicePrincipal", "samlMetadataUrl"): ("samlMetadataUrl",),
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
