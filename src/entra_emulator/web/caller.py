"""Who sent a request to Graph: its access token, verified."""

from typing import Any, NamedTuple

from starlette.requests import Request

from entra_emulator.directory.directory import Directory
from entra_emulator.errors import deny
from entra_emulator.model.records import Tenant
from entra_emulator.tokens.claims_challenge import render_challenge
from entra_emulator.tokens.signing import read_access_token
from entra_emulator.web.context import Context, context_of, names_graph, trace_of


class Caller(NamedTuple):
    """
    Who sent a request, as the claims of its token say.

    With `delegated` the object ID is that of the signed-in user, and the permissions are the
    scopes in `scp`; otherwise it is that of the application's service principal, and the
    permissions are the app roles in `roles`.
    """

    tenant: Tenant
    app_id: str
    object_id: str
    permissions: frozenset[str]
    delegated: bool
    claims: dict[str, Any]


def identify(request: Request) -> Caller:
    """
    Verify the request's access token.

    Raises:
        GraphRefusal: 401, in the words that the service has for what is wrong with the token.
    """
    context = context_of(request)
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    token = token.strip() if scheme.lower() == "bearer" else ""
    claims = read_access_token(context.keys, token, trace_of(request).now)
    if not names_graph(context, str(claims.get("aud"))):
        raise deny("token_foreign")
    tenant = context.directory.tenants.find(str(claims.get("tid")))
    if tenant is None:
        raise deny("caller_unknown")
    _check_revoked(context, tenant, claims)
    delegated = "scp" in claims
    permissions = str(claims["scp"]).split() if delegated else claims.get("roles", [])
    return Caller(
        tenant,
        str(claims.get("appid")),
        str(claims.get("oid")),
        frozenset(permissions),
        delegated,
        claims,
    )


def list_roles(directory: Directory, caller: Caller) -> list[str]:
    """
    The template IDs of the signed-in user's directory roles, as they are now.

    An application has none, and neither has a user who was deleted.
    """
    # Not from the token's `wids`: a role that was taken away since must not count.
    try:
        return directory.role_members.list_roles(caller.tenant, caller.object_id)
    except LookupError:
        return []


def _check_revoked(context: Context, tenant: Tenant, claims: dict[str, Any]) -> None:
    """Continuous access evaluation: tell clients that handle claims challenges at once."""
    # Other clients would not understand the challenge; their tokens live only an hour or so.
    if "xms_cc" not in claims:
        return
    if claims.get("idtyp") == "app":
        revoked = context.directory.token_policies.find(tenant, str(claims.get("appid"))).revoked
    else:
        revoked = int(context.directory.users.read_valid_from(tenant, str(claims.get("oid"))))
    if int(claims["nbf"]) < revoked:
        raise deny("token_revoked", claims=render_challenge(revoked))
