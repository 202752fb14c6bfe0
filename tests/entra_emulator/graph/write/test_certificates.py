from uuid import uuid4

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


# What stands before, between and behind the lines.
FORMS = {
    "one line": ("", "", ""),
    "lines as in PEM": ("", "\n", ""),
    "a line break at the end": ("", "\n", "\n"),
    "lines of Windows": ("", "\r\n", ""),
    "indented": ("\t", " ", " "),
}


def break_lines(text: str) -> list[str]:
    return [text[start : start + 64] for start in range(0, len(text), 64)]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", ["applications", "servicePrincipals"])
def test_a_key_may_be_broken_into_lines(writer: Writer, kind: str, form: str) -> None:
    identity, made = make_identity(5), make(writer)
    principal = install(writer, made["appId"])
    path = f"/{kind}/{made['id'] if kind == 'applications' else principal['id']}"
    plain = certify(identity)
    before, between, behind = FORMS[form]
    body = plain | {"key": before + between.join(break_lines(plain["key"])) + behind}

    assert writer.patch(path, {"keyCredentials": [body]}).status == 204
    (shown,) = writer.get(f"{path}?$select=keyCredentials")["keyCredentials"]
    assert (shown["key"], shown["customKeyIdentifier"]) == (
        plain["key"],
        identity.thumbprint.upper(),
    )
    assert code(ask(writer, made["appId"], **assertion(writer, identity, made["appId"]))) == 0


def test_a_key_in_the_alphabet_of_urls_or_without_its_padding_is_refused(writer: Writer) -> None:
    # `//79/f39` has both letters that the alphabets write differently.
    for key in ("_-79_f39", "//79/f3", "//79/f39=", "//79*f39"):
        body = {"displayName": "x", "keyCredentials": [certify(make_identity()) | {"key": key}]}
        answer = writer.post("/applications", body)

        assert answer.status == 400
        assert "Edm.Binary" in answer.message


@pytest.mark.parametrize("owner", ["az ad app credential reset", "az ad sp create-for-rbac"])
@pytest.mark.parametrize("option", ["--create-cert", "--cert @file"])
def test_azure_cli_puts_a_certificate_on_an_application(
    writer: Writer, owner: str, option: str
) -> None:
    """The requests of Azure CLI's `role` module, as recorded (test_create_for_rbac_create_cert)."""
    identity = make_identity(6)
    text = "\n".join(break_lines(certify(identity)["key"]))
    # A file's certificate keeps the line break behind its last line.
    key = text if option == "--create-cert" else text + "\n"
    entry = certify(identity) | {
        "@odata.type": "#microsoft.graph.keyCredential",
        "displayName": None,
        "key": key,
        "keyId": str(uuid4()),
    }
    name = f"azure-cli-{uuid4().hex[:8]}"
    if owner == "az ad sp create-for-rbac":
        assert writer.get(f"/servicePrincipals?$filter=displayName%20eq%20'{name}'")["value"] == []
        assert writer.get(f"/applications?$filter=startswith(displayName,'{name}')")["value"] == []
        made = make(writer, displayName=name, keyCredentials=[entry])
        writer.make("/servicePrincipals", {"appId": made["appId"], "accountEnabled": True})
    else:
        made = make(writer, displayName=name)
        install(writer, made["appId"])
        (found,) = writer.get(f"/applications?$filter=appId%20eq%20'{made['appId']}'")["value"]
        assert writer.get(f"/applications/{found['id']}")["keyCredentials"] == []
        path = f"/applications/{found['id']}"
        assert writer.patch(path, {"keyCredentials": [entry]}).status == 204

    (shown,) = writer.get(f"/applications/{made['id']}")["keyCredentials"]
    assert (shown["keyId"], shown["displayName"]) == (entry["keyId"], "CN=app 6")
    assert code(ask(writer, made["appId"], **assertion(writer, identity, made["appId"]))) == 0
