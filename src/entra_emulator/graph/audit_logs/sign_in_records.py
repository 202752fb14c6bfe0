"""
Sign-ins as Graph's `signIn` objects: those that came here, and the seeded last ones of users.

Where somebody signed in from, and with what, is made up for seeded sign-ins; of the others the
address and the agent are known.
"""

import heapq
from collections.abc import Iterable, Iterator
from functools import partial

import msgspec

from entra_emulator.audit import SignIn
from entra_emulator.clock import format_iso
from entra_emulator.directory.sign_ins import SignInSpan, make_request_id
from entra_emulator.graph.audit_logs.log_page import LogEntry, narrow
from entra_emulator.graph.audit_logs.log_query import LogQuery
from entra_emulator.graph.call import Call
from entra_emulator.model.applications import GRAPH_APP_ID
from entra_emulator.model.records import Record
from entra_emulator.web.context import names_graph

_decode = msgspec.json.Decoder(Record).decode

# "How long does Microsoft Entra ID store the data?": 30 days, with Entra ID P1 or P2.
RETENTION = 30 * 86_400.0

INTERACTIVE, NONINTERACTIVE = "interactiveUser", "nonInteractiveUser"

# What people sign in to most, by the IDs that are the same everywhere ("First-party Microsoft
# applications in sign-in reports").
_APPLICATIONS = (
    ("00000002-0000-0ff1-ce00-000000000000", "Office 365 Exchange Online"),
    ("1fec8e78-bce4-4aaf-ab1b-5451cc387264", "Microsoft Teams"),
    ("d3590ed6-52b3-4102-aeff-aad2292ab01c", "Microsoft Office"),
)
# What people sign in to here besides applications of the directory.
_PORTALS = {"c44b4083-3bb0-49c1-b47d-974e53cbdf3c": "Azure Portal"}
# "Microsoft Entra authentication and authorization error codes".
_WRONG_PASSWORD = (50126, "Error validating credentials due to invalid username or password.")


def list_sign_ins(call: Call, query: LogQuery) -> Iterator[LogEntry]:
    """The tenant's sign-ins that a query may be about, in its order, read at the first step."""
    # "This API returns only interactive sign-ins unless you set an explicit filter" (beta).
    events = query.events or {INTERACTIVE}
    query, known = narrow(call, query), KnownNames(call)
    since = max(query.since, call.now - RETENTION)
    kept = [
        LogEntry(one.at, f"b{number:09}", partial(describe_sign_in, known, one))
        for number, one in call.context.audit.sign_ins.list_all()
        if one.tenant_id == call.tenant.id
        and one.event in events
        and since <= one.at <= query.until
        and query.user_id in {None, one.user_id}
    ]
    kept.sort(key=_rank, reverse=not query.ascending)
    sources: list[Iterable[LogEntry]] = [kept]
    only = _find_number(call, query.user_id)
    span = SignInSpan(since, query.until, only, ascending=query.ascending)
    for event, interactive in ((INTERACTIVE, True), (NONINTERACTIVE, False)):
        if event in events:
            sources.append(_list_seeded(call, known, span, interactive=interactive))
    yield from heapq.merge(*sources, key=_rank, reverse=not query.ascending)


def _list_seeded(
    call: Call, known: "KnownNames", span: SignInSpan, *, interactive: bool
) -> Iterator[LogEntry]:
    for seq, at, succeeded in call.directory.sign_ins.list_seeded(
        call.tenant, span, interactive=interactive
    ):
        describe = partial(
            describe_seeded, known, seq, at, interactive=interactive, succeeded=succeeded
        )
        yield LogEntry(at, f"a{seq:09}{'in'[interactive]}", describe)


def find_sign_in(call: Call, key: str) -> Record | None:
    """The sign-in of this ID, if it is still remembered."""
    known, since = KnownNames(call), call.now - RETENTION
    for _, one in call.context.audit.sign_ins.list_all():
        if one.id == key and one.tenant_id == call.tenant.id and one.at >= since:
            return describe_sign_in(known, one)
    seeded = call.directory.sign_ins.find_seeded(call.tenant, key)
    if seeded is None or seeded[1] < since:
        return None
    seq, at, interactive, succeeded = seeded
    return describe_seeded(known, seq, at, interactive=interactive, succeeded=succeeded)


class KnownNames:
    """What users, applications and APIs are called, looked up once for each request."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._users: dict[str, Record] = {}
        self._principals: dict[str, tuple[str, str]] = {}
        self._resources: dict[str, tuple[str, str]] = {}

    @property
    def tenant_id(self) -> str:
        """The ID of the caller's tenant."""
        return self._call.tenant.id

    def read_user(self, user_id: str) -> Record:
        """The user's record, also from the recycle bin; empty if there is none any more."""
        if user_id not in self._users:
            directory, tenant = self._call.directory, self._call.tenant
            user = directory.objects.find(tenant, user_id, kind="user")
            doc = user.doc if user else None
            if doc is None:
                deleted = directory.recycle_bin.find(tenant, user_id)
                doc = deleted.doc if deleted else None
            self._users[user_id] = _decode(doc) if doc else {}
        return self._users[user_id]

    def read_numbered_user(self, seq: int) -> Record:
        """The record of the user of this number."""
        doc = self._call.directory.objects.read_document(seq)
        return _decode(doc) if doc else {}

    def read_principal(self, app_id: str) -> tuple[str, str]:
        """The ID and the name of a client's service principal; empty where they are not known."""
        if app_id not in self._principals:
            directory, tenant = self._call.directory, self._call.tenant
            principal = directory.service_principals.find(tenant, app_id)
            client = principal or directory.applications.find_client(app_id)
            name = client.display_name if client else _PORTALS.get(app_id, "")
            self._principals[app_id] = (principal.id if principal else "", name)
        return self._principals[app_id]

    def read_resource(self, audience: str) -> tuple[str, str]:
        """The client ID and the name of the API that tokens for this audience are for."""
        if audience not in self._resources:
            directory, tenant = self._call.directory, self._call.tenant
            if names_graph(self._call.context, audience):
                pair = (GRAPH_APP_ID, "Microsoft Graph")
            else:
                api = directory.service_principals.find_api(tenant, audience) if audience else None
                pair = (api.app_id, api.display_name) if api else ("", "")
            self._resources[audience] = pair
        return self._resources[audience]


