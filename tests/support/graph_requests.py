"""Requests to Graph's routes that are valid, and such with one mistake."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from entra_emulator.graph.objects.relations import NAVIGATIONS
from entra_emulator.graph.router import Endpoint
from entra_emulator.model import schema
from entra_emulator.model.directory_roles import ROLES
from entra_emulator.model.kinds import BY_COLLECTION, KINDS
from tests.support import graph_grammar

Draw = random.Random

EVENTUAL = (b"consistencylevel", b"eventual")
HARMLESS = [
    (b"prefer", b"return=minimal"),
    (b"accept", b"application/json;odata.metadata=none"),
    (b"accept-encoding", b"gzip"),
    (b"client-request-id", b"not a guid"),
    (b"x-ms-throttle-priority", b"low"),
]
_CAST = re.compile(r"microsoft\.graph\.(\w+)")
_NAMED = re.compile(r"\{(\w+)\}")


@dataclass
class Pool:
    """
    What the requests may name.

    Args:
        ids: the IDs of the objects of each type.
        keys: other things, by their name in a path: grants, assignments, user principal names.
        links: next links and delta links of earlier answers.
    """

    ids: dict[str, list[str]]
    keys: dict[str, list[str]] = field(default_factory=dict)
    links: list[str] = field(default_factory=list)

    def draw(self, draw: Draw, kind: str) -> str:
        """The ID of an object of this type."""
        return draw.choice(self.ids.get(kind) or ["00000000-0000-4000-8000-000000000000"])

    def draw_key(self, draw: Draw, name: str) -> str:
        """Another thing of this name."""
        return draw.choice(self.keys.get(name) or ["00000000-0000-4000-8000-000000000000"])

    def note(self, endpoint: Endpoint, status: int, content: Any) -> None:
        """Learn from an answer what there is now, and which links lead on."""
        if not isinstance(content, dict):
            return
        kind = find_kind(endpoint.path)
        new = content.get("id")
        if status == 201 and kind and endpoint.path.count("/") <= 2 and isinstance(new, str):
            self.ids.setdefault(kind, []).append(new)
        for name in ("@odata.nextLink", "@odata.deltaLink"):
            if name in content:
                self.links = [*self.links[-20:], content[name]]


@dataclass
class Request:
    """A request before it is spoilt and sent."""

    endpoint: Endpoint
    method: str
    path: str
    options: dict[str, str] = field(default_factory=dict)
    eventual: bool = False
    body: Any = None


_POLICIES = "policies/appManagementPolicies"


def find_kind(path: str) -> str | None:
    """The type of the collection that a path template begins with."""
    first = path.replace("/directory/", "/", 1).split("/")[1]
    return BY_COLLECTION[first].name if first in BY_COLLECTION else None


def choose_endpoint(draw: Draw, routes: tuple[Endpoint, ...]) -> Endpoint:
    """A route, with those that differ in the type of a cast alone as rare as one."""
    while True:
        endpoint = draw.choice(routes)
        rare = 0.08 if _CAST.search(endpoint.path) else 1.0
        # The fuzzers' caller is an application, which nobody is signed in to.
        rare *= 0.1 if endpoint.path.startswith("/me") else 1.0
        rare *= 0.25 if endpoint.method == "DELETE" else 1.0
        # Seldom is what is drawn as a target linked to the object.
        rare *= 0.1 if endpoint.method == "GET" and "{target}" in endpoint.path else 1.0
        if draw.random() < rare:
            return endpoint


def make_request(draw: Draw, endpoint: Endpoint, pool: Pool) -> Request:
    """A request that this route accepts, as far as the pool has what it needs."""
    path = _NAMED.sub(lambda name: _draw_named(draw, endpoint, name[1], pool), endpoint.path)
    request = Request(endpoint, endpoint.method, path)
    if endpoint.method == "GET":
        _ask(draw, request, pool)
    elif endpoint.method != "DELETE":
        request.body = _make_body(draw, endpoint, pool)
    return request


def encode(request: Request, draw: Draw, token: str) -> dict[str, Any]:
    """The arguments with which a line sends it."""
    headers = [(b"authorization", b"Bearer " + token.encode("utf-8", "replace"))]
    headers += [EVENTUAL] if request.eventual else []
    headers += draw.sample(HARMLESS, draw.choice([0, 0, 1]))
    options = "&".join(f"{name}={quote(value)}" for name, value in request.options.items())
    version = draw.choice(["/v1.0", "/v1.0", "/beta", "/V1.0/myorganization"])
    body = b"" if request.body is None else json.dumps(request.body).encode()
    return {
        "method": request.method,
        "path": (version + request.path).encode("utf-8", "replace"),
        "query": options.encode(),
        "body": body,
        "headers": headers,
    }


def _draw_named(draw: Draw, endpoint: Endpoint, name: str, pool: Pool) -> str:
    kind = find_kind(endpoint.path)
    if "deletedItems" in endpoint.path:
        return pool.draw_key(draw, "deleted")
    if name == "target":
        # A path that begins with `/me` is about a user.
        relation = endpoint.path.partition("/{target}")[0].rpartition("/")[2]
        navigation = NAVIGATIONS.get((kind or "user", relation))
        takes = sorted(navigation.takes) if navigation else []
        return pool.draw(draw, draw.choice(takes or list(KINDS)))
    if name == "property":
        raw = endpoint.path.endswith("/$value")
        declared = schema.declared(kind or "user").items()
        names = [
            one
            for one, edm in declared
            if edm != "Edm.Stream" and (edm.startswith("Edm.") or not raw)
        ]
        return str(draw.choice(names))
    if name != "key":
        return pool.draw_key(draw, name)
    if kind is None:
        first = endpoint.path.split("/")[1]
        named = {"domains": "domain", "organization": "organization", "subscribedSkus": "sku"}
        if first in named:
            return pool.draw_key(draw, named[first])
        if first == "directoryRoleTemplates":
            return draw.choice(list(ROLES.values()))
        return pool.draw(draw, draw.choice(list(KINDS)))
    if kind == "user" and draw.random() < 0.3:
        return quote(pool.draw_key(draw, "userPrincipalName"), safe="")
    return pool.draw(draw, kind)


def _ask(draw: Draw, request: Request, pool: Pool) -> None:
    """Give a GET request options that fit what it is for."""
    path, kind = request.endpoint.path, find_kind(request.endpoint.path)
    last = path.rpartition("/")[2]
    counting = last == "$count"
    cast = _CAST.search(path)
    if kind is None:
        request.eventual = counting
        return
    ids = pool.ids.get(kind, [])
    inner = path.partition("{key}")[2].strip("/").split("/")[0]
    if path.endswith("/delta"):
        request.options = graph_grammar.draw_delta_options(draw, kind, ids or ["x"])
    elif path.endswith("{key}"):
        request.options = graph_grammar.draw_single_options(draw, kind)
    elif "{key}" not in path:
        request.options, request.eventual = graph_grammar.draw_list_options(
            draw, kind, ids, counting=counting
        )
    elif "{target}" in path or (cast and cast[1] not in KINDS):
        request.eventual = counting
    elif (kind, inner) in NAVIGATIONS and not NAVIGATIONS[kind, inner].single and last != "$ref":
        linked = cast[1] if cast else "directoryObject"
        request.options, request.eventual = graph_grammar.draw_list_options(
            draw, linked, [], related=True, counting=counting
        )
        request.options.pop("$search", None)
    else:
        request.eventual = counting


def _make_body(draw: Draw, endpoint: Endpoint, pool: Pool) -> Any:
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
            return make(draw, pool)
    return None


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
    return {
        "principalId": pool.draw(draw, draw.choice(["user", "group", "servicePrincipal"])),
        "resourceId": pool.draw_key(draw, "graph"),
        "appRoleId": pool.draw_key(draw, "appRoleId"),
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
