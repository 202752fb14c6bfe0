"""Bodies that Graph's routes accept, drawn from what there is in the tenant."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

from entra_emulator.graph.objects.relations import NAVIGATIONS
from entra_emulator.graph.router import Endpoint
from entra_emulator.model.directory_roles import ROLES
from entra_emulator.model.kinds import KINDS
from tests.support.graph_pool import Pool, find_kind

Draw = random.Random

_POLICIES = "policies/appManagementPolicies"


def make_body(draw: Draw, endpoint: Endpoint, pool: Pool, keys: Mapping[str, str]) -> Any:
    """
    A body that this route accepts, as far as the pool has what it needs; None if it takes none.

    Args:
        draw: where what is random comes from.
        endpoint: the route.
        pool: what there is to name.
        keys: what the path names, which some bodies name again.
    """
    method, path = endpoint.method, endpoint.path
    if path.endswith("appManagementPolicies/$ref"):
        policy = pool.draw_key(draw, "policy")
        return {"@odata.id": f"https://graph.microsoft.com/v1.0/{_POLICIES}/{policy}"}
    if path.endswith("$ref"):
        name = path.split("/{key}/")[1].split("/")[0]
        navigation = NAVIGATIONS.get((find_kind(path) or "", name))
        # What is no directory object, such as a policy, is linked by a reference too.
        kinds = sorted(navigation.takes) if navigation else list(KINDS)
        target = pool.draw(draw, draw.choice(kinds))
        return {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{target}"}
    for ending, make in _BODIES.items():
        if f"{method} {path}".endswith(ending):
            body = make(draw, pool)
            # The path says whose assignment it is, or which credential.
            repeated = _REPEATED.get(path.rpartition("/")[2], {})
            return body | {name: keys[key] for name, key in repeated.items() if key in keys}
    return None


_REPEATED = {
    "appRoleAssignments": {"principalId": "key"},
    "appRoleAssignedTo": {"resourceId": "key"},
    "removePassword": {"keyId": "keyId"},
}


def draw_name(draw: Draw) -> str:
    """A name that nothing has yet."""
    return f"n{draw.getrandbits(40):x}"


def _draw_user(draw: Draw, _: Pool) -> Mapping[str, Any]:
    name = draw_name(draw)
    return {
        "accountEnabled": True,
        "displayName": f"Nora {name}",
        "mailNickname": name,
        "userPrincipalName": f"{name}@contoso.example",
        "passwordProfile": {"password": "Str0ng-and-long!"},
        **_some(draw, _USER),
    }


def _draw_group(draw: Draw, pool: Pool) -> Mapping[str, Any]:
    unified = draw.random() < 0.4
    body: dict[str, Any] = {
        "displayName": f"Team {draw_name(draw)}",
        "mailNickname": draw_name(draw),
        "mailEnabled": unified,
        "securityEnabled": not unified,
        "groupTypes": ["Unified"] if unified else [],
    }
    if draw.random() < 0.3:
        body["groupTypes"] = [*body["groupTypes"], "DynamicMembership"]
        body["membershipRule"] = draw.choice(_RULES)
    elif draw.random() < 0.4:
        address = f"https://graph.microsoft.com/v1.0/users/{pool.draw(draw, 'user')}"
        body["members@odata.bind"] = [address]
    return body


def _draw_assignment(draw: Draw, pool: Pool) -> Mapping[str, Any]:
    """Graph's roles are for applications; who else is assigned gets the default access."""
    return {
        "principalId": pool.draw(draw, "servicePrincipal"),
        "resourceId": pool.draw_key(draw, "graph"),
        "appRoleId": pool.draw_key(draw, "appRoleId"),
    }


def _draw_access(draw: Draw, pool: Pool) -> Mapping[str, Any]:
    return {
        "principalId": pool.draw(draw, "user"),
        "resourceId": pool.draw_key(draw, "enterprise"),
        "appRoleId": "00000000-0000-0000-0000-000000000000",
    }


def _some(draw: Draw, values: Mapping[str, Any]) -> dict[str, Any]:
    names = draw.sample(sorted(values), draw.randint(1, min(3, len(values))))
    return {name: values[name] for name in names}


_USER = {
    "jobTitle": "Dev",
    "city": "S\u00e3o Paulo",
    "businessPhones": ["+55 11 1"],
    "otherMails": ["o@x.example"],
    "usageLocation": "BR",
    "department": None,
    "onPremisesExtensionAttributes": {"extensionAttribute1": "x"},
}
_RULES = (
    'user.jobTitle -eq "Dev"',
    '(user.city -match "^S.o") -or -not (user.usageLocation -eq null)',
    'user.extensionAttribute1 -in ["x", "y"]',
    'user.otherMails -any (_ -endsWith "x.example")',
)
_APPLICATION = {
    "tags": ["t"],
    "notes": "n",
    "web": {"redirectUris": ["https://x.example/cb"]},
    "isFallbackPublicClient": False,
    "requiredResourceAccess": [],
}
_PRINCIPAL = {"tags": ["t"], "notes": "n", "appRoleAssignmentRequired": False, "loginUrl": None}

