"""Requests to Graph's routes that are valid, and such with one mistake."""

from __future__ import annotations

import json
import random
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from entra_emulator.graph.objects.relations import NAVIGATIONS
from entra_emulator.graph.router import Endpoint
from entra_emulator.model import schema
from entra_emulator.model.directory_roles import ROLES
from entra_emulator.model.kinds import KINDS
from tests.support import graph_grammar
from tests.support.graph_bodies import make_body
from tests.support.graph_pool import NOBODY, Pool, find_kind

Draw = random.Random

EVENTUAL = (b"consistencylevel", b"eventual")
HARMLESS = [
    (b"prefer", b"return=minimal"),
    (b"accept", b"application/json;odata.metadata=none"),
    (b"accept-encoding", b"gzip"),
    (b"client-request-id", b"not a guid"),
    (b"x-ms-throttle-priority", b"low"),
]
# Valid requests to these are refused to the fuzzers' caller: adding and removing keys needs proof
# of having one, and devices are registered by signed-in users.
REFUSED = frozenset(
    {
        *(f"POST /{one}/{{key}}/addKey" for one in ("applications", "servicePrincipals")),
        *(f"POST /{one}/{{key}}/removeKey" for one in ("applications", "servicePrincipals")),
        "POST /devices",
        *(
            f"{method} /devices/{{key}}/{people}{target}/$ref"
            for people in ("registeredOwners", "registeredUsers")
            for method, target in (("POST", ""), ("DELETE", ""), ("DELETE", "/{target}"))
        ),
    }
)
_CAST = re.compile(r"microsoft\.graph\.(\w+)")
_NAMED = re.compile(r"\{(\w+)\}")
# What is no directory object, by its collection: its name in the pool.
_NAMES = {
    "directoryAudits": "directoryAudit",
    "domains": "domain",
    "organization": "organization",
    "signIns": "signIn",
    "subscribedSkus": "sku",
}


@dataclass
class Request:
    """A request before it is spoilt and sent."""

    endpoint: Endpoint
    method: str
    path: str
    options: dict[str, str] = field(default_factory=dict)
    eventual: bool = False
    body: Any = None


def choose_endpoint(draw: Draw, routes: tuple[Endpoint, ...]) -> Endpoint:
    """A route, with those that differ in the type of a cast alone as rare as one."""
    while True:
        endpoint = draw.choice(routes)
        rare = 0.08 if _CAST.search(endpoint.path) else 1.0
        # The fuzzers' caller is an application, which nobody is signed in to.
        rare *= 0.1 if endpoint.path.startswith("/me") else 1.0
        rare *= 0.25 if endpoint.method == "DELETE" else 1.0
        rare *= 0.1 if f"{endpoint.method} {endpoint.path}" in REFUSED else 1.0
        # Seldom is what is drawn as a target linked to the object.
        rare *= 0.1 if endpoint.method == "GET" and "{target}" in endpoint.path else 1.0
        if draw.random() < rare:
            return endpoint


def make_request(draw: Draw, endpoint: Endpoint, pool: Pool) -> Request:
    """A request that this route accepts, as far as the pool has what it needs."""
    keys = {name: _draw_named(draw, endpoint, name, pool) for name in _NAMED.findall(endpoint.path)}
    part = pool.draw_part(draw, _find_whole(endpoint))
    if part:
        keys |= zip(keys, part, strict=False)
    path = _NAMED.sub(lambda name: keys[name[1]], endpoint.path)
    request = Request(endpoint, endpoint.method, path)
    if endpoint.method == "GET":
        _ask(draw, request, pool)
    elif endpoint.method == "DELETE":
        if part and endpoint.path.endswith("/$ref") and len(keys) == 1:
            request.options["@id"] = f"https://graph.microsoft.com/v1.0/directoryObjects/{part[1]}"
    else:
        request.body = make_body(draw, endpoint, pool, keys | ({"keyId": part[1]} if part else {}))
    return request


def _find_whole(endpoint: Endpoint) -> str:
    """The template of the path at which that was made which this one names below an object."""
    path = endpoint.path.removesuffix("/$ref")
    if path.endswith("/removePassword"):
        return path.replace("/removePassword", "/addPassword")
    if endpoint.method == "DELETE" and path != endpoint.path and not path.endswith("}"):
        return path
    if path.count("{") < 2 or "{property}" in path:
        return ""
    return path.rpartition("/{")[0]


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
        cast = _CAST.search(endpoint.path)
        return pool.draw_deleted(draw, cast[1] if cast else None)
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
        first = endpoint.path.split("/")[2] if first == "auditLogs" else first
        if first in _NAMES:
            return pool.draw_key(draw, _NAMES[first])
        if first == "directoryRoleTemplates":
            return draw.choice(list(ROLES.values()))
        return pool.draw_any(draw)
    if endpoint.path.endswith("appRoleAssignedTo") and endpoint.method == "POST":
        return pool.draw_key(draw, "graph")
    if kind == "user" and endpoint.method == "GET" and draw.random() < 0.3:
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
        request.options = graph_grammar.draw_delta_options(draw, kind, ids or [NOBODY])
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
