"""Your own API as it should be: its App ID URI, its app roles, and who gets them."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, uuid5

from graphdaemon.errors import UsageError

DEFAULT_URI = "api://{client_id}"
"""The App ID URI that every tenant accepts. The application's ID is known once it exists."""

# The service takes URIs of up to 255 characters ("Redirect URI restrictions"), and role values of
# up to 120 of these characters ("Add app roles and get them from a token").
_LONGEST_URI = 255
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]{0,30}")
_ROLE = re.compile(
    r"[A-Za-z0-9!#$%&'()*+,/:;=?@\[\]^_`|~-][A-Za-z0-9!#$%&'()*+,./:;=?@\[\]^_`|~-]*"
)
_LONGEST_ROLE = 120
# How people write the default, whose last part they cannot know.
_DEFAULTS = frozenset({"api:", "{appid}", "{clientid}", "{client_id}", "{client id}"})


class Assignment(NamedTuple):
    """An app role for a caller, which is a client ID or the name of an app."""

    caller: str
    role: str


class ExposedApi(NamedTuple):
    """
    What an application should offer as an API.

    Attributes:
        uri: The App ID URI, with `{client_id}` for the application's own ID.
        roles: The values of app roles that can be assigned to other apps.
        assignments: Which app should have which of them.
    """

    uri: str = DEFAULT_URI
    roles: tuple[str, ...] = ()
    assignments: tuple[Assignment, ...] = ()


def read_exposed_api(uri: str, roles: Sequence[str], assignments: Sequence[str]) -> ExposedApi:
    """
    Read `--expose`, `--role` and `--assign`.

    Raises:
        UsageError: One of them is not acceptable to the directory.
    """
    for role in roles:
        _check_role(role)
    return ExposedApi(
        _read_uri(uri), tuple(dict.fromkeys(roles)), tuple(map(_read_assignment, assignments))
    )


def draft_role(unique_name: str, value: str) -> dict[str, Any]:
    """Return an app role for applications; its ID is the same in every run."""
    return {
        "id": str(uuid5(NAMESPACE_URL, f"{unique_name}:{value}")),
        "value": value,
        "displayName": value,
        "description": f"Call the API with {value}, as an application.",
        "allowedMemberTypes": ["Application"],
        "isEnabled": True,
    }


def list_missing(
    exposed: ExposedApi, application: Mapping[str, Any], unique_name: str
) -> dict[str, Any]:
    """
    Return what has to be set of an application so that it offers the API; nothing where it does.

    What others have added stays: further URIs, roles and scopes.
    """
    missing: dict[str, Any] = {}
    uris = list(application.get("identifierUris") or ())
    client_id = str(application.get("appId") or "{client_id}")
    uri = exposed.uri.replace("{client_id}", client_id)
    if uri not in uris:
        missing["identifierUris"] = [uri, *uris]
    # Version 1 is what the directory gives where nothing is said ("apiApplication resource type").
    if (application.get("api") or {}).get("requestedAccessTokenVersion") != 2:
        missing["api"] = {"requestedAccessTokenVersion": 2}
    roles = _complete_roles(exposed.roles, application.get("appRoles") or (), unique_name)
    if roles is not None:
        missing["appRoles"] = roles
    return missing


def find_role_id(
    exposed: ExposedApi, application: Mapping[str, Any], value: str, unique_name: str
) -> str:
    """
    Return the ID that the app role of this value has, or is to get.

    Raises:
        UsageError: The API has no such role, and is to get none.
    """
    present = {
        str(role.get("value")): str(role["id"]) for role in application.get("appRoles") or ()
    }
    if value in present:
        return present[value]
    if value in exposed.roles:
        return str(draft_role(unique_name, value)["id"])
    raise UsageError(
        f"the API has no app role {value!r}",
        code="option_invalid",
        hint=f"Create it with --role {value}, or assign a role that exists: "
        f"{', '.join([*present, *exposed.roles]) or 'there is none yet'}.",
    )


def _complete_roles(
    values: Sequence[str], present: Sequence[Mapping[str, Any]], unique_name: str
) -> list[dict[str, Any]] | None:
    """The whole list of app roles, which the directory replaces as one; None if it may stay."""
    # `origin` "must not be included in any POST or PATCH requests" ("appRole resource type").
    kept = [{name: role[name] for name in role if name != "origin"} for role in present]
    roles = [dict(role) for role in kept]
    named = {role.get("value"): role for role in roles}
    for value in values:
        role = named.get(value)
        if role is None:
            roles.append(draft_role(unique_name, value))
            continue
        members = list(role.get("allowedMemberTypes") or ())
        role["isEnabled"] = True
        if "Application" not in members:
            role["allowedMemberTypes"] = [*members, "Application"]
    return None if roles == kept else roles


def _read_uri(text: str) -> str:
    bare = text.removeprefix("api://").strip("/").lower()
    if text.startswith("api:") and (not bare or bare in _DEFAULTS):
        return DEFAULT_URI
    parts = _split(text)
    if parts is None or not _SCHEME.fullmatch(parts[0]):
        raise _refuse_uri(text, "it is not a URI")
    problem = None
    if len(text) > _LONGEST_URI:
        problem = f"it has more than {_LONGEST_URI} characters"
    elif not (parts[1] or parts[2]):
        problem = "nothing follows the scheme"
    elif text.endswith("/"):
        problem = "it ends in a slash"
    elif re.search(r"[\s*{}?#\\]|/\.default$", text):
        problem = "it contains a blank, a wildcard, braces, a query, or /.default"
    if problem is not None:
        raise _refuse_uri(text, problem)
    return text


def _split(text: str) -> tuple[str, str, str] | None:
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    return parts.scheme, parts.netloc, parts.path


def _refuse_uri(text: str, problem: str) -> UsageError:
    return UsageError(
        f"--expose {text!r} cannot be an App ID URI: {problem}",
        code="option_invalid",
        hint="Use --expose api:// for api://{the app's client ID}, which every tenant accepts. Or "
        "name a URI with a verified domain of the tenant, such as "
        "https://contoso.com/orders.",
    )


def _check_role(value: str) -> None:
    if len(value) > _LONGEST_ROLE or not _ROLE.fullmatch(value):
        raise UsageError(
            f"--role {value!r} cannot be the value of an app role",
            code="option_invalid",
            hint="Use up to 120 letters, digits and punctuation marks, without blanks and without "
            "a dot at the beginning, such as Orders.Read.All.",
        )


def _read_assignment(text: str) -> Assignment:
    caller, colon, role = text.partition(":")
    if not colon or not caller.strip() or not role:
        raise UsageError(
            f"--assign {text!r} does not name a caller and a role",
            code="option_invalid",
            hint="Write CLIENT:ROLE: the caller's Application (client) ID or name, a colon, and a "
            "role of the API, such as Orders.Read.All.",
        )
    _check_role(role)
    return Assignment(caller.strip(), role)
