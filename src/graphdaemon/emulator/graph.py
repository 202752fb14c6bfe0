"""Microsoft Graph: users, read by applications."""

from typing import Any, NamedTuple
from urllib.parse import unquote

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from graphdaemon.emulator import schema
from graphdaemon.emulator.challenge import render_challenge
from graphdaemon.emulator.entity import Tenant
from graphdaemon.emulator.errors import deny
from graphdaemon.emulator.exchange import (
    GRAPH_JSON,
    Context,
    answer_graph,
    context_of,
    is_guid,
    names_graph,
    origin_of,
    trace_of,
)
from graphdaemon.emulator.odata import (
    Query,
    open_position,
    parse_options,
    read_query,
    read_select,
    render_records,
    seal_position,
)
from graphdaemon.emulator.store import Position
from graphdaemon.emulator.tokens import read_access_token
from graphdaemon.emulator.usertoken import name_pairwise
from graphdaemon.emulator.visitor import make_subject

__all__ = ["READ_USERS", "count_users", "list_users", "show_me", "show_user", "show_userinfo"]

# The application permissions that read every property ("List users", Microsoft Graph v1.0).
READ_USERS = frozenset(
    {
        "User.Read.All",
        "User.ReadWrite.All",
        "Directory.Read.All",
        "Directory.ReadWrite.All",
        "Directory.AccessAsUser.All",
    }
)
READ_BASIC = "User.ReadBasic.All"

_decode = msgspec.json.Decoder(dict[str, Any]).decode


class Page(NamedTuple):
    """A page's records joined by commas; where it ends if another follows; the total if asked."""

    body: bytes
    last: Position | None
    total: int | None


async def list_users(request: Request) -> Response:
    """`GET /users`: a page of users."""
    tenant, basic = _authorize(request)
    query = _read_query(request)
    after = _open(context_of(request), tenant, query, request)
    if query.predicate is None and query.select is None and query.order == "seq" and not basic:
        # Prepared bytes: less than a change of threads would cost.
        return _answer_faces(request, tenant, query, after)
    return await run_in_threadpool(_answer_scan, request, tenant, query, after, basic)


async def count_users(request: Request) -> Response:
    """`GET /users/$count`: a number as plain text, from the eventual index only."""
    tenant, _ = _authorize(request)
    if not _is_eventual(request):
        raise deny("count_refused")
    query = _read_query(request, counting=True)
    number = await run_in_threadpool(_count, context_of(request), tenant, query)
    return answer_graph(request, str(number).encode(), media_type="text/plain")


async def show_user(request: Request) -> Response:
    """`GET /users/{id or userPrincipalName}`: one user."""
    tenant, basic = _authorize(request)
    key = unquote(request.path_params["key"])
    return _answer_user(request, tenant, key, basic=basic)


async def show_me(request: Request) -> Response:
    """`GET /me`: the signed-in user; refused to applications."""
    tenant, claims = _identify(request)
    if "scp" not in claims:
        raise deny("me_without_user")
    if not _reads_itself(claims):
        raise deny("forbidden")
    return _answer_user(request, tenant, str(claims["oid"]), basic=False)


async def show_userinfo(request: Request) -> Response:
    """
    `GET` and `POST /oidc/userinfo`: who the token is of.

    Source: "Microsoft identity platform UserInfo endpoint".
    """
    tenant, claims = _identify(request)
    context = context_of(request)
    user = context.directory.read_user(tenant, str(claims["oid"]))
    client = context.directory.client(str(claims["appid"]))
    scopes = _scopes(claims)
    if user is None or client is None or "openid" not in scopes:
        raise deny("forbidden")
    subject = make_subject(context, tenant, user, client, "0")
    content: dict[str, Any] = {"sub": name_pairwise(subject, client.app_id)}
    if "profile" in scopes:
        content |= {
            "name": user["displayName"],
            "family_name": user.get("surname"),
            "given_name": user.get("givenName"),
            "picture": f"{origin_of(request)}/v1.0/me/photo/$value",
        }
    if "email" in scopes:
        content["email"] = user.get("mail")
    content = {name: value for name, value in content.items() if value is not None}
    return answer_graph(request, msgspec.json.encode(content), media_type="application/json")


