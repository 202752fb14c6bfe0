"""An application that may write everything, in a tenant of its own."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from tests.support.emulator_probe import Answer, App, Probe, register

PERMISSIONS = (
    "AdministrativeUnit.ReadWrite.All",
    "AppRoleAssignment.ReadWrite.All",
    "Application.ReadWrite.All",
    "DelegatedPermissionGrant.ReadWrite.All",
    "Device.ReadWrite.All",
    "Directory.ReadWrite.All",
    "Domain.ReadWrite.All",
    "Group.ReadWrite.All",
    "RoleManagement.ReadWrite.Directory",
    "User.ReadWrite.All",
)
NOBODY = "99999999-9999-4999-8999-999999999999"
GUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


@dataclass(frozen=True)
class Writer:
    """Sends JSON to Graph with one token."""

    app: App
    token: str

    @property
    def domain(self) -> str:
        return self.app.tenant.domains[0]

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named["Authorization"] = f"Bearer {self.token}"
        content = None
        if body is not None:
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            named["Content-Type"] = "application/json"
        target = path if path.startswith("/beta") else f"/v1.0{path}"
        return self.app.probe.send(method, target, headers=named, body=content)

    def send_to(self, method: str, target: str, body: Any, headers: dict[str, str]) -> Answer:
        """The same to a whole target, with these headers."""
        content = None if body is None else json.dumps(body).encode()
        named = headers | {"Authorization": f"Bearer {self.token}"}
        return self.app.probe.send(method, target, headers=named, body=content)

    def get(self, path: str, **headers: str) -> Any:
        answer = self.send("GET", path, **headers)
        assert answer.status == 200, answer.body
        return answer.json()

    def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        return self.send("POST", path, body, **headers)

    def patch(self, path: str, body: Any = None, **headers: str) -> Answer:
        return self.send("PATCH", path, body, **headers)

    def delete(self, path: str) -> Answer:
        return self.send("DELETE", path)

    def make(self, path: str, body: Any) -> dict[str, Any]:
        """What a successful creation answers."""
        answer = self.post(path, body)
        assert answer.status == 201, answer.body
        made: dict[str, Any] = answer.json()
        return made

    def make_user(self, **changes: Any) -> dict[str, Any]:
        return self.make("/users", self.user(**changes))

    def user(self, **changes: Any) -> dict[str, Any]:
        """The least that a new user needs."""
        alias = f"u{uuid4().hex[:12]}"
        body: dict[str, Any] = {
            "accountEnabled": True,
            "displayName": f"User {alias}",
            "mailNickname": alias,
            "userPrincipalName": f"{alias}@{self.domain}",
            "passwordProfile": {"password": "xWwvJ]6NMw+bWH-d"},
        } | changes
        return {name: value for name, value in body.items() if value is not ...}

    def group(self, **changes: Any) -> dict[str, Any]:
        """The least that a new security group needs."""
        alias = f"g{uuid4().hex[:12]}"
        body: dict[str, Any] = {
            "displayName": f"Group {alias}",
            "mailEnabled": False,
            "mailNickname": alias,
            "securityEnabled": True,
        } | changes
        return {name: value for name, value in body.items() if value is not ...}

    def make_group(self, **changes: Any) -> dict[str, Any]:
        return self.make("/groups", self.group(**changes))

    def refer(self, object_id: str) -> dict[str, str]:
        return {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{object_id}"}

    def colleague(self, *permissions: str) -> "Writer":
        """Another application of the same tenant, with these permissions."""
        app = register(self.app.probe, *permissions, tenant=self.app.tenant, name="Colleague")
        return Writer(app, app.token())

    def link(self, path: str, object_id: str) -> Answer:
        return self.post(f"{path}/$ref", self.refer(object_id))


def start_writer(probe: Probe, *permissions: str) -> Writer:
    """A writer in a new tenant, so that nobody else sees what it writes."""
    directory = probe.emulator.directory
    name = f"w{uuid4().hex[:10]}"
    tenant = directory.tenants.create(name, (f"{name}.onmicrosoft.com", f"{name}.example"))
    app = register(probe, *(permissions or PERMISSIONS), tenant=tenant, name="Writer")
    return Writer(app, app.token())
