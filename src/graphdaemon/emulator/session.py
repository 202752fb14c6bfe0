"""
Signing in: who a browser's user is, the page to pick one on, and signing out.

There are no passwords: whoever reaches the emulator may be anybody in it, and
the page says so.
"""

import re
import secrets
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, NamedTuple
from urllib.parse import parse_qs, quote, urlsplit

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from graphdaemon.emulator.browser import (
    answer_at,
    check_same_origin,
    drop_from_prompt,
    form_target,
    go,
    list_redirects,
    matches_redirect,
    render_hidden,
)
from graphdaemon.emulator.directory import Directory
from graphdaemon.emulator.entity import Record, Tenant
from graphdaemon.emulator.errors import refuse
from graphdaemon.emulator.exchange import (
    Context,
    context_of,
    describe_oauth,
    find_tenant,
    read_form,
)
from graphdaemon.emulator.ledger import seal
from graphdaemon.emulator.page import render_page
from graphdaemon.emulator.role import name_role, rank_roles

__all__ = [
    "SignedIn",
    "find_signed_in",
    "render_sign_in",
    "render_who",
    "show_sign_in",
    "sign_in",
    "sign_out",
]

# The prefix binds the cookie to this host, to https and to the path "/".
COOKIE = "__Host-graphdaemon-emulator"
DAY = 86_400.0
SHOWN = 20

# Pages that signing in leads back to, and nothing else.
_PAGES = re.compile(
    r"/[^/]+/(oauth2/v2\.0/authorize|adminconsent|v2\.0/adminconsent)"
    r"|/devicelogin|/common/oauth2/deviceauth"
)

_decode = msgspec.json.Decoder(dict[str, Any]).decode


class SignedIn(NamedTuple):
    """Who is signed in, in which tenant, and since when (seconds since 1970)."""

    tenant: Tenant
    user: Record
    at: float

    @property
    def user_id(self) -> str:
        """The user's object ID."""
        return str(self.user["id"])


def find_signed_in(request: Request, tenant: Tenant | None) -> SignedIn | None:
    """Who is signed in in this browser; somebody of another tenant than asked for is nobody."""
    directory, secret = context_of(request).directory, request.cookies.get(COOKIE)
    ticket = directory.ticket(seal("session", secret)) if secret else None
    if ticket is None or directory.clock.now() >= ticket.expires:
        return None
    home = directory.tenant(ticket.doc["tenant"])
    if home is None or tenant not in {None, home}:
        return None
    user = directory.read_user(home, ticket.doc["user"])
    if user is None or not user.get("accountEnabled", True):
        return None
    if ticket.doc["at"] <= directory.sign_ins_valid_from(home, user["id"]):
        return None
    return SignedIn(home, user, ticket.doc["at"])


async def show_sign_in(request: Request) -> Response:
    """`GET /{tenant}/signin`: the page again, with the people whom a search found."""
    values = request.query_params
    return await run_in_threadpool(
        render_sign_in,
        request,
        request.path_params["tenant"],
        after=values.get("next", ""),
        search=values.get("q", ""),
    )


def render_sign_in(request: Request, segment: str, *, after: str, search: str = "") -> Response:
    """
    The page that lists people to sign in as.

    Args:
        request: what is answered.
        segment: the tenant, or `common` and its like for everybody.
        after: the page to go to then, a path of this origin.
        search: part of a name or address.

    Raises:
        OAuthFault: 90023, there is no such page; 90002 or 900023, no such tenant.
    """
    context, after = context_of(request), _check_page(after)
    tenant = find_tenant(context, segment)
    tenants = [tenant] if tenant else context.directory.tenants()
    people = list(_find_people(context.directory, tenants, search.strip().casefold()))
    known = sum(context.directory.count(one, "user") for one in tenants)
    action = escape(f"/{quote(segment)}/signin")
    hidden = render_hidden({"next": after})
    items = "".join(_render_person(one, many=len(tenants) > 1) for one in people)
    body = f"""
<p>Pick somebody to sign in as. Nobody here has a password.</p>
<form method="get" action="{action}" role="search" class="search">{hidden}
<label for="q">Name or address</label>
<div class="row"><input id="q" name="q" type="search" value="{escape(search)}" maxlength="100">
<button>Find</button></div></form>
<form method="post" action="{action}" aria-label="People">{hidden}
<ul class="people">{items or "<li>Nobody is called that.</li>"}</ul></form>
<p>{len(people)} of {known} people shown.</p>"""
    redirect = parse_qs(urlsplit(after).query).get("redirect_uri", [""])[0]
    targets = form_target(redirect)
    return render_page("Sign in", body, form_origins=targets, headers=describe_oauth(request))


async def sign_in(request: Request) -> Response:
    """`POST /{tenant}/signin`: be that person from now on, and go on."""
    check_same_origin(request)
    form = await read_form(request)
    return await run_in_threadpool(_sign_in, request, form)