def _answer_user(request: Request, tenant: Tenant, key: str, *, basic: bool) -> Response:
    options = parse_options(_query_string(request))
    if "$expand" in options:
        raise deny("not_emulated", what="$expand")
    select = read_select("user", options.get("$select", ""), collection=False)
    if not is_guid(key) and "@" not in key:
        raise deny("id_malformed", key=key)
    doc = context_of(request).directory.user(tenant, key)
    if doc is None:
        raise deny("object_missing", key=key)
    body = _render(select, [doc], basic)
    context = _context_line(request, select, "/$entity")
    return _answer_json(request, b"{" + context + body[1:], units=1)


def _answer_faces(
    request: Request, tenant: Tenant, query: Query, after: Position | None
) -> Response:
    directory = context_of(request).directory
    rows = directory.faces(tenant, "user", query.top + 1, after.seq if after else 0)
    last = Position(None, rows[query.top - 1][0]) if len(rows) > query.top else None
    total = directory.count(tenant, "user") if query.count and after is None else None
    body = b",".join([face for _, face in rows[: query.top]])
    return _answer_page(request, tenant, query, Page(body, last, total))


def _answer_scan(
    request: Request, tenant: Tenant, query: Query, after: Position | None, basic: bool
) -> Response:
    """A page that is looked for: documents are read in order until it is full."""
    context = context_of(request)
    docs: list[bytes] = []
    last, end = None, after
    chunk = 1000 if query.predicate else query.top + 1
    for position, doc in context.directory.scan(
        tenant, "user", query.order, descending=query.descending, after=after, chunk=chunk
    ):
        if query.predicate is None or query.predicate(_decode(doc)):
            if len(docs) == query.top:
                last = end
                break
            docs.append(doc)
            end = position
    total = _count(context, tenant, query) if query.count and after is None else None
    body = _render(query.select, docs, basic)
    return _answer_page(request, tenant, query, Page(body, last, total))


def _answer_page(request: Request, tenant: Tenant, query: Query, page: Page) -> Response:
    """Key order as recorded: context, count, next link, value."""
    context = context_of(request)
    parts = [_context_line(request, query.select, "")]
    if page.total is not None:
        parts.append(f'"@odata.count":{page.total},'.encode())
    if page.last is not None:
        now = trace_of(request).now
        token = seal_position(context.page_key, _binding(tenant, query), now, page.last)
        path = request.scope["raw_path"].decode("latin-1")
        options = f"{query.link}&" if query.link else ""
        link = f"{origin_of(request)}{path}?{options}$skiptoken={token}"
        parts.append(b'"@odata.nextLink":%b,' % msgspec.json.encode(link))
    body = b'{%b"value":[%b]}' % (b"".join(parts), page.body)
    return _answer_json(request, body, units=_cost(query))


def _render(select: tuple[str, ...] | None, docs: list[bytes], basic: bool) -> bytes:
    names = select or schema.DEFAULT_USER
    if not basic:
        return render_records("user", names, docs)
    # User.ReadBasic.All: the rest of an object reads as null. Collections become null here too,
    # where the real service may say [].
    rows = [
        {n: _decode(doc).get(n) if n in schema.BASIC_USER else None for n in names} for doc in docs
    ]
    return msgspec.json.encode(rows)[1:-1]


def _context_line(request: Request, select: tuple[str, ...] | None, suffix: str) -> bytes:
    """`"@odata.context":"…",`, or nothing for who asked for no metadata."""
    if _wants_no_metadata(request):
        return b""
    version = request.scope["path"].split("/")[1]
    names = f"({','.join(select)})" if select else ""
    text = f"{origin_of(request)}/{version}/$metadata#users{names}{suffix}"
    return b'"@odata.context":%b,' % msgspec.json.encode(text)


