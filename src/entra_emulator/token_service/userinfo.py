"""The UserInfo endpoint, which is on Graph's host but below none of its versions."""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.errors import deny
from entra_emulator.token_service.user_clients import make_token_facts
from entra_emulator.tokens.app_claims import PUBLIC_CLIENT
from entra_emulator.tokens.user_claims import make_pairwise_subject
from entra_emulator.web.caller import identify
from entra_emulator.web.context import context_of, origin_of
from entra_emulator.web.graph_answers import answer_graph


async def show_userinfo(request: Request) -> Response:
    """
    `GET` and `POST /oidc/userinfo`: claims about the user of the access token.

    Source: "Microsoft identity platform UserInfo endpoint".
    """
    caller, context = identify(request), context_of(request)
    user = context.directory.users.find(caller.tenant, caller.object_id)
    client = context.directory.applications.find_client(caller.app_id)
    scopes = caller.permissions if caller.delegated else frozenset()
    if user is None or client is None or "openid" not in scopes:
        raise deny("forbidden")
    facts = make_token_facts(context, caller.tenant, user, client, PUBLIC_CLIENT)
    content: dict[str, Any] = {"sub": make_pairwise_subject(facts, client.app_id)}
    if "profile" in scopes:
        content |= {
            "name": user["displayName"],
            "family_name": user.get("surname"),
            "given_name": user.get("givenName"),
            "picture": f"{origin_of(request)}/v1.0/me/photo/$value",
        }
    if "email" in scopes:
        content["email"] = user.get("mail")
    # Claims without a value are left out, never null (OpenID Connect Core, 5.3.2).
    content = {name: value for name, value in content.items() if value is not None}
    return answer_graph(request, msgspec.json.encode(content), media_type="application/json")
