"""Applications in a tenant, and the tokens that they get there."""

from typing import Any

import jwt
import pytest

from entra_emulator.model.applications import GRAPH_APP_ID
from tests.support.emulator_probe import GRAPH_SCOPE, Answer, Probe
from tests.support.graph_writer import Writer, start_writer


@pytest.fixture(scope="module")
def writer(probe: Probe) -> Writer:
    return start_writer(probe)


@pytest.fixture(scope="module")
def graph(writer: Writer) -> dict[str, Any]:
    """Microsoft Graph's service principal."""
    principal: dict[str, Any] = writer.get(f"/servicePrincipals(appId='{GRAPH_APP_ID}')")
    return principal


def role_id(graph: dict[str, Any], value: str) -> str:
    key: str = next(one["id"] for one in graph["appRoles"] if one["value"] == value)
    return key


def make(writer: Writer, **values: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """An application with a secret, and its service principal."""
    body = {"displayName": "Orders", "passwordCredentials": [{}]} | values
    application = writer.make("/applications", body)
    principal = writer.make("/servicePrincipals", {"appId": application["appId"]})
    return application, principal


def ask(writer: Writer, application: dict[str, Any], **form: str) -> Answer:
    body = {
        "grant_type": "client_credentials",
        "client_id": application["appId"],
        "client_secret": application["passwordCredentials"][0]["secretText"],
        "scope": GRAPH_SCOPE,
    } | form
    return writer.app.probe.post(f"/{writer.app.tenant.id}/oauth2/v2.0/token", body)


def roles(writer: Writer, application: dict[str, Any], **form: str) -> list[str]:
    token = ask(writer, application, **form).json()["access_token"]
    values: list[str] = jwt.decode(token, options={"verify_signature": False}).get("roles", [])
    return values
