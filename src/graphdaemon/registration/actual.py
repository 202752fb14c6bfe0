"""What the directory has of the app."""

from typing import Any, NamedTuple
from urllib.parse import quote

from graphdaemon.errors import GraphError, SettingsError
from graphdaemon.registration.admin_graph import Desk
from graphdaemon.registration.desired import Wish

GRAPH_APP_ID = "00000003-0000-0000-c000-000000000000"

_PARTS = "id,appId,displayName,tags,requiredResourceAccess,keyCredentials,passwordCredentials"


class Found(NamedTuple):
    """
    What there is, as Graph shows it.

    Attributes:
        graph: Microsoft Graph's service principal, with the app roles it offers.
        application: The app's registration.
        principal: Its service principal.
        granted: IDs of the app roles of Graph that it holds.
        trusts: Its federated credentials.
        deleted: Its registration in the recycle bin, where there is no other.
        deleted_principal: Likewise.
    """

    graph: dict[str, Any]
    application: dict[str, Any] | None = None
    principal: dict[str, Any] | None = None
    granted: frozenset[str] = frozenset()
    trusts: tuple[dict[str, Any], ...] = ()
    deleted: dict[str, Any] | None = None
    deleted_principal: dict[str, Any] | None = None

    @property
    def keys(self) -> list[dict[str, Any]]:
        """Its certificates."""
        return list((self.application or {}).get("keyCredentials") or ())

    @property
    def passwords(self) -> list[dict[str, Any]]:
        """Its secrets, without their values."""
        return list((self.application or {}).get("passwordCredentials") or ())


async def look(desk: Desk, wish: Wish) -> Found:
    """
    Read what there is; nothing is changed.

    Raises:
        SettingsError: Several apps carry the tag.
        Error: Refused, or not reached.
    """
    graph = await desk.get(f"/servicePrincipals(appId='{GRAPH_APP_ID}')?$select=id,appId,appRoles")
    object_id = await _find_application(desk, wish)
    if object_id is None:
        return Found(graph, deleted=await _find_deleted(desk, "application", wish))
    application = await desk.get(f"/applications/{object_id}?$select={_PARTS}")
    trusts = await desk.read(f"/applications/{object_id}/federatedIdentityCredentials")
    client_id = application["appId"]
    principal = await desk.find(
        f"/servicePrincipals(appId='{client_id}')?$select=id,appId,accountEnabled"
    )
    if principal is None:
        thrown = await _find_deleted(desk, "servicePrincipal", client_id)
        return Found(graph, application, trusts=tuple(trusts), deleted_principal=thrown)
    assigned = await desk.read(f"/servicePrincipals/{principal['id']}/appRoleAssignments")
    granted = {str(one["appRoleId"]) for one in assigned if one["resourceId"] == graph["id"]}
    return Found(graph, application, principal, frozenset(granted), tuple(trusts))


async def _find_application(desk: Desk, wish: Wish) -> str | None:
    condition = quote(f"tags/any(t:t eq '{wish.tag}')")
    tagged = await desk.read(f"/applications?$filter={condition}&$select=id,appId")
    if len(tagged) > 1:
        raise SettingsError(
            f"{len(tagged)} apps carry the tag {wish.tag}: "
            + ", ".join(str(one["appId"]) for one in tagged),
            code="registration_ambiguous",
            hint="Keep the tag on the one you mean (Manifest > tags), or use another --name.",
        )
    if tagged:
        return str(tagged[0]["id"])
    named = await desk.find(f"/applications(uniqueName='{wish.unique_name}')?$select=id")
    return str(named["id"]) if named is not None else None


async def _find_deleted(desk: Desk, kind: str, wanted: Wish | str) -> dict[str, Any] | None:
    """The last one thrown into the recycle bin; None for whoever may not look there."""
    parts = "id,appId,tags,uniqueName" if kind == "application" else "id,appId"
    try:
        thrown = await desk.read(
            f"/directory/deletedItems/microsoft.graph.{kind}?$select={parts}&$top=999"
        )
    except GraphError as error:
        if error.status != 403:
            raise
        return None
    return next((one for one in reversed(thrown) if _is_meant(one, wanted)), None)


def _is_meant(thrown: dict[str, Any], wanted: Wish | str) -> bool:
    if isinstance(wanted, str):
        return bool(thrown.get("appId") == wanted)
    named = thrown.get("uniqueName") == wanted.unique_name
    return named or wanted.tag in (thrown.get("tags") or ())
