"""
When applications and their credentials were last used: reports that Graph has in beta alone.

`/reports/servicePrincipalSignInActivities` and `/reports/appCredentialSignInActivities`.
"""

import base64
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import msgspec
from starlette.responses import Response

from entra_emulator.audit import SignIn
from entra_emulator.clock import format_iso
from entra_emulator.directory.last_uses import Part
from entra_emulator.directory.sign_ins import make_request_id
from entra_emulator.errors import deny
from entra_emulator.graph.access.activity_reports import check_reader_role
from entra_emulator.graph.answer import answer_record, answer_records
from entra_emulator.graph.call import Call
from entra_emulator.graph.router import Endpoint
from entra_emulator.model.applications import GRAPH_APP_ID
from entra_emulator.model.records import Record
from entra_emulator.web.context import names_graph

_APPS = "reports/servicePrincipalSignInActivities"
_KEYS = "reports/appCredentialSignInActivities"
_APP, _KEY = "servicePrincipalSignInActivity", "appCredentialSignInActivity"

_decode = msgspec.json.Decoder().decode

# Which part of an application each event of the log of sign-ins uses.
_PARTS: Mapping[str, Part] = {
    "servicePrincipal": "application",
    "managedIdentity": "application",
    "interactiveUser": "delegated",
    "nonInteractiveUser": "delegated",
}


class _Use(NamedTuple):
    moment: float
    request_id: str


def list_apps(call: Call) -> Response:
    """`GET /reports/servicePrincipalSignInActivities`: when applications last signed in."""
    _check(call, _APPS)
    return answer_records(call, _APP, _APPS, _describe_apps(call))


def show_app(call: Call) -> Response:
    """`GET /reports/servicePrincipalSignInActivities/{id}`: when one did."""
    _check(call, _APPS)
    return _show(call, _APP, _APPS, _describe_apps(call))


def list_keys(call: Call) -> Response:
    """`GET /reports/appCredentialSignInActivities`: when credentials were last used."""
    _check(call, _KEYS)
    return answer_records(call, _KEY, _KEYS, _describe_keys(call))


def show_key(call: Call) -> Response:
    """`GET /reports/appCredentialSignInActivities/{id}`: when one was."""
    _check(call, _KEYS)
    return _show(call, _KEY, _KEYS, _describe_keys(call))


def _check(call: Call, path: str) -> None:
    """
    Refuse requests to v1.0, callers who may not read reports, and tenants without a licence.

    Raises:
        GraphRefusal: 400 or 403.
    """
    if call.version == "v1.0":
        raise deny("segment_unknown", segment=path.partition("/")[2])
    check_reader_role(call.directory, call.caller)
    if not call.directory.licences.has_premium(call.tenant):
        raise deny("premium_only")


def _show(call: Call, kind: str, path: str, records: Iterable[Record]) -> Response:
    key = call.keys["key"]
    record = next((one for one in records if one["id"] == key), None)
    if record is None:
        raise deny("object_missing", key=key)
    return answer_record(call, kind, path, record)


def _describe_apps(call: Call) -> Iterator[Record]:
    app_only, delegated = _read_uses(call, "application"), _read_uses(call, "delegated")
    as_resource = _read_resource_uses(call)
    for app_id in sorted({*app_only, *delegated, *as_resource["application"]}):
        uses = (
            app_only.get(app_id),
            as_resource["application"].get(app_id),
            delegated.get(app_id),
            as_resource["delegated"].get(app_id),
        )
        yield {
            "id": _name(app_id),
            "appId": app_id,
            "applicationAuthenticationClientSignInActivity": _write(uses[0]),
            "applicationAuthenticationResourceSignInActivity": _write(uses[1]),
            "delegatedClientSignInActivity": _write(uses[2]),
            "delegatedResourceSignInActivity": _write(uses[3]),
            "lastSignInActivity": _write(max(use for use in uses if use is not None)),
        }


def _describe_keys(call: Call) -> Iterator[Record]:
    uses = _read_uses(call, "key")
    objects = {"application": "appObjectId", "servicePrincipal": "servicePrincipalObjectId"}
    for origin, name in objects.items():
        for _, doc in call.directory.collections.scan(call.tenant, origin):
            holder: Record = _decode(doc)
            ids = {"appObjectId": None, "servicePrincipalObjectId": None} | {name: holder["id"]}
            for key_type, key in _list_credentials(holder):
                # "recent activity of application credentials": what was never used has none.
                if key["keyId"] in uses:
                    yield {
                        "id": _name(f"{key['keyId']}|{origin}"),
                        "appId": holder["appId"],
                        **ids,
                        "createdDateTime": key["startDateTime"],
                        "credentialOrigin": origin,
                        "expirationDateTime": key["endDateTime"],
                        "keyId": key["keyId"],
                        "keyType": key_type,
                        "keyUsage": str(key.get("usage") or "Sign").lower(),
                        "resourceId": None,
                        "signInActivity": _write(uses[key["keyId"]]),
                    }


def _list_credentials(holder: Record) -> Iterator[tuple[str, Record]]:
    for key in holder.get("passwordCredentials") or ():
        yield "clientSecret", key
    for key in holder.get("keyCredentials") or ():
        yield "certificate", key


def _read_uses(call: Call, part: Part) -> dict[str, _Use]:
    """The last uses of one part, by the ID of the credential or client."""
    uses = {
        holder: _Use(moment, make_request_id(0, moment))
        for holder, moment in call.directory.last_uses.list_all(call.tenant, part).items()
    }
    for sign_in in _list_sign_ins(call):
        if part == "key" and sign_in.key_id:
            _keep(uses, sign_in.key_id, sign_in)
        elif part == _PARTS.get(sign_in.event):
            _keep(uses, sign_in.app_id, sign_in)
    return uses


def _read_resource_uses(call: Call) -> dict[Part, dict[str, _Use]]:
    """The last uses of APIs, by the part that their callers used."""
    uses: dict[Part, dict[str, _Use]] = {"application": {}, "delegated": {}}
    for sign_in in _list_sign_ins(call):
        part = _PARTS.get(sign_in.event)
        if part is not None and sign_in.audience:
            api = _find_api(call, sign_in.audience)
            if api:
                _keep(uses[part], api, sign_in)
    return uses


def _find_api(call: Call, audience: str) -> str:
    if names_graph(call.context, audience):
        return GRAPH_APP_ID
    principal = call.directory.service_principals.find_api(call.tenant, audience)
    return principal.app_id if principal is not None else ""


def _list_sign_ins(call: Call) -> Iterator[SignIn]:
    """The sign-ins of the tenant that succeeded."""
    for _, sign_in in call.context.audit.sign_ins.list_all():
        if sign_in.tenant_id == call.tenant.id and sign_in.code == 0:
            yield sign_in


def _keep(uses: dict[str, _Use], holder: str, sign_in: SignIn) -> None:
    use = _Use(sign_in.at, sign_in.id)
    uses[holder] = max(use, uses.get(holder, use))


def _write(use: _Use | None) -> Record | None:
    if use is None:
        return None
    return {
        "lastSignInDateTime": format_iso(use.moment),
        "lastSignInRequestId": use.request_id,
    }


def _name(text: str) -> str:
    """The ID of an entry: what it is about in base64, as in the documented answers."""
    return base64.b64encode(text.encode()).decode()


ROUTES = (
    Endpoint("GET", f"/{_APPS}", list_apps),
    Endpoint("GET", f"/{_APPS}/{{key}}", show_app),
    Endpoint("GET", f"/{_KEYS}", list_keys),
    Endpoint("GET", f"/{_KEYS}/{{key}}", show_key),
)
