"""The app's own registration, for apps that may read it: what it asks for and what it was given."""

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from graphdaemon.diagnosis.permissions import Call, Need, find_need, find_role, find_scope
from graphdaemon.diagnosis.token_claims import GRAPH_APP_ID, describe_moment, read_roles
from graphdaemon.doctor.state import Examination


class AppRegistration(NamedTuple):
    """
    What the directory knows of the app.

    Attributes:
        asked: Application permissions that the registration lists.
        asked_delegated: Delegated ones.
        granted: Application permissions that were granted.
        secrets: The ends of its secrets, epoch seconds.
    """

    asked: tuple[str, ...]
    asked_delegated: tuple[str, ...]
    granted: tuple[str, ...]
    secrets: tuple[float, ...]

    def find_cause(self, need: Need, role: str) -> str | None:
        """Why a token lacks `role`, or whatever else `need` accepts."""
        if need.is_met(self.granted):
            return "token_older"
        if need.is_met(self.asked):
            return "consent_missing"
        if role in self.asked_delegated or need.is_met(self.asked_delegated):
            return "delegated_only"
        return "permission_missing"

    def ends_within(self, seconds: float, now: float) -> bool:
        """Say whether the last secret ends that soon."""
        return bool(self.secrets) and max(self.secrets) - now < seconds

    def describe(self, now: float) -> str:
        """What was granted, what was only asked for, and when the last secret ends."""
        words = f"granted: {', '.join(self.granted) or 'nothing'}"
        waiting = [name for name in self.asked if name not in self.granted]
        if waiting:
            words += f"; asked for and not granted: {', '.join(waiting)}"
        if self.asked_delegated:
            words += f"; delegated, of no use here: {', '.join(self.asked_delegated)}"
        if self.secrets:
            last = max(self.secrets)
            words += f"; the last secret {'ends' if last > now else 'ended'} "
            words += describe_moment(last, now)
        return words


def read_registration(examination: Examination) -> AppRegistration | None:
    """Read it, if the token allows that."""
    client_id = examination.settings.client_id
    key = f"appId='{client_id}'"
    assignments = f"/servicePrincipals({key})/appRoleAssignments"
    need = find_need("GET", assignments)
    if not client_id or need is None or not need.is_met(read_roles(examination.claims)):
        return None
    granted = _ask(examination, assignments)
    application = _ask(
        examination,
        f"/applications({key})?$select=requiredResourceAccess,passwordCredentials",
    )
    if granted is None:
        return None
    return AppRegistration(
        *_read_asked(application or {}),
        _read_granted(granted),
        _read_ends(application or {}),
    )


def _ask(examination: Examination, path: str) -> Mapping[str, Any] | None:
    response = examination.ask(Call("GET", path))
    if response.status >= 300:
        return None
    try:
        value = json.loads(response.body)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _read_asked(application: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    entries = [
        access
        for resource in _objects(application.get("requiredResourceAccess"))
        if resource.get("resourceAppId") == GRAPH_APP_ID
        for access in _objects(resource.get("resourceAccess"))
    ]
    roles = [find_role(str(one.get("id"))) for one in entries if one.get("type") == "Role"]
    scopes = [find_scope(str(one.get("id"))) for one in entries if one.get("type") == "Scope"]
    return tuple(filter(None, roles)), tuple(filter(None, scopes))


def _read_granted(answer: Mapping[str, Any]) -> tuple[str, ...]:
    found = [find_role(str(one.get("appRoleId"))) for one in _objects(answer.get("value"))]
    return tuple(name for name in found if name)


def _read_ends(application: Mapping[str, Any]) -> tuple[float, ...]:
    ends = []
    for one in _objects(application.get("passwordCredentials")):
        try:
            moment = dt.datetime.fromisoformat(str(one.get("endDateTime")))
        except ValueError:
            continue
        ends.append(moment.replace(tzinfo=moment.tzinfo or dt.UTC).timestamp())
    return tuple(ends)


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