def _answer_json(request: Request, body: bytes, *, units: int) -> Response:
    media_type = GRAPH_JSON
    if _wants_no_metadata(request):
        media_type = media_type.replace("metadata=minimal", "metadata=none")
    return answer_graph(request, body, media_type=media_type, units=units)


def _wants_no_metadata(request: Request) -> bool:
    accept = request.headers.get("accept", "").lower().replace(" ", "")
    return "odata.metadata=none" in accept


def _cost(query: Query) -> int:
    """Resource units of a list of users ("Microsoft Graph service-specific throttling limits")."""
    return max(1, 2 - (query.select is not None) - query.small)


def _count(context: Context, tenant: Tenant, query: Query) -> int:
    if query.predicate is None:
        return context.directory.count(tenant, "user")
    matches = query.predicate
    return sum(matches(_decode(doc)) for _, doc in context.directory.scan(tenant, "user"))


def _read_query(request: Request, *, counting: bool = False) -> Query:
    return read_query(
        "user",
        _query_string(request),
        eventual=_is_eventual(request),
        strict=context_of(request).strict_filter,
        counting=counting,
    )


def _query_string(request: Request) -> str:
    return bytes(request.scope["query_string"]).decode("latin-1")


def _is_eventual(request: Request) -> bool:
    return request.headers.get("consistencylevel", "").lower() == "eventual"


def _binding(tenant: Tenant, query: Query) -> bytes:
    return tenant.id.encode() + query.binding


def _open(context: Context, tenant: Tenant, query: Query, request: Request) -> Position | None:
    if query.page_token is None:
        return None
    return open_position(
        context.page_key,
        _binding(tenant, query),
        trace_of(request).now,
        context.page_token_age,
        query.page_token,
    )


def _authorize(request: Request) -> tuple[Tenant, bool]:
    """
    The caller's tenant, and whether it may only see basic properties.

    An application's permissions are in `roles`, a user's client's in `scp`.
    """
    tenant, claims = _identify(request)
    roles = _scopes(claims) if "scp" in claims else claims.get("roles", [])
    if READ_USERS.isdisjoint(roles):
        if READ_BASIC not in roles:
            raise deny("forbidden")
        return tenant, True
    return tenant, False


def _scopes(claims: dict[str, Any]) -> frozenset[str]:
    return frozenset(str(claims.get("scp", "")).split())


def _reads_itself(claims: dict[str, Any]) -> bool:
    """Whether a user's client may read the user ("Get a user", Microsoft Graph v1.0)."""
    reading = {"User.Read", "User.ReadWrite", READ_BASIC, "Directory.AccessAsUser.All"}
    return not _scopes(claims).isdisjoint(reading | READ_USERS)


def _identify(request: Request) -> tuple[Tenant, dict[str, Any]]:
    context = context_of(request)
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    token = token.strip() if scheme.lower() == "bearer" else ""
    claims = read_access_token(context.keys, token, trace_of(request).now)
    if not names_graph(context, str(claims.get("aud"))):
        raise deny("token_foreign")
    tenant = context.directory.tenant(str(claims.get("tid")))
    if tenant is None:
        raise deny("caller_unknown")
    if "xms_cc" in claims and claims.get("idtyp") == "app":
        revoked = context.directory.standing(tenant, str(claims.get("appid"))).revoked
        if int(claims["nbf"]) < revoked:
            raise deny("token_revoked", claims=render_challenge(revoked))
    if "xms_cc" in claims and claims.get("idtyp") == "user":
        revoked = int(context.directory.sign_ins_valid_from(tenant, str(claims.get("oid"))))
        if int(claims["nbf"]) < revoked:
            raise deny("token_revoked", claims=render_challenge(revoked))
    return tenant, claims
