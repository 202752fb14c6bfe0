"""Applications that are written through Graph, and what proves their identity."""

import base64
from typing import Any
from uuid import uuid4

import pytest

from tests.support.certificates_and_assertions import (
    Identity,
    describe,
    sign,
)
from tests.support.emulator_probe import GRAPH_SCOPE, Answer, Probe
from tests.support.graph_writer import Writer, start_writer

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@pytest.fixture(scope="module")
def writer(probe: Probe) -> Writer:
    return start_writer(probe)


def make(writer: Writer, **values: Any) -> dict[str, Any]:
    return writer.make("/applications", {"displayName": "Orders"} | values)


def install(writer: Writer, app_id: str) -> dict[str, Any]:
    return writer.make("/servicePrincipals", {"appId": app_id})


def ask(writer: Writer, app_id: str, **form: str) -> Answer:
    """A token of the application's own."""
    body = {"grant_type": "client_credentials", "client_id": app_id, "scope": GRAPH_SCOPE} | form
    return writer.app.probe.post(f"/{writer.app.tenant.id}/oauth2/v2.0/token", body)


def code(answer: Answer) -> int:
    """The AADSTS number, 0 for a token."""
    return 0 if answer.status == 200 else int(answer.json()["error_codes"][0])


def certify(identity: Identity, **values: Any) -> dict[str, Any]:
    key = base64.b64encode(identity.der).decode()
    return {"type": "AsymmetricX509Cert", "usage": "Verify", "key": key} | values


def assertion(writer: Writer, identity: Identity, app_id: str) -> dict[str, str]:
    url = f"{writer.app.probe.emulator.url}/{writer.app.tenant.id}/oauth2/v2.0/token"
    signed = sign(identity, *describe(identity, app_id, url))
    return {"client_assertion": signed, "client_assertion_type": JWT_BEARER}


def role(value: str, **changes: Any) -> dict[str, Any]:
    return {
        "allowedMemberTypes": ["Application"],
        "description": value,
        "displayName": value,
        "id": str(uuid4()),
        "isEnabled": True,
        "value": value,
    } | changes


def scope(value: str, **changes: Any) -> dict[str, Any]:
    return {"adminConsentDisplayName": value, "id": str(uuid4()), "value": value} | changes
