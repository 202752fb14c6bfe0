"""
The types of Graph's audit logs, with what can be filtered of each. Pure.

From the resource pages of `signIn`, `directoryAudit` and what they are made of; the metadata used
here does not have them. Of the properties that only beta has, those are here that the emulator
knows anything about.
"""

from collections.abc import Mapping

_TEXT, _FLAG, _TIME, _NUMBER = "Edm.String", "Edm.Boolean", "Edm.DateTimeOffset", "Edm.Int32"


def _declare(names: str, edm: str = _TEXT) -> dict[str, str]:
    return dict.fromkeys(names.split(), edm)


REPORT_TYPES: Mapping[str, Mapping[str, str]] = {
    # In the order of the answer in "List signIns".
    "signIn": {
        "id": _TEXT,
        "createdDateTime": _TIME,
        **_declare(
            "userDisplayName userPrincipalName userId appId appDisplayName ipAddress clientAppUsed "
            "correlationId conditionalAccessStatus"
        ),
        "isInteractive": _FLAG,
        **_declare("riskDetail riskLevelAggregated riskLevelDuringSignIn riskState"),
        **_declare("riskEventTypes riskEventTypes_v2", f"Collection({_TEXT})"),
        **_declare("resourceDisplayName resourceId"),
        "status": "microsoft.graph.signInStatus",
        "deviceDetail": "microsoft.graph.deviceDetail",
        "location": "microsoft.graph.signInLocation",
        "appliedConditionalAccessPolicies": (
            "Collection(microsoft.graph.appliedConditionalAccessPolicy)"
        ),
        **_declare(
            "servicePrincipalId servicePrincipalName authenticationProtocol clientCredentialType "
            "incomingTokenType userAgent userType homeTenantId resourceTenantId"
        ),
        "signInEventTypes": f"Collection({_TEXT})",
    },
    "signInStatus": {"errorCode": _NUMBER, **_declare("failureReason additionalDetails")},
    "deviceDetail": {
        **_declare("deviceId displayName operatingSystem browser"),
        **_declare("isCompliant isManaged", _FLAG),
        "trustType": _TEXT,
    },
    "signInLocation": {
        **_declare("city state countryOrRegion"),
        "geoCoordinates": "microsoft.graph.geoCoordinates",
    },
    "directoryAudit": {
        **_declare("id category correlationId result resultReason activityDisplayName"),
        "activityDateTime": _TIME,
        **_declare("loggedByService operationType"),
        "initiatedBy": "microsoft.graph.auditActivityInitiator",
        "targetResources": "Collection(microsoft.graph.targetResource)",
        "additionalDetails": "Collection(microsoft.graph.keyValue)",
    },
    # Of beta alone.
    "servicePrincipalSignInActivity": {
        **_declare("id appId"),
        **_declare(
            "applicationAuthenticationClientSignInActivity "
            "applicationAuthenticationResourceSignInActivity delegatedClientSignInActivity "
            "delegatedResourceSignInActivity lastSignInActivity",
            "microsoft.graph.signInActivity",
        ),
    },
    "appCredentialSignInActivity": {
        **_declare("id appId appObjectId servicePrincipalObjectId"),
        "createdDateTime": _TIME,
        "credentialOrigin": _TEXT,
        "expirationDateTime": _TIME,
        **_declare("keyId keyType keyUsage resourceId"),
        "signInActivity": "microsoft.graph.signInActivity",
    },
    "auditActivityInitiator": {
        "app": "microsoft.graph.appIdentity",
        "user": "microsoft.graph.userIdentity",
    },
    "appIdentity": _declare("appId displayName servicePrincipalId servicePrincipalName"),
    "userIdentity": _declare(
        "id displayName userPrincipalName ipAddress userType homeTenantId homeTenantName"
    ),
    "targetResource": {
        **_declare("id displayName type userPrincipalName groupType"),
        "modifiedProperties": "Collection(microsoft.graph.modifiedProperty)",
    },
    "modifiedProperty": _declare("displayName oldValue newValue"),
}

# What signIn has in beta only.
BETA_ONLY = frozenset(
    {
        "servicePrincipalId",
        "servicePrincipalName",
        "authenticationProtocol",
        "clientCredentialType",
        "incomingTokenType",
        "userAgent",
        "userType",
        "homeTenantId",
        "resourceTenantId",
        "signInEventTypes",
    }
)

# What of each type can be filtered, by how: texts by `eq` alone, by `eq` and `startswith`, and
# times by `eq`, `ge` and `le`; public programs send `gt` and `lt` too. That `category`, `result`
# and `operationType` can be is not documented, and the portal's own pages do it.
_FILTERS: Mapping[str, Mapping[str, str]] = {
    "signIn": {
        "startswith": "appDisplayName userDisplayName userPrincipalName ipAddress location/city "
        "location/state location/countryOrRegion deviceDetail/browser deviceDetail/operatingSystem "
        "servicePrincipalId servicePrincipalName riskEventTypes_v2/any",
        "eq": "appId clientAppUsed conditionalAccessStatus correlationId id isInteractive "
        "resourceDisplayName resourceId riskDetail riskLevelAggregated riskLevelDuringSignIn "
        "riskState status/errorCode userId signInEventTypes/any",
        "range": "createdDateTime",
    },
    "directoryAudit": {
        "startswith": "activityDisplayName initiatedBy/user/userPrincipalName "
        "targetResources/any/displayName",
        "eq": "category correlationId id initiatedBy/user/id initiatedBy/user/displayName "
        "initiatedBy/app/appId initiatedBy/app/displayName loggedByService operationType result "
        "targetResources/any/id",
        "range": "activityDateTime",
    },
}

REPORT_FILTERS: Mapping[str, Mapping[str, str]] = {
    kind: {path: how for how, paths in rows.items() for path in paths.split()}
    for kind, rows in _FILTERS.items()
}

# The moment of an entry, which the logs are in the order of.
MOMENTS = {"signIn": "createdDateTime", "directoryAudit": "activityDateTime"}
