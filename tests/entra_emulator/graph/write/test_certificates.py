import pytest

from tests.support.certificates_and_assertions import (
    make_identity,
)
from tests.support.graph_applications import ask, assertion, certify, code, install, make
from tests.support.graph_writer import NOBODY, Writer


def test_certificates(writer: Writer) -> None:
    """The list of certificates is replaced as a whole: what is left out proves nothing more."""
    old, new = make_identity(1), make_identity(2)
    made = make(writer, keyCredentials=[certify(old, displayName=None, keyId=NOBODY)])
    install(writer, made["appId"])
    path = f"/applications/{made['id']}"
    (entry,) = made["keyCredentials"]
    assert list(entry) == [
        "customKeyIdentifier",
        "displayName",
        "endDateTime",
        "key",
        "keyId",
        "startDateTime",
        "type",
        "usage",
    ]
    assert entry["customKeyIdentifier"] == old.thumbprint.upper()
    assert (entry["displayName"], entry["key"], entry["keyId"]) == ("CN=app 1", None, NOBODY)
    assert code(ask(writer, made["appId"], **assertion(writer, old, made["appId"]))) == 0

    assert writer.patch(path, {"keyCredentials": [entry, certify(new)]}).status == 204
    for identity in (old, new):
        assert code(ask(writer, made["appId"], **assertion(writer, identity, made["appId"]))) == 0
    added = writer.get(path)["keyCredentials"][1]
    changed = writer.patch(path, {"keyCredentials": [entry | {"displayName": "other"}]})
    assert changed.message == f"Update to existing credential with KeyId '{NOBODY}' is not allowed."
    assert writer.patch(path, {"keyCredentials": [added]}).status == 204
    assert code(ask(writer, made["appId"], **assertion(writer, old, made["appId"]))) == 700027
    assert code(ask(writer, made["appId"], **assertion(writer, new, made["appId"]))) == 0


@pytest.mark.parametrize("kind", ["applications", "servicePrincipals"])
def test_certificate_shown(writer: Writer, kind: str) -> None:
    """A certificate's key shows where one object's certificates are asked for by name."""
    identity = make_identity(4)
    made = make(writer)
    if kind == "servicePrincipals":
        made = install(writer, made["appId"])
    path = f"/{kind}/{made['id']}"
    body = certify(identity)
    assert writer.patch(path, {"keyCredentials": [body]}).status == 204

    assert writer.get(path)["keyCredentials"][0]["key"] is None
    (shown,) = writer.get(f"{path}?$select=id,keyCredentials")["keyCredentials"]
    (listed,) = writer.get(f"/{kind}?$filter=id%20eq%20'{made['id']}'&$select=keyCredentials")[
        "value"
    ]
    assert shown["key"] == body["key"]
    assert listed["keyCredentials"][0]["key"] is None
    assert writer.patch(path, {"keyCredentials": [shown]}).status == 204


def test_certificate_times(writer: Writer) -> None:
    """A certificate cannot be said to last longer than it does."""
    identity = make_identity(3, end_days=10)
    body = {"displayName": "x", "keyCredentials": [certify(identity)]}

    assert writer.post("/applications", body).status == 201
    body["keyCredentials"] = [certify(identity, endDateTime="2099-01-01T00:00:00Z")]
    refused = writer.post("/applications", body)
    assert (refused.code, refused.message) == (
        "KeyCredentialsInvalidEndDate",
        "Key credential end date is invalid.",
    )
