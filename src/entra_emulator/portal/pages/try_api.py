"""Try it: the exact requests that a client of an application's own API has to make."""

import json
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

from starlette.responses import Response

from entra_emulator.model.records import Record
from entra_emulator.portal.application import ApplicationView
from entra_emulator.portal.routes import application_page
from entra_emulator.web.context import origin_of
from entra_emulator.web.pages.render import render
from entra_emulator.web.pages.request import PageRequest

# Values for a person to fill in: only the client has its secret, and the API may be anywhere.
_CLIENT_ID, _SECRET = "{client_id}", "{secret}"
_HOST, _PATH = "api.contoso.example", "/orders"
_CALL = f"GET {_PATH} HTTP/1.1\nHost: {_HOST}\nAuthorization: Bearer {{access_token}}"


class RoleHolder(NamedTuple):
    """A client with app roles of the API: its client ID, its name, and the values of the roles."""

    app_id: str
    name: str
    roles: tuple[str, ...]


@application_page("GET", "exposure/try")
def show_try(request: PageRequest, app: ApplicationView) -> Response:
    """Show the token request and the call, filled in for a client that is chosen."""
    callers = _list_callers(request, app)
    chosen = next((one for one in callers if one.app_id == request.query("client")), None)
    caller = chosen or (callers[0] if callers else None)
    origin, tenant_id = origin_of(request.http), request.tenant.id
    uris: list[str] = app.record["identifierUris"]
    scope = f"{_name_api(app.record)}/.default"
    client_id = caller.app_id if caller else _CLIENT_ID
    return render(
        request,
        "exposure_try.html",
        app=app,
        uri=uris[0] if uris else "",
        roles=_list_roles(app.record),
        callers=callers,
        caller=caller,
        token_url=f"{origin}/{tenant_id}/oauth2/v2.0/token",
        token_request=_write_token_request(origin, tenant_id, client_id, scope),
        call=_CALL,
        parameters=_write_parameters(f"{origin}/{tenant_id}", client_id, scope),
        claims=_list_claims(app, origin, tenant_id, caller),
    )


def _list_roles(record: Record) -> list[str]:
    """The values of the app roles that applications can be given."""
    return [
        role["value"]
        for role in record["appRoles"]
        if role["isEnabled"] and role["value"] and "Application" in role["allowedMemberTypes"]
    ]


def _list_callers(request: PageRequest, app: ApplicationView) -> list[RoleHolder]:
    """The clients of this tenant that hold app roles of the API, by their names."""
    directory, tenant = request.directory, request.tenant
    api = directory.service_principals.find(tenant, app.app_id)
    if api is None:
        return []
    values = {role["id"]: role["value"] for role in api.record["appRoles"]}
    held: dict[str, list[str]] = {}
    for assignment in directory.consents.list_assignments(tenant, resource=api.id):
        value = values.get(assignment["appRoleId"])
        if assignment["principalType"] == "ServicePrincipal" and value:
            held.setdefault(assignment["principalId"], []).append(value)
    callers = []
    for principal_id, roles in held.items():
        row = directory.objects.find(tenant, principal_id, kind="servicePrincipal")
        if row is not None:
            doc = json.loads(row.doc)
            callers.append(RoleHolder(doc["appId"], doc["displayName"], tuple(sorted(roles))))
    return sorted(callers, key=lambda caller: (caller.name.casefold(), caller.app_id))


def _write_token_request(origin: str, tenant_id: str, client_id: str, scope: str) -> str:
    # Text in braces is for a person to fill in, and would be hard to recognise if it were escaped.
    form = urlencode(
        {
            "client_id": client_id,
            "scope": scope,
            "client_secret": _SECRET,
            "grant_type": "client_credentials",
        },
        safe="{}",
    )
    return (
        f"POST /{tenant_id}/oauth2/v2.0/token HTTP/1.1\n"
        f"Host: {urlsplit(origin).netloc}\n"
        "Content-Type: application/x-www-form-urlencoded\n\n"
        f"{form}"
    )


def _write_parameters(authority: str, client_id: str, scope: str) -> str:
    values = {
        "authority": authority,
        "client_id": client_id,
        "scope": [scope],
        "secret": _SECRET,
        "endpoint": f"https://{_HOST}{_PATH}",
        "ca_file": "ca.pem",
    }
    return json.dumps(values, indent=2)


def _list_claims(
    app: ApplicationView, origin: str, tenant_id: str, caller: RoleHolder | None
) -> list[tuple[str, str]]:
    """What the token will say, as far as an API has to check it ("Access token claims")."""
    version = app.record["api"]["requestedAccessTokenVersion"] or 1
    audience, issuer = app.app_id, f"{origin}/{tenant_id}/v2.0"
    if version == 1:
        # It is spelt as the scope spells it.
        audience = _name_api(app.record)
        issuer = f"https://sts.windows.net/{tenant_id}/"
    return [
        ("aud", audience),
        ("iss", issuer),
        ("tid", tenant_id),
        ("ver", f"{version}.0"),
        ("roles", ", ".join(caller.roles) if caller else ""),
    ]


def _name_api(record: Record) -> str:
    """The App ID URI; without one the client ID, which names the API, too."""
    return str([*record["identifierUris"], record["appId"]][0])
