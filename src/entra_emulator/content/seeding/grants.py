"""
Draw what applications may do and when they last did it, and store it.

There are few applications, even in a large tenant, so that all of them are read again for it.
"""

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

import msgspec

from entra_emulator.clock import parse_iso
from entra_emulator.content.seeding.draw import Draw
from entra_emulator.directory.directory import Directory
from entra_emulator.directory.last_uses import LastUse
from entra_emulator.model.applications import GRAPH_APP_ID
from entra_emulator.model.first_party_apps import is_internal
from entra_emulator.model.records import Record, Tenant

_DAY = 86_400

# What an administrator grants in a hurry, and hardly anybody needs.
_EXCESSES = (
    "Directory.ReadWrite.All",
    "RoleManagement.ReadWrite.Directory",
    "Mail.ReadWrite",
    "Sites.FullControl.All",
)
# What users and administrators consent to, and the scopes of a single user.
_SCOPES = ("openid profile User.Read", "User.Read Directory.AccessAsUser.All", "email User.Read")
_OWN_SCOPES = ("Mail.Read offline_access", "Files.ReadWrite.All")


class _App(NamedTuple):
    principal: Record
    application: Record | None
    draw: Draw


def fill_grants(directory: Directory, tenant: Tenant, seed: int) -> None:
    """Give the applications of a new tenant permissions and a past."""
    users = [one["id"] for one in islice(_scan(directory, tenant, "user"), 5)]
    for app in list(_list_apps(directory, tenant, seed)):
        _grant_roles(directory, tenant, app)
        _consent(directory, tenant, app, users)
        directory.last_uses.fill(tenant, _list_uses(app, int(directory.clock.now())))
        if app.application is not None and app.draw.chance(15):
            directory.credentials.add_federated(
                tenant,
                app.application["appId"],
                "nightly-build",
                "https://token.actions.githubusercontent.com",
                f"repo:contoso/{app.principal['id'][:8]}:ref:refs/heads/main",
            )


def _list_apps(directory: Directory, tenant: Tenant, seed: int) -> Iterator[_App]:
    own = {one["appId"]: one for one in _scan(directory, tenant, "application")}
    for principal in _scan(directory, tenant, "servicePrincipal"):
        app_id = principal["appId"]
        if not is_internal(app_id) and principal["appId"] != GRAPH_APP_ID:
            yield _App(principal, own.get(app_id), Draw(seed, f"grants {app_id}"))


def _scan(directory: Directory, tenant: Tenant, kind: str) -> Iterator[Record]:
    for _, doc in directory.collections.scan(tenant, kind):
        yield msgspec.json.decode(doc)


def _grant_roles(directory: Directory, tenant: Tenant, app: _App) -> None:
    if app.application is None:
        return
    app_id = app.application["appId"]
    if app.draw.chance(80):
        directory.consents.grant_admin_consent(tenant, app_id)
    if app.draw.chance(25):
        excess = app.draw.pick(_EXCESSES)
        directory.consents.grant_app_role(tenant, app_id, excess)


def _consent(directory: Directory, tenant: Tenant, app: _App, users: list[str]) -> None:
    graph = directory.service_principals.need(tenant, GRAPH_APP_ID)
    client = app.principal["id"]
    if app.draw.chance(60):
        scope = app.draw.pick(_SCOPES)
        directory.consents.add_grant(tenant, client, graph.id, None, scope)
    if app.draw.chance(30):
        scope = app.draw.pick(_OWN_SCOPES)
        for user in users[: 1 + app.draw.number(5)]:
            directory.consents.add_grant(tenant, client, graph.id, user, scope)


def _list_uses(app: _App, now: int) -> Iterator[LastUse]:
    """The last uses: of some lately, of some long ago, and of some never."""
    app_id = app.principal["appId"]
    if app.draw.chance(70):
        yield LastUse("application", app_id, now - _draw_age(app.draw))
    if app.draw.chance(40):
        yield LastUse("delegated", app_id, now - _draw_age(app.draw))
    for holder in (app.principal, app.application or {}):
        for name in ("passwordCredentials", "keyCredentials"):
            for key in holder.get(name) or ():
                if app.draw.chance(60):
                    # Nobody gets in by what has ended, nor by what has not begun.
                    start, end = (parse_iso(key[f"{one}DateTime"]) for one in ("start", "end"))
                    moment = max(start, min(now - _draw_age(app.draw), end))
                    yield LastUse("key", key["keyId"], moment)


def _draw_age(draw: Draw) -> int:
    return draw.number(20 * _DAY) if draw.chance(70) else (100 + draw.number(300)) * _DAY
