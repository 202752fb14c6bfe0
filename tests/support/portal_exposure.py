from __future__ import annotations

from typing import Any

from entra_emulator.model.records import Record
from tests.support.emulator_probe import App, Probe, register
from tests.support.portal_visitor import Sheet, Visitor

SCOPE = {
    "value": "Orders.Read",
    "adminConsentDisplayName": "Read orders",
    "adminConsentDescription": "Lets the app read every order.",
}


class Exposure:
    """Expose an API of an application of its own, as somebody sees it."""

    def __init__(self, probe: Probe, who: str | None, **values: Any) -> None:
        self.app: App = register(probe, **values)
        self.visitor = Visitor(probe)
        self.visitor.sign_in(who)
        self.url = f"/portal/{self.app.tenant.id}/applications/{self.app.client_id}/exposure"

    @property
    def record(self) -> Record:
        directory = self.app.probe.emulator.directory
        found = directory.applications.find(self.app.tenant, self.app.client_id)
        assert found is not None
        return found.record

    @property
    def scopes(self) -> list[Record]:
        scopes: list[Record] = self.record["api"]["oauth2PermissionScopes"]
        return scopes

    def set_uri(self, uri: str | None = None) -> Sheet:
        self.visitor.open(f"{self.url}/uri")
        return self.visitor.fill("Save", {} if uri is None else {"uri": uri})

    def add_scope(self, **changes: str) -> Sheet:
        self.visitor.open(f"{self.url}/scopes/add")
        return self.visitor.fill("Add a scope", SCOPE | changes)

    def post(self, part: str, **fields: str) -> Sheet:
        token = dict(self.visitor.open(self.url).forms[0].fields)["token"]
        return self.visitor.post(f"{self.url}/{part}", {"token": token} | fields)
