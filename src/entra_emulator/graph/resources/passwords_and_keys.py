"""Credentials one by one: `addPassword`, `removePassword`, `addKey`, `removeKey`."""

from functools import partial

import msgspec
from starlette.responses import Response

from entra_emulator.directory.credentials import Credential
from entra_emulator.errors import deny
from entra_emulator.graph.answer import NOWHERE, answer_nothing, answer_object
from entra_emulator.graph.call import Call
from entra_emulator.graph.objects.find import find_target, read_record
from entra_emulator.graph.router import write_route
from entra_emulator.graph.write.app_policies import check_policies, check_symmetric
from entra_emulator.graph.write.body import read_parameters, read_text
from entra_emulator.graph.write.certificates import check_proof, read_key
from entra_emulator.graph.write.secrets import draft_secret
from entra_emulator.graph.write.validate import read_parameter
from entra_emulator.model.kinds import KINDS
from entra_emulator.model.records import Record
from entra_emulator.web.context import is_guid

_encode = msgspec.json.Encoder().encode


def add_password(call: Call, *, kind: str) -> Response:
    """`POST /applications/{id}/addPassword`: a new secret, shown this once."""
    parameters = read_parameters(call, "passwordCredential")
    values = read_parameter("passwordCredential", parameters["passwordCredential"])
    with call.directory.transaction():
        record = read_record(find_target(call, kind))
        secret = draft_secret(call, values)
        _add(call, kind, record, "passwordCredentials", secret.entry, credential=secret.credential)
    body = _encode(secret.entry | {"secretText": secret.text})
    return answer_object(call, "microsoft.graph.passwordCredential", body, location=NOWHERE)


def remove_password(call: Call, *, kind: str) -> Response:
    """`POST /applications/{id}/removePassword`: the secret's next use is refused."""
    key_id = _read_key_id(read_parameters(call, "keyId"))
    with call.directory.transaction():
        record = read_record(find_target(call, kind))
        _remove(call, kind, record, "passwordCredentials", key_id)
    return answer_nothing(call)


def add_key(call: Call, *, kind: str) -> Response:
    """`POST /applications/{id}/addKey`: a new certificate, by proof of having one already."""
    parameters = read_parameters(call, "keyCredential", "passwordCredential", "proof")
    values = read_parameter("keyCredential", parameters["keyCredential"])
    if parameters["passwordCredential"] is not None:
        raise deny("not_emulated", what="keys with a password")
    with call.directory.transaction():
        record = read_record(find_target(call, kind))
        _check_proof(call, kind, record, parameters["proof"])
        check_symmetric(call, kind, record, [values])
        entry, credential = read_key(call, values)
        _add(call, kind, record, "keyCredentials", entry, credential=credential)
    body = _encode(entry)
    return answer_object(call, "microsoft.graph.keyCredential", body, location=NOWHERE)


def remove_key(call: Call, *, kind: str) -> Response:
    """`POST /applications/{id}/removeKey`: a certificate is removed, by proof of having one."""
    parameters = read_parameters(call, "keyId", "proof")
    key_id = _read_key_id(parameters)
    with call.directory.transaction():
        record = read_record(find_target(call, kind))
        _check_proof(call, kind, record, parameters["proof"])
        _remove(call, kind, record, "keyCredentials", key_id)
    return answer_nothing(call)


def _add(
    call: Call, kind: str, record: Record, name: str, entry: Record, *, credential: Credential
) -> None:
    present = (*record["keyCredentials"], *record["passwordCredentials"])
    if any(other["keyId"] == entry["keyId"] for other in present):
        raise deny("key_changed", key=entry["keyId"])
    changes = {name: [*record[name], entry]}
    check_policies(call, kind, record | changes, record)
    call.directory.objects.update(call.tenant, kind, record["id"], changes)
    call.directory.credentials.keep(_holder(kind, record), [credential])


def _remove(call: Call, kind: str, record: Record, name: str, key_id: str) -> None:
    kept = [entry for entry in record[name] if entry["keyId"] != key_id]
    if len(kept) == len(record[name]):
        word = "password_unknown" if name == "passwordCredentials" else "key_unknown"
        raise deny(word, key=key_id)
    call.directory.objects.update(call.tenant, kind, record["id"], {name: kept})
    call.directory.credentials.drop(_holder(kind, record), [key_id])


def _check_proof(call: Call, kind: str, record: Record, proof: object) -> None:
    # The proof replaces a permission: an application needs none to roll its own keys.
    certificates = call.directory.credentials.list_certificates(_holder(kind, record))
    check_proof(call, record["id"], certificates, proof)


def _holder(kind: str, record: Record) -> str:
    """The ID under which the token service keeps the credentials."""
    return str(record["appId"] if kind == "application" else record["id"])


def _read_key_id(parameters: Record) -> str:
    key_id = read_text(parameters["keyId"], "keyId")
    if not is_guid(key_id):
        raise deny("literal_wrong", literal=key_id[:100], type="Edm.Guid")
    return key_id.lower()


_ACTIONS = {
    "addKey": add_key,
    "addPassword": add_password,
    "removeKey": remove_key,
    "removePassword": remove_password,
}

ROUTES = tuple(
    write_route("POST", f"/{KINDS[kind].collection}/{{key}}/{name}", partial(answer, kind=kind))
    for kind in ("application", "servicePrincipal")
    for name, answer in _ACTIONS.items()
)
