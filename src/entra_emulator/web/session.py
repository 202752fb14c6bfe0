"""
Sessions of browsers: who is signed in, and the people to sign in as.

There are no passwords: whoever reaches the emulator may sign in as anybody.
"""

import hmac
import secrets
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Any, NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.directory.directory import Directory
from entra_emulator.directory.tickets import seal
from entra_emulator.errors import refuse
from entra_emulator.model.directory_roles import rank_roles
from entra_emulator.model.records import Record, Tenant
from entra_emulator.tokens.jwt import encode_base64url
from entra_emulator.web.context import Context, context_of

# The prefix binds the cookie to this host, to https and to the path "/".
COOKIE = "__Host-graphdaemon-emulator"
# Holds a secret of a browser in which nobody is signed in yet.
VISITOR_COOKIE = "__Host-graphdaemon-visitor"
DAY = 86_400.0
# How many people of each tenant are listed.
SHOWN = 20

_decode = msgspec.json.Decoder(dict[str, Any]).decode


class SignedIn(NamedTuple):
    """Who is signed in, in which tenant, and since when, in seconds since 1970."""

    tenant: Tenant
    user: Record
    at: float

    @property
    def user_id(self) -> str:
        """The user's object ID."""
        return str(self.user["id"])


def find_signed_in(request: Request, tenant: Tenant | None) -> SignedIn | None:
    """The user signed in with this browser, if it is one of the tenant; with None, of any."""
    directory, secret = context_of(request).directory, request.cookies.get(COOKIE)
    ticket = directory.tickets.find(seal("session", secret)) if secret else None
    if ticket is None or directory.clock.now() >= ticket.expires:
        return None
    home = directory.tenants.find(ticket.doc["tenant"])
    if home is None or tenant not in {None, home}:
        return None
    user = directory.users.find(home, ticket.doc["user"])
    if user is None or not user.get("accountEnabled", True):
        return None
    # `revokeSignInSessions` ends the sessions of browsers too.
    if ticket.doc["at"] <= directory.users.read_valid_from(home, user["id"]):
        return None
    return SignedIn(home, user, ticket.doc["at"])


def find_form_secret(request: Request, who: SignedIn | None) -> str:
    """
    What only this browser and the emulator know: its session's secret, or one of its own.

    The token in each form is made from it. It is empty in a browser's first request.
    """
    return request.cookies.get(COOKIE if who else VISITOR_COOKIE, "")


def make_form_token(context: Context, secret: str) -> str:
    """
    The token that each form shown to the browser with this secret holds.

    A page of another site cannot know it, so that its forms are refused.
    """
    message = f"form {secret}".encode()
    return encode_base64url(hmac.digest(context.page_key, message, sha256))


def has_form_token(request: Request, token: str) -> bool:
    """Whether a form's token was made for this browser, signed in or not."""
    held = (request.cookies.get(name) for name in (COOKIE, VISITOR_COOKIE))
    made = (make_form_token(context_of(request), secret) for secret in held if secret)
    return any(hmac.compare_digest(token.encode(), one.encode()) for one in made)


def remember_visitor(response: Response, secret: str) -> None:
    """Give the browser that gets this answer a secret of its own."""
    response.set_cookie(
        VISITOR_COOKIE, secret, path="/", secure=True, httponly=True, samesite="lax"
    )


def begin_session(context: Context, response: Response, tenant: Tenant, user: Record) -> None:
    """
    Sign the user in for a day, in the browser that gets this answer.

    Raises:
        TokenRefusal: 50057, the account is disabled.
    """
    if not user.get("accountEnabled", True):
        raise refuse(50057)
    secret, now = secrets.token_urlsafe(32), context.clock.now()
    context.directory.tickets.keep(
        seal("session", secret),
        {"tenant": tenant.id, "user": user["id"], "at": now},
        expires=now + DAY,
    )
    # Not "strict": applications send their users here, which is a request from another site.
    response.set_cookie(COOKIE, secret, path="/", secure=True, httponly=True, samesite="lax")


def end_session(request: Request, response: Response) -> None:
    """Sign the user out, in the browser that gets this answer."""
    secret = request.cookies.get(COOKIE)
    if secret:
        context_of(request).directory.tickets.drop(seal("session", secret))
    response.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="lax")


class Person(NamedTuple):
    """Somebody to sign in as, with the template IDs of the directory roles that they hold."""

    tenant: Tenant
    user: Record
    roles: list[str]


def find_person(directory: Directory, key: str) -> tuple[Tenant, Record] | None:
    """The person whose button was pressed, which is called `{tenant ID}/{object ID}`."""
    tenant_id, _, user_id = key.partition("/")
    tenant = directory.tenants.find(tenant_id)
    user = directory.users.find(tenant, user_id) if tenant else None
    return (tenant, user) if tenant and user else None


def describe_people(directory: Directory, tenants: list[Tenant], search: str) -> dict[str, Any]:
    """What the list of people shows: those with a name that begins so, and how many there are."""
    return {
        "people": list(_find_people(directory, tenants, search)),
        "known": sum(directory.collections.count(tenant, "user") for tenant in tenants),
        "many_tenants": len(tenants) > 1,
        "search": search,
    }


def _find_people(directory: Directory, tenants: Iterable[Tenant], search: str) -> Iterator[Person]:
    """The first people with a name or address that begins so, holders of roles before others."""
    beginning = search.strip().casefold()
    for tenant in tenants:
        holders = directory.role_members.list_holders(tenant)
        remaining = SHOWN
        for user_id, roles in sorted(holders.items(), key=lambda item: rank_roles(item[1])):
            user = directory.users.find(tenant, user_id)
            if user is not None and _is_called(user, beginning):
                remaining -= 1
                yield Person(tenant, user, roles)
        # Holders of roles are among these again, and are left out below.
        page = directory.search.browse(tenant, "user", beginning, limit=SHOWN + len(holders))
        for row in page.objects:
            user = _decode(row.doc)
            if remaining > 0 and user["id"] not in holders:
                remaining -= 1
                yield Person(tenant, user, [])


def _is_called(user: Record, search: str) -> bool:
    """Whether a word of the user's names or addresses begins so."""
    names = (user["displayName"], user["userPrincipalName"], user.get("mail") or "")
    return any(f" {search}" in f" {name.casefold()}" for name in names)
