"""What the tests of flows with a user share: people, clients, and the way to a code."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import jwt
import msal

from entra_emulator.model.directory_roles import ROLES
from entra_emulator.model.records import Tenant
from entra_emulator.server.emulator import Emulator
from tests.support.emulator_probe import Answer, Probe
from tests.support.scripted_browser import Arrival, Browser
from tests.support.token_service import Session

CLI_TOOLS = "14d82eec-204b-4c2f-b7e8-296a70dab67e"
AZURE_CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
WEB = "https://app.example/back"
NATIVE = "http://localhost"
VERIFIER = "v" * 43
CHALLENGE = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
)


def holder(emulator: Emulator, role: str) -> str:
    """The user principal name of the seeded person with this role."""
    directory, tenant = emulator.directory, emulator.tenant
    for user_id, roles in directory.role_members.list_holders(tenant).items():
        if ROLES[role] in roles:
            user = directory.users.find(tenant, user_id)
            assert user is not None
            return str(user["userPrincipalName"])
    raise AssertionError(role)


def ordinary(emulator: Emulator, number: int = 0) -> str:
    """The user principal name of somebody without a role."""
    directory, tenant = emulator.directory, emulator.tenant
    holders = directory.role_members.list_holders(tenant)
    found = []
    for _, doc in directory.collections.scan(tenant, "user"):
        user = json.loads(doc)
        if user["id"] not in holders and user["accountEnabled"] and user["userType"] == "Member":
            found.append(str(user["userPrincipalName"]))
    return found[number]


@dataclass(frozen=True)
class Client:
    """A registered client, and what it sends."""

    probe: Probe
    tenant: Tenant
    client_id: str
    redirect_uri: str
    secret: str | None = None
    segment: str | None = None

    @property
    def path(self) -> str:
        return f"/{self.segment or self.tenant.id}/oauth2/v2.0"

    def link(self, **changes: str | None) -> str:
        """An authorization request."""
        values: dict[str, str | None] = {
            "client_id": self.client_id,
            "response_type": "code",
            "redirect_uri": self.redirect_uri,
            "scope": "User.Read openid profile offline_access",
            "state": "s1",
        }
        given = {k: v for k, v in (values | changes).items() if v is not None}
        return f"{self.path}/authorize?{urlencode(given)}"

    def visit(self, user: str, browser: Browser | None = None, /, **changes: str | None) -> Arrival:
        """Sign in as this user and accept whatever is asked."""
        browser = browser or Browser(self.probe)
        arrival = browser.open(self.link(**changes))
        if arrival is None and "Pick somebody" in browser.page.text:
            arrival = sign_in(browser, user)
        if arrival is None:
            arrival = browser.press("accept")
        assert arrival is not None, browser.page.text
        return arrival

    def form(self, **changes: str | None) -> dict[str, str]:
        values: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "client_id": self.client_id,
            "client_secret": self.secret,
            "redirect_uri": self.redirect_uri,
            "client_info": "1",
        }
        return {k: v for k, v in (values | changes).items() if v is not None}

    def redeem(self, **changes: str | None) -> Answer:
        return self.probe.post(f"{self.path}/token", self.form(**changes))

    def refresh(self, token: str, **changes: str | None) -> Answer:
        values: dict[str, str | None] = {"grant_type": "refresh_token", "refresh_token": token}
        return self.redeem(**(values | {"redirect_uri": None} | changes))

    def tokens(self, user: str, scope: str = "User.Read openid profile offline_access") -> Any:
        """The whole way: a code, and what it is redeemed for."""
        arrival = self.visit(user, scope=scope)
        answer = self.redeem(code=arrival.values["code"])
        assert answer.status == 200, answer.body
        return answer.json()


def sign_in(browser: Browser, user: str) -> Arrival | None:
    """Find somebody on the sign-in page, and be them."""
    search, _ = browser.page.forms
    browser.submit(search, q=user)
    return browser.press(user)


def web_client(probe: Probe, **settings: Any) -> Client:
    directory, tenant = probe.emulator.directory, probe.emulator.tenant
    app = directory.applications.register(tenant, "Orders web", redirect_uris=(WEB,), **settings)
    secret = directory.credentials.add_password(tenant, app.app_id).secret_text
    return Client(probe, tenant, app.app_id, WEB, secret)


def native_client(probe: Probe, **settings: Any) -> Client:
    directory, tenant = probe.emulator.directory, probe.emulator.tenant
    app = directory.applications.register(
        tenant, "Orders desk", public_redirect_uris=(NATIVE,), allow_public_client=True, **settings
    )
    return Client(probe, tenant, app.app_id, NATIVE)


def read(token: str) -> dict[str, Any]:
    """The claims of a token, unverified."""
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


@contextmanager
def msal_client(client: Client) -> Iterator[Any]:
    """Unmodified MSAL for this client."""
    emulator = client.probe.emulator
    settings = {
        "authority": f"{emulator.url}/{client.segment or client.tenant.id}",
        "instance_discovery": False,
    }
    with Session() as session:
        session.verify = str(emulator.ca_file)
        if client.secret:
            yield msal.ConfidentialClientApplication(
                client.client_id,
                client_credential=client.secret,
                http_client=session,
                **settings,
            )
        else:
            yield msal.PublicClientApplication(client.client_id, http_client=session, **settings)
