"""The actual state of the app: what the directory has of it, as Graph shows it."""

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from graphdaemon.cloud import GRAPH_APP_ID
from graphdaemon.errors import GraphError, SettingsError, UsageError
from graphdaemon.registration.admin_graph import AdminGraph
from graphdaemon.registration.desired import DesiredState
from graphdaemon.registration.shapes import (
    ApplicationShape,
    AskingApplicationShape,
    AssignmentShape,
    CallerShape,
    DeletedApplicationShape,
    FederatedCredentialShape,
    NamedApplicationShape,
    ObjectShape,
    OfferingPrincipalShape,
    RoleHolderShape,
)

_PROPERTIES = (
    "id,appId,displayName,tags,requiredResourceAccess,keyCredentials,passwordCredentials,"
    "identifierUris,api,appRoles"
)
_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class ApiCaller(NamedTuple):
    """
    An app that is to be given an app role of an API.

    Attributes:
        principal: ID of its service principal.
        application: Its registration; None if that is in another tenant, or may not be read.
    """

    principal: str
    application: dict[str, Any] | None = None


class ActualState(NamedTuple):
    """
    What the directory has of the app; every object as Graph shows it.

    Attributes:
        graph: Microsoft Graph's own service principal, with the app roles it offers.
        application: The app's registration.
        principal: The app's service principal.
        granted: IDs of the app roles of Graph that the service principal holds.
        federated_credentials: The app's federated credentials.
        callers: Those who are to be given an app role of this API, by what the administrator called
            them.
        holders: Who holds which app role of this API: IDs of service principal and role.
        deleted: The app's registration in the recycle bin, looked for only where there is no other.
        deleted_principal: The service principal in the recycle bin, likewise.
    """

    graph: dict[str, Any]
    application: dict[str, Any] | None = None
    principal: dict[str, Any] | None = None
    granted: frozenset[str] = frozenset()
    federated_credentials: tuple[dict[str, Any], ...] = ()
    callers: Mapping[str, ApiCaller] = {}
    holders: frozenset[tuple[str, str]] = frozenset()
    deleted: dict[str, Any] | None = None
    deleted_principal: dict[str, Any] | None = None

    @property
    def keys(self) -> list[dict[str, Any]]:
        """The app's certificates."""
        return list((self.application or {}).get("keyCredentials") or ())

    @property
    def passwords(self) -> list[dict[str, Any]]:
        """The app's secrets, without their values."""
        return list((self.application or {}).get("passwordCredentials") or ())


async def read_actual_state(admin_graph: AdminGraph, desired: DesiredState) -> ActualState:
    """
    Read what the directory has of the app; change nothing.

    Raises:
        SettingsError: Several apps carry the tag.
        UsageError: A caller that is to be given an app role is not there.
        Error: Graph refused, or was not reached.
    """
    graph = await admin_graph.get(
        f"/servicePrincipals(appId='{GRAPH_APP_ID}')?$select=id,appId,appRoles",
        OfferingPrincipalShape,
    )
    callers = await _find_callers(admin_graph, desired)
    object_id = await _find_application(admin_graph, desired)
    if object_id is None:
        deleted = await _find_deleted(
            admin_graph,
            "application?$select=id,appId,tags,uniqueName",
            lambda application: (
                application.get("uniqueName") == desired.unique_name
                or desired.tag in (application.get("tags") or ())
            ),
        )
        return ActualState(graph, callers=callers, deleted=deleted)
    application = await admin_graph.get(
        f"/applications/{object_id}?$select={_PROPERTIES}", ApplicationShape
    )
    trusted = await admin_graph.read(
        f"/applications/{object_id}/federatedIdentityCredentials", FederatedCredentialShape
    )
    client_id = application["appId"]
    principal = await admin_graph.find(
        f"/servicePrincipals(appId='{client_id}')?$select=id,appId,accountEnabled", ObjectShape
    )
    if principal is None:
        deleted = await _find_deleted(
            admin_graph,
            "servicePrincipal?$select=id,appId",
            lambda principal: bool(principal.get("appId") == client_id),
        )
        return ActualState(
            graph,
            application,
            federated_credentials=tuple(trusted),
            callers=callers,
            deleted_principal=deleted,
        )
    assignments = await admin_graph.read(
        f"/servicePrincipals/{principal['id']}/appRoleAssignments", AssignmentShape
    )
    granted = {str(row["appRoleId"]) for row in assignments if row["resourceId"] == graph["id"]}
    return ActualState(
        graph,
        application,
        principal,
        frozenset(granted),
        tuple(trusted),
        callers,
        await _find_holders(admin_graph, desired, str(principal["id"])),
    )