def describe_sign_in(known: KnownNames, one: SignIn) -> Record:
    """A sign-in that came here."""
    user = known.read_user(one.user_id) if one.user_id else {}
    principal_id, app_name = known.read_principal(one.app_id)
    resource_id, resource_name = known.read_resource(one.audience)
    app_only = not one.user_id
    return _draft(known, user, one.event, one.at) | {
        "id": one.id,
        "userId": one.user_id,
        "appId": one.app_id,
        "appDisplayName": app_name,
        "ipAddress": one.address,
        "clientAppUsed": "" if app_only else "Browser" if _is_browser(one) else _DESKTOP,
        "correlationId": one.correlation_id,
        "resourceDisplayName": resource_name or None,
        "resourceId": resource_id,
        "status": _describe_status(one.code, one.reason),
        "deviceDetail": _describe_device(),
        "location": _describe_location({}),
        "servicePrincipalId": principal_id if app_only else "",
        "servicePrincipalName": app_name if app_only else None,
        "authenticationProtocol": one.protocol,
        "clientCredentialType": one.credential,
        "incomingTokenType": "refreshToken" if one.event == NONINTERACTIVE else "none",
        "userAgent": one.agent,
    }


def describe_seeded(
    known: KnownNames, seq: int, at: float, *, interactive: bool, succeeded: bool
) -> Record:
    """A seeded sign-in of the user of this number."""
    user = known.read_numbered_user(seq)
    app_id, app_name = _APPLICATIONS[seq % len(_APPLICATIONS)]
    event = INTERACTIVE if interactive else NONINTERACTIVE
    request_id = make_request_id(seq, at)
    code, reason = (0, "") if succeeded else _WRONG_PASSWORD
    return _draft(known, user, event, at) | {
        "id": request_id,
        "userId": user.get("id"),
        "appId": app_id,
        "appDisplayName": app_name,
        # From the addresses for documentation (RFC 5737).
        "ipAddress": f"198.51.100.{seq % 254 + 1}",
        "clientAppUsed": "Browser" if interactive else _DESKTOP,
        "correlationId": f"{request_id[:-2]}01",
        "resourceDisplayName": "Microsoft Graph",
        "resourceId": GRAPH_APP_ID,
        "status": _describe_status(code, reason),
        "deviceDetail": _describe_device("Windows 10", "Edge 124.0.0"),
        "location": _describe_location(user),
        "authenticationProtocol": "oAuth2",
        "clientCredentialType": "none",
        "incomingTokenType": "none" if interactive else "refreshToken",
        "userAgent": "",
    }


_DESKTOP = "Mobile Apps and Desktop clients"


def _draft(known: KnownNames, user: Record, event: str, at: float) -> Record:
    """A sign-in, its properties in the order in which they are shown."""
    return {
        "id": None,
        "createdDateTime": format_iso(at, 7),
        "userDisplayName": user.get("displayName"),
        "userPrincipalName": user.get("userPrincipalName"),
        "userId": None,
        "appId": None,
        "appDisplayName": None,
        "ipAddress": None,
        "clientAppUsed": None,
        "correlationId": None,
        "conditionalAccessStatus": "notApplied",
        "isInteractive": event == INTERACTIVE,
        "riskDetail": "none",
        "riskLevelAggregated": "none",
        "riskLevelDuringSignIn": "none",
        "riskState": "none",
        "riskEventTypes": [],
        "riskEventTypes_v2": [],
        "resourceDisplayName": None,
        "resourceId": None,
        "status": None,
        "deviceDetail": None,
        "location": None,
        "appliedConditionalAccessPolicies": [],
        "servicePrincipalId": "",
        "servicePrincipalName": None,
        "authenticationProtocol": None,
        "clientCredentialType": None,
        "incomingTokenType": None,
        "userAgent": None,
        "userType": str(user.get("userType", "")).lower() or None,
        "homeTenantId": known.tenant_id,
        "resourceTenantId": known.tenant_id,
        "signInEventTypes": [event],
    }


def _describe_status(code: int, reason: str) -> Record:
    return {"errorCode": code, "failureReason": reason or None, "additionalDetails": None}


def _describe_device(system: str | None = None, browser: str | None = None) -> Record:
    return {
        "deviceId": "",
        "displayName": None,
        "operatingSystem": system,
        "browser": browser,
        "isCompliant": None,
        "isManaged": None,
        "trustType": None,
    }


def _describe_location(user: Record) -> Record:
    return {
        "city": user.get("city"),
        "state": user.get("state"),
        "countryOrRegion": user.get("usageLocation"),
        "geoCoordinates": {"altitude": None, "latitude": None, "longitude": None},
    }


def _is_browser(one: SignIn) -> bool:
    return one.agent.startswith("Mozilla/")


def _find_number(call: Call, user_id: str | None) -> int | None:
    """The number of the only user of whom sign-ins are wanted; 0 if there is no such user."""
    if user_id is None:
        return None
    user = call.directory.objects.find(call.tenant, user_id, kind="user")
    return user.seq if user else 0


def _rank(entry: LogEntry) -> tuple[float, str]:
    return entry.at, entry.tie
