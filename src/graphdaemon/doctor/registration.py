"""What the app's registration says about its permissions and secrets, from Graph's answers."""

import datetime as dt
from collections.abc import Mapping
from typing import Any, NamedTuple

from graphdaemon.cloud import GRAPH_APP_ID
from graphdaemon.diagnosis.permissions import Need, find_role, find_scope
from graphdaemon.diagnosis.token_claims import describe_moment


class AppRegistration(NamedTuple):
    """
    What the directory says about the app.

    Attributes:
        requested: The application permissions that the registration requests.
        requested_delegated: The delegated permissions that it requests.
        granted: The application permissions that were granted to the app.
        secrets_expire_at: When each of its secrets expires, in epoch seconds.
    """

    requested: tuple[str, ...]
    requested_delegated: tuple[str, ...]
    granted: tuple[str, ...]
    secrets_expire_at: tuple[float, ...]

    def find_cause(self, need: Need) -> str:
        """Why a token lacks every permission that `need` accepts, as a key of `CASES`."""
        # From the smallest step that is missing to the largest: the first that fits is the cause.
        if need.is_met(self.granted):
            return "token_older"
        if need.is_met(self.requested):
            return "consent_missing"
        if need.is_met(self.requested_delegated):
            return "delegated_only"
        return "permission_missing"

    def ends_within(self, seconds: float, now: float) -> bool:
        """Whether the last secret expires within this many seconds."""
        # Graph never shows a secret, so nobody can tell which of them the settings hold: the one
        # that lasts longest stands for it.
        return bool(self.secrets_expire_at) and max(self.secrets_expire_at) - now < seconds

    def describe(self, now: float) -> str:
        """What was granted, what was only requested, and when the last secret expires."""
        words = f"granted: {', '.join(self.granted) or 'nothing'}"
        pending = [name for name in self.requested if name not in self.granted]
        if pending:
            words += f"; requested, but not granted: {', '.join(pending)}"
        if self.requested_delegated:
            words += (
                "; delegated, which an app without a user cannot use: "
                f"{', '.join(self.requested_delegated)}"
            )
        if self.secrets_expire_at:
            last = max(self.secrets_expire_at)
            words += f"; the last secret {'ends' if last > now else 'ended'} "
            words += describe_moment(last, now)
        return words


def parse_registration(
    application: Mapping[str, Any], assignments: Mapping[str, Any]
) -> AppRegistration:
    """
    Read Graph's JSON objects, whatever is missing in them or malformed.

    Args:
        application: The application, with `requiredResourceAccess` and `passwordCredentials`.
        assignments: The first page of its service principal's app role assignments.
    """
    entries = [
        access
        for resource in _objects(application.get("requiredResourceAccess"))
        if resource.get("resourceAppId") == GRAPH_APP_ID
        for access in _objects(resource.get("resourceAccess"))
    ]
    roles = [find_role(str(entry.get("id"))) for entry in entries if entry.get("type") == "Role"]
    scopes = [find_scope(str(entry.get("id"))) for entry in entries if entry.get("type") == "Scope"]
    granted = [
        find_role(str(assignment.get("appRoleId")))
        for assignment in _objects(assignments.get("value"))
    ]
    # `find_role` knows Graph's permissions alone: the roles of other APIs, and those newer than the
    # table, fall out here.
    return AppRegistration(
        tuple(filter(None, roles)),
        tuple(filter(None, scopes)),
        tuple(filter(None, granted)),
        tuple(_list_expiries(application.get("passwordCredentials"))),
    )


def _list_expiries(passwords: object) -> list[float]:
    expiries = []
    for password in _objects(passwords):
        try:
            moment = dt.datetime.fromisoformat(str(password.get("endDateTime")))
        except ValueError:
            continue
        # Without a zone `timestamp` would take the time for this machine's local one.
        expiries.append(moment.replace(tzinfo=moment.tzinfo or dt.UTC).timestamp())
    return expiries


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