def sign_out(request: Request) -> Response:
    """
    `GET /{tenant}/oauth2/v2.0/logout`: nobody is signed in here any more.

    The browser goes back only to a redirect URI of the application that
    `client_id` or `id_token_hint` names ("OpenID Connect on the Microsoft
    identity platform", sign-out).
    """
    context = context_of(request)
    find_tenant(context, request.path_params["tenant"])
    secret = request.cookies.get(COOKIE)
    if secret:
        context.directory.drop_ticket(seal("session", secret))
    values = request.query_params
    target = values.get("post_logout_redirect_uri")
    client = context.directory.client(values.get("client_id", ""))
    registered = list_redirects(client) if client else []
    if target and any(matches_redirect(uri, target) for uri in registered):
        response = answer_at(request, target, {"state": values.get("state")}, "query")
    else:
        body = "<p>You are signed out of the pretend tenant.</p>"
        response = render_page("Signed out", body, headers=describe_oauth(request))
    response.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="lax")
    return response


def render_who(signed_in: SignedIn) -> str:
    """Who is signed in, as part of a page."""
    name, upn = signed_in.user["displayName"], signed_in.user["userPrincipalName"]
    return f"<p>Signed in as <strong>{escape(name)}</strong><br><code>{escape(upn)}</code></p>"


def _sign_in(request: Request, form: Mapping[str, str]) -> Response:
    context, after = context_of(request), _check_page(form.get("next", ""))
    tenant, user = _find_picked(context, request.path_params["tenant"], form.get("user", ""), after)
    if not user.get("accountEnabled", True):
        raise refuse(50057)
    secret, now = secrets.token_urlsafe(32), context.clock.now()
    context.directory.keep_ticket(
        seal("session", secret),
        {"tenant": tenant.id, "user": user["id"], "at": now},
        expires=now + DAY,
    )
    response = go(request, drop_from_prompt(after, "login", "select_account"))
    response.set_cookie(COOKIE, secret, path="/", secure=True, httponly=True, samesite="lax")
    return response


def _find_picked(context: Context, segment: str, picked: str, after: str) -> tuple[Tenant, Record]:
    """The person of a button: `{tenant ID}/{object ID}`."""
    place = find_tenant(context, segment)
    key, _, user_id = picked.partition("/")
    home = context.directory.tenant(key)
    user = context.directory.read_user(home, user_id) if home else None
    if home is None or user is None:
        where = place.display_name if place else segment
        raise refuse(50034, user=picked, tenant=where)
    if place not in {None, home}:
        assert place is not None
        app_id = parse_qs(urlsplit(after).query).get("client_id", [""])[0]
        client = context.directory.client(app_id)
        raise refuse(
            50020,
            user=user["userPrincipalName"],
            idp=f"https://sts.windows.net/{home.id}/",
            tenant=place.display_name,
            app=app_id,
            name=client.display_name if client else "",
        )
    return home, user


def _check_page(after: str) -> str:
    """
    A page of this emulator's, as a path with its query; never another origin's.

    Raises:
        OAuthFault: 90023.
    """
    # The text itself, not its parts: `///devicelogin` has the right path, and leads elsewhere.
    plain = after.isascii() and after.isprintable()
    if not plain or not _PAGES.fullmatch(after.partition("?")[0]):
        raise refuse(90023, field="next")
    return after


class _Person(NamedTuple):
    tenant: Tenant
    user: Record
    roles: list[str]


def _find_people(directory: Directory, tenants: list[Tenant], search: str) -> Iterator[_Person]:
    """The first people whose name or address has this in it, those with roles in front."""
    for tenant in tenants:
        holders = directory.role_holders(tenant)
        left = SHOWN
        for user_id, roles in sorted(holders.items(), key=lambda item: rank_roles(item[1])):
            user = directory.read_user(tenant, user_id)
            if user is not None and _is_called(user, search):
                left -= 1
                yield _Person(tenant, user, roles)
        for _, doc in directory.scan(tenant, "user"):
            if left <= 0:
                break
            user = _decode(doc)
            if user["id"] not in holders and _is_called(user, search):
                left -= 1
                yield _Person(tenant, user, [])


def _is_called(user: Record, search: str) -> bool:
    names = (user["displayName"], user["userPrincipalName"], user.get("mail") or "")
    return any(search in name.casefold() for name in names)


def _render_person(person: _Person, *, many: bool) -> str:
    tenant, user, roles = person
    notes = [name_role(role) for role in roles]
    if not user.get("accountEnabled", True):
        notes.append("disabled")
    if user.get("userType") == "Guest":
        notes.append("guest")
    if many:
        notes.append(tenant.display_name)
    small = f"<small>{escape(', '.join(notes))}</small>" if notes else ""
    return (
        f'<li><button name="user" value="{tenant.id}/{escape(user["id"])}">'
        f"<strong>{escape(user['displayName'])}</strong>"
        f"<code>{escape(user['userPrincipalName'])}</code>{small}</button></li>"
    )