# By the end of method and route; the first that fits counts.
_BODIES: Mapping[str, Callable[[Draw, Pool], Any]] = {
    "POST /users": _draw_user,
    "PATCH /users/{key}": lambda draw, _: _some(draw, _USER),
    "PATCH /me": lambda draw, _: _some(draw, _USER),
    "POST /groups": _draw_group,
    "PATCH /groups/{key}": lambda draw, _: _some(
        draw, {"displayName": draw_name(draw), "description": "d"}
    ),
    "POST /applications": lambda draw, _: {
        "displayName": draw_name(draw),
        **_some(draw, _APPLICATION),
    },
    "PATCH /applications/{key}": lambda draw, _: _some(draw, _APPLICATION),
    "POST /servicePrincipals": lambda draw, pool: {"appId": pool.draw_key(draw, "bare")},
    "PATCH /servicePrincipals/{key}": lambda draw, _: _some(draw, _PRINCIPAL),
    "POST /devices": lambda draw, _: {
        "accountEnabled": True,
        "alternativeSecurityIds": [{"type": 2, "key": "Ym9ndXM="}],
        "deviceId": str(random.Random(draw.getrandbits(30)).getrandbits(32)),
        "displayName": draw_name(draw),
        "operatingSystem": "linux",
        "operatingSystemVersion": "1",
    },
    "PATCH /devices/{key}": lambda _, __: {"accountEnabled": True},
    "ministrativeUnits": lambda draw, _: {"displayName": draw_name(draw)},
    "ministrativeUnits/{key}": lambda _, __: {"description": "d"},
    "POST /directoryRoles": lambda draw, _: {"roleTemplateId": draw.choice(list(ROLES.values()))},
    "getByIds": lambda draw, pool: {
        "ids": [pool.draw(draw, draw.choice(list(KINDS))) for _ in range(3)],
        "types": draw.choice([[], ["user"], ["group", "device"]]),
    },
    "checkMemberGroups": lambda draw, pool: {"groupIds": [pool.draw(draw, "group")]},
    "checkMemberObjects": lambda draw, pool: {"ids": [pool.draw(draw, "group")]},
    "getMemberGroups": lambda draw, _: {"securityEnabledOnly": draw.random() < 0.5},
    "getMemberObjects": lambda draw, _: {"securityEnabledOnly": draw.random() < 0.5},
    "assignLicense": lambda draw, pool: {
        "addLicenses": [{"skuId": pool.draw_key(draw, "skuId"), "disabledPlans": []}],
        "removeLicenses": [],
    },
    "POST /domains": lambda draw, _: {"id": f"{draw_name(draw)}.example"},
    "addPassword": lambda draw, _: {"passwordCredential": {"displayName": draw_name(draw)}},
    "removePassword": lambda draw, pool: {"keyId": pool.draw_key(draw, "keyId")},
    "removeKey": lambda draw, pool: {"keyId": pool.draw_key(draw, "keyId"), "proof": "x"},
    "users/{key}/appRoleAssignments": _draw_access,
    "groups/{key}/appRoleAssignments": _draw_access,
    "appRoleAssignments": _draw_assignment,
    "appRoleAssignedTo": _draw_assignment,
    "POST /invitations": lambda draw, _: {
        "invitedUserEmailAddress": f"{draw_name(draw)}@fabrikam.example",
        "inviteRedirectUrl": "https://x.example",
        **_some(draw, {"invitedUserType": "Guest", "resetRedemption": False}),
    },
    "scopedRoleMembers": lambda draw, pool: {
        "roleId": pool.draw(draw, "directoryRole"),
        "roleMemberInfo": {"id": pool.draw(draw, "user")},
    },
    "roleAssignments": lambda draw, pool: {
        "roleDefinitionId": pool.draw_key(draw, "role"),
        "principalId": pool.draw(draw, draw.choice(["user", "servicePrincipal", "group"])),
        "directoryScopeId": draw.choice(
            [
                "/",
                f"/{pool.draw(draw, 'application')}",
                f"/administrativeUnits/{pool.draw(draw, 'administrativeUnit')}",
            ]
        ),
    },
    "roleDefinitions": lambda draw, _: {
        "displayName": draw_name(draw),
        "isEnabled": draw.random() < 0.8,
        "rolePermissions": [
            {"allowedResourceActions": ["microsoft.directory/applications/basic/update"]}
        ],
    },
    "roleDefinitions/{role}": lambda _, __: {"description": "d"},
    "POST /oauth2PermissionGrants": lambda draw, pool: {
        "clientId": pool.draw(draw, "servicePrincipal"),
        "consentType": "AllPrincipals",
        "resourceId": pool.draw_key(draw, "graph"),
        "scope": draw.choice(["User.Read", "User.Read openid"]),
    },
    "oauth2PermissionGrants/{grant}": lambda _, __: {"scope": "openid"},
    "federatedIdentityCredentials": lambda draw, _: {
        "name": draw_name(draw),
        "issuer": "https://issuer.example",
        "subject": draw_name(draw),
        "audiences": ["api://AzureADTokenExchange"],
    },
    "federatedIdentityCredentials/{credential}": lambda draw, _: {"description": draw_name(draw)},
    "defaultAppManagementPolicy": lambda draw, _: {"description": draw_name(draw)},
    "appManagementPolicies": lambda draw, _: {
        "displayName": draw_name(draw),
        "restrictions": {
            "passwordCredentials": [
                {"restrictionType": "passwordLifetime", "maxLifetime": "P3650D"}
            ],
        },
    },
    "appManagementPolicies/{policy}": lambda _, __: {"restrictions": {"keyCredentials": []}},
    "restore": lambda _, __: {},
}
