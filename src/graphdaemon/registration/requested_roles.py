"""The app roles that a registration asks for: its `requiredResourceAccess`."""

from collections.abc import Iterable, Mapping
from typing import Any


def list_requested(application: Mapping[str, Any] | None, api: str) -> list[str]:
    """Return the IDs of the app roles of an API, by its client ID, that an app asks for."""
    return [
        str(access.get("id"))
        for resource in (application or {}).get("requiredResourceAccess") or ()
        if resource.get("resourceAppId") == api
        for access in resource.get("resourceAccess") or ()
        if access.get("type") == "Role"
    ]


def request_roles(
    application: Mapping[str, Any], api: str, roles: Iterable[str]
) -> list[dict[str, Any]]:
    """Return the whole list of what an app asks for, with these app roles of an API added."""
    # Graph replaces the list as a whole, so it is sent with what people have added to it.
    resources = [dict(resource) for resource in application.get("requiredResourceAccess") or ()]
    resource = next((one for one in resources if one.get("resourceAppId") == api), None)
    if resource is None:
        resource = {"resourceAppId": api, "resourceAccess": []}
        resources.append(resource)
    access = list(resource.get("resourceAccess") or ())
    requested = list_requested(application, api)
    missing = [{"id": role, "type": "Role"} for role in roles if role not in requested]
    resource["resourceAccess"] = access + missing
    return resources
