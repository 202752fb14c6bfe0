"""Federated identity credentials: whose tokens prove an application's identity."""

from dataclasses import replace

from starlette.responses import Response

from entra_emulator.errors import deny
from entra_emulator.graph.answer import answer_nothing, answer_record, answer_records, locate
from entra_emulator.graph.call import Call
from entra_emulator.graph.objects.find import find_object, find_target, read_alternate, read_record
from entra_emulator.graph.objects.relations import RecordNavigation, enter_records
from entra_emulator.graph.router import Endpoint, write_route
from entra_emulator.graph.write.body import read_payload
from entra_emulator.graph.write.rules import Rule, split_names
from entra_emulator.graph.write.validate import check_echoed, read_properties, require
from entra_emulator.model.records import FederatedCredential, Record

_KIND = "federatedIdentityCredential"
_PATH = "/applications/{key}/federatedIdentityCredentials"

_RULE = Rule(
    _KIND,
    fixed=split_names("id"),
    required=("name", "issuer", "subject", "audiences"),
    # The type is a collection, and yet one audience is all it takes (documented).
    counts={"audiences": 1},
)


def list_federated(call: Call) -> Response:
    """`GET /applications/{id}/federatedIdentityCredentials`, and below it `/$count`."""
    record = read_record(find_object(call, "application", call.keys["key"]))
    return answer_records(call, _KIND, _describe(record), _read(call, record))


def show_federated(call: Call) -> Response:
    """`GET /applications/{id}/federatedIdentityCredentials/{id or name}`."""
    record = read_record(find_object(call, "application", call.keys["key"]))
    credential = _find(call, record["appId"])
    return answer_record(call, _KIND, _describe(record), _render(credential))


def create_federated(call: Call) -> Response:
    """`POST /applications/{id}/federatedIdentityCredentials`."""
    values = read_properties(_RULE, read_payload(call), creating=True).values
    with call.directory.transaction():
        record = read_record(find_target(call, "application"))
        return _create(call, record, values)


def change_federated(call: Call) -> Response:
    """`PATCH /applications/{id}/federatedIdentityCredentials/{id or name}`; names stay."""
    body = read_properties(_RULE, read_payload(call), creating=False)
    with call.directory.transaction():
        record = read_record(find_target(call, "application"))
        name = read_alternate(call.keys["credential"], "name")
        if (
            call.prefers("create-if-missing")
            and name is not None
            and _search(call, record["appId"]) is None
        ):
            return _create(call, record, body.values | {"name": name})
        present = _find(call, record["appId"])
        check_echoed(_KIND, _render(present), body)
        changed = _alter(present, body.values)
        try:
            call.directory.credentials.change_federated(call.tenant, record["appId"], changed)
        except ValueError as error:
            raise deny("federated_limit", reason=str(error)) from error
    return answer_nothing(call)


def remove_federated(call: Call) -> Response:
    """`DELETE /applications/{id}/federatedIdentityCredentials/{id or name}`."""
    with call.directory.transaction():
        app_id = read_record(find_target(call, "application"))["appId"]
        name = _find(call, app_id).name
        call.directory.credentials.remove_federated(call.tenant, app_id, name)
    return answer_nothing(call)


def _create(call: Call, record: Record, values: Record) -> Response:
    require(_RULE, values)
    app_id, directory = record["appId"], call.directory
    names = {credential.name for credential in directory.credentials.list_federated(app_id)}
    if values["name"] in names:
        raise deny("federated_present", name=values["name"])
    # It is required, but an empty list counts as present.
    if not values["audiences"]:
        raise deny("value_missing", name="audiences", resource="FederatedIdentityCredential")
    try:
        credential = directory.credentials.add_federated(
            call.tenant,
            app_id,
            values["name"],
            values["issuer"],
            values["subject"],
            audience=values["audiences"][0],
            description=values.get("description"),
        )
    except ValueError as error:
        raise deny("federated_limit", reason=str(error)) from error
    location = locate(call, f"federatedIdentityCredentials/{credential.id}")
    return answer_record(
        call, _KIND, _describe(record), _render(credential), status=201, location=location
    )


def _alter(credential: FederatedCredential, values: Record) -> FederatedCredential:
    """The credential with these values: its name stays, and what it needs cannot be null."""
    if values.get("name", credential.name) != credential.name:
        # The name is an alternate key, and so never changes.
        raise deny("property_fixed", name="name")
    changes: Record = {
        name: values[name] for name in ("issuer", "subject", "description") if name in values
    }
    if "audiences" in values:
        changes["audience"] = values["audiences"][0] if values["audiences"] else None
    for name, value in changes.items():
        if value is None and name != "description":
            shown = "audiences" if name == "audience" else name
            raise deny("value_missing", name=shown, resource="FederatedIdentityCredential")
    return replace(credential, **changes)


def _find(call: Call, app_id: str) -> FederatedCredential:
    credential = _search(call, app_id)
    if credential is None:
        raise deny("object_missing", key=call.keys["credential"])
    return credential


def _search(call: Call, app_id: str) -> FederatedCredential | None:
    key = call.keys["credential"]
    name = read_alternate(key, "name") or key
    for credential in call.directory.credentials.list_federated(app_id):
        if name == credential.name or name.lower() == credential.id:
            return credential
    return None


def _read(call: Call, record: Record) -> list[Record]:
    return [_render(one) for one in call.directory.credentials.list_federated(record["appId"])]


def _describe(record: Record) -> str:
    return f"applications('{record['id']}')/federatedIdentityCredentials"


def _render(credential: FederatedCredential) -> Record:
    """Keys in the recorded order."""
    return {
        "id": credential.id,
        "name": credential.name,
        "issuer": credential.issuer,
        "subject": credential.subject,
        "description": credential.description,
        "audiences": [credential.audience],
    }


enter_records(RecordNavigation("application", "federatedIdentityCredentials", _KIND, _read))

ROUTES = (
    Endpoint("GET", _PATH, list_federated),
    Endpoint("GET", f"{_PATH}/$count", list_federated),
    Endpoint("GET", f"{_PATH}/{{credential}}", show_federated),
    write_route("POST", _PATH, create_federated),
    write_route("PATCH", f"{_PATH}/{{credential}}", change_federated),
    write_route("DELETE", f"{_PATH}/{{credential}}", remove_federated),
)
