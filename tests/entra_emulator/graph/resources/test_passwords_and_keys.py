import json
import time
from typing import Any

import pytest

from entra_emulator.model.applications import GRAPH_APP_ID
from tests.support.certificates_and_assertions import (
    Identity,
    encode,
    make_identity,
    sign,
)
from tests.support.emulator_probe import Probe
from tests.support.graph_applications import (
    ask,
    assertion,
    certify,
    code,
    install,
    make,
)
from tests.support.graph_writer import NOBODY, Writer

PROOF_AUDIENCE = "00000002-0000-0000-c000-000000000000"


def test_secrets(writer: Writer) -> None:
    """A secret works at once, is shown once, and stops working when it is removed."""
    made = make(writer)
    install(writer, made["appId"])
    path = f"/applications/{made['id']}"
    answer = writer.post(f"{path}/addPassword")
    added = answer.json()
    secret = added["secretText"]

    assert answer.status == 200
    assert answer.headers["location"] == "https://graph.microsoft.com"
    assert added["@odata.context"].endswith("#microsoft.graph.passwordCredential")
    assert list(added)[1:] == [
        "customKeyIdentifier",
        "displayName",
        "endDateTime",
        "hint",
        "keyId",
        "secretText",
        "startDateTime",
    ]
    assert added["hint"] == secret[:3]
    start, end = added["startDateTime"], added["endDateTime"]
    assert (int(end[:4]) - int(start[:4]), end[4:]) == (2, start[4:])
    shown = {name: value for name, value in added.items() if name != "@odata.context"}
    assert writer.get(path)["passwordCredentials"] == [shown | {"secretText": None}]
    assert code(ask(writer, made["appId"], client_secret=secret)) == 0
    removed = writer.post(f"{path}/removePassword", {"keyId": added["keyId"]})
    assert (removed.status, removed.body) == (204, b"")
    assert code(ask(writer, made["appId"], client_secret=secret)) == 7000215
    again = writer.post(f"{path}/removePassword", {"keyId": added["keyId"]})
    assert (again.status, again.message) == (
        400,
        f"No password credential found with keyId '{added['keyId']}'.",
    )


def test_secret_as_asked(writer: Writer) -> None:
    """Times and key IDs of a secret are kept as they were sent, in UTC."""
    path = f"/applications/{make(writer)['id']}"
    added = writer.post(
        f"{path}/microsoft.graph.addPassword",
        {
            "passwordCredential": {
                "displayName": "rbac",
                "keyId": NOBODY,
                "startDateTime": "2026-08-23T14:36:18.018157+02:00",
                "endDateTime": "2027-08-23T12:36:18Z",
            }
        },
    ).json()

    assert added["startDateTime"] == "2026-08-23T12:36:18.018157Z"
    assert added["endDateTime"] == "2027-08-23T12:36:18Z"
    assert (added["displayName"], added["keyId"]) == ("rbac", NOBODY)
    backwards = {"startDateTime": "2027-01-01T00:00:00Z", "endDateTime": "2026-01-01T00:00:00Z"}
    assert writer.post(f"{path}/addPassword", {"passwordCredential": backwards}).status == 400
    twice = {"passwordCredential": {"keyId": NOBODY}}
    assert writer.post(f"{path}/addPassword", twice).status == 400
    assert writer.post(f"{path}/addPassword", {"password": 1}).code == "BadRequest"
    assert writer.post(f"{path}/removePassword", {}).status == 400
    assert writer.post(f"{path}/removePassword", {"keyId": "x"}).status == 400


def prove(identity: Identity, object_id: str, **changes: Any) -> str:
    now = int(time.time())
    claims = {"aud": PROOF_AUDIENCE, "iss": object_id, "nbf": now, "exp": now + 600} | changes
    header = {"alg": "RS256", "typ": "JWT", "x5t": encode(bytes.fromhex(identity.thumbprint))}
    return sign(identity, header, claims)


def test_rolling_keys(writer: Writer) -> None:
    """Whoever proves to have a certificate adds the next one and removes the last."""
    old, new = make_identity(4), make_identity(5)
    made = make(writer, keyCredentials=[certify(old)])
    install(writer, made["appId"])
    path = f"/applications/{made['id']}"
    body = {
        "keyCredential": certify(new),
        "passwordCredential": None,
        "proof": prove(old, made["id"]),
    }
    answer = writer.post(f"{path}/addKey", body)

    assert answer.status == 200
    assert answer.json()["@odata.context"].endswith("#microsoft.graph.keyCredential")
    assert code(ask(writer, made["appId"], **assertion(writer, new, made["appId"]))) == 0
    key_id = made["keyCredentials"][0]["keyId"]
    removing = {"keyId": key_id, "proof": prove(new, made["id"])}
    assert writer.post(f"{path}/removeKey", removing).status == 204
    assert code(ask(writer, made["appId"], **assertion(writer, old, made["appId"]))) == 700027
    assert writer.post(f"{path}/removeKey", removing).message == (
        f"No key credential found with keyId '{key_id}'."
    )


def test_rolling_own_keys(writer: Writer, probe: Probe) -> None:
    """An application rolls its own keys without any permission, and nobody else's."""
    old, new = make_identity(6), make_identity(7)
    made, other = (make(writer, keyCredentials=[certify(old)]) for _ in range(2))
    install(writer, made["appId"])
    token = ask(writer, made["appId"], **assertion(writer, old, made["appId"])).json()
    headers = {
        "Authorization": f"Bearer {token['access_token']}",
        "Content-Type": "application/json",
    }
    statuses = []
    for target in (made, other):
        body = {
            "keyCredential": certify(new),
            "passwordCredential": None,
            "proof": prove(old, target["id"]),
        }
        path = f"/v1.0/applications/{target['id']}/addKey"
        answer = probe.send("POST", path, headers=headers, body=json.dumps(body).encode())
        statuses.append(answer.status)

    assert statuses == [200, 403]


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": NOBODY},
        {"aud": GRAPH_APP_ID},
        {"exp": 1300.0},
        {"nbf": -3600.0, "exp": -3000.0},
        {"nbf": None},
        {"exp": "soon"},
    ],
    ids="iss aud late past no-nbf no-time".split(),
)
def test_false_claims(writer: Writer, changes: dict[str, Any]) -> None:
    """A proof for somebody else, or for more than ten minutes, is refused; floats are from now."""
    now, identity = int(time.time()), make_identity(4)
    changes = {
        name: now + int(value) if isinstance(value, float) else value
        for name, value in changes.items()
    }
    made = make(writer, keyCredentials=[certify(identity)])

    refuse_proof(writer, made, prove(identity, made["id"], **changes))


@pytest.mark.parametrize("proof", ["x.y.z", None, {"a": 1}, "", 7])
def test_false_proof(writer: Writer, proof: Any) -> None:
    """What is no proof is refused, and one by another key too."""
    made = make(writer, keyCredentials=[certify(make_identity(4))])

    refuse_proof(writer, made, proof)
    refuse_proof(writer, made, prove(make_identity(6), made["id"]))


def refuse_proof(writer: Writer, made: dict[str, Any], proof: Any) -> None:
    path = f"/applications/{made['id']}"
    body = {"keyCredential": certify(make_identity(5)), "proof": proof}
    answer = writer.post(f"{path}/addKey", body)
    assert (answer.status, answer.code) == (401, "Authentication_MissingOrMalformed")
    assert len(writer.get(path)["keyCredentials"]) == 1