async def _find_callers(admin_graph: AdminGraph, desired: DesiredState) -> dict[str, ApiCaller]:
    """Each caller that is to be given an app role."""
    assignments = desired.exposed.assignments if desired.exposed is not None else ()
    names = dict.fromkeys(assignment.caller for assignment in assignments)
    return {name: await _find_caller(admin_graph, name) for name in names}


async def _find_caller(admin_graph: AdminGraph, name: str) -> ApiCaller:
    text = name.replace("'", "''")
    condition = f"appId eq '{name}'" if _GUID.fullmatch(name) else f"displayName eq '{text}'"
    principals = await admin_graph.read(
        f"/servicePrincipals?$filter={quote(condition)}&$select=id,appId,displayName", CallerShape
    )
    if len(principals) == 1:
        client_id = str(principals[0].get("appId"))
        application = await _find_asking_application(admin_graph, client_id)
        return ApiCaller(str(principals[0]["id"]), application)
    raise UsageError(
        f"--assign: {len(principals) or 'no'} apps in the tenant are {name}",
        code="option_invalid",
        hint="Give the Application (client) ID of one: "
        + ", ".join(str(principal.get("appId")) for principal in principals[:5])
        if principals
        else "Register the caller first (`graphdaemon register`), or bring it into the tenant by "
        "an administrator's consent; a role is given to its service principal.",
    )


async def _find_asking_application(
    admin_graph: AdminGraph, client_id: str
) -> dict[str, Any] | None:
    try:
        return await admin_graph.find(
            f"/applications(appId='{client_id}')?$select=id,appId,requiredResourceAccess",
            AskingApplicationShape,
        )
    except GraphError as error:
        # A role can be given without it.
        if error.status != 403:
            raise
        return None


async def _find_holders(
    admin_graph: AdminGraph, desired: DesiredState, principal_id: str
) -> frozenset[tuple[str, str]]:
    if desired.exposed is None or not desired.exposed.assignments:
        return frozenset()
    rows = await admin_graph.read(
        f"/servicePrincipals/{principal_id}/appRoleAssignedTo", RoleHolderShape
    )
    return frozenset((str(row["principalId"]), str(row["appRoleId"])) for row in rows)


async def _find_application(admin_graph: AdminGraph, desired: DesiredState) -> str | None:
    """The object ID of the app that carries the tag, else of the one with the unique name."""
    # An adopted app has the tag and another unique name, or none; an app whose tag somebody removed
    # still has its unique name.
    condition = quote(f"tags/any(t:t eq '{desired.tag}')")
    tagged = await admin_graph.read(
        f"/applications?$filter={condition}&$select=id,appId", NamedApplicationShape
    )
    # Choosing one could change the app that somebody else relies on.
    if len(tagged) > 1:
        raise SettingsError(
            f"{len(tagged)} apps carry the tag {desired.tag}: "
            + ", ".join(str(application["appId"]) for application in tagged),
            code="registration_ambiguous",
            hint="Keep the tag on the one you mean (Manifest > tags), or use another --name.",
        )
    if tagged:
        return str(tagged[0]["id"])
    # A filtered list may be minutes behind what was just made (msgraph-bicep-types#193), so the
    # look-up by key is a second chance to find it.
    named = await admin_graph.find(
        f"/applications(uniqueName='{desired.unique_name}')?$select=id", ObjectShape
    )
    return str(named["id"]) if named is not None else None


async def _find_deleted(
    admin_graph: AdminGraph, query: str, is_meant: Callable[[dict[str, Any]], bool]
) -> dict[str, Any] | None:
    """The newest match in the recycle bin; None also for whoever may not look there."""
    path = f"/directory/deletedItems/microsoft.graph.{query}&$top=999"
    try:
        deleted = await admin_graph.read(path, DeletedApplicationShape)
    except GraphError as error:
        # An app can be registered without this look, so that it may not be taken is no failure.
        if error.status != 403:
            raise
        return None
    return next(filter(is_meant, reversed(deleted)), None)
