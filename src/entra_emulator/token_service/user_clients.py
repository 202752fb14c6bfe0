"""Clients that users sign in to: which tenants they may enter, and what their tokens say."""

import hmac
from hashlib import sha256

from entra_emulator.errors import TokenRefusal, refuse
from entra_emulator.model.records import Application, Record, Tenant
from entra_emulator.tokens.user_claims import UserTokenFacts
from entra_emulator.web.context import Context


def find_user_client(context: Context, tenant: Tenant | None, client_id: str) -> Application:
    """
    The registration of a client to which users of this tenant may sign in; None is any tenant.

    Raises:
        TokenRefusal: 700016, unknown or for another tenant only; 50194, for one tenant
            only where any is asked for; 7000112, disabled.
    """
    directory = context.directory
    client = directory.applications.find_client(client_id)
    tenant_name = tenant.display_name if tenant else "organizations"
    if client is None:
        raise refuse(700016, app=client_id, tenant=tenant_name)
    single = client.record["signInAudience"] == "AzureADMyOrg"
    if tenant is None and single:
        raise refuse(50194, app=client.app_id, name=client.display_name)
    principal = directory.service_principals.find(tenant, client.app_id) if tenant else None
    if tenant is not None and principal is None and single:
        raise refuse(700016, app=client_id, tenant=tenant_name)
    disabled = client.record.get("isDisabled")
    if disabled or (principal is not None and not principal.record["accountEnabled"]):
        raise refuse(7000112, app=client.app_id, name=client.display_name)
    return client


def make_token_facts(
    context: Context, tenant: Tenant, user: Record, client: Application, authentication: str
) -> UserTokenFacts:
    """What a token about the user is made of, if it is issued now."""
    return UserTokenFacts(
        tenant,
        user,
        client,
        authentication,
        # Derived from a stored secret, so that it is the same after a restart of the emulator.
        hmac.digest(context.page_key, b"pairwise", sha256),
        int(context.clock.now()),
    )


def refuse_other_tenant(
    user: Record, home: Tenant, tenant: Tenant, app_id: str, client: Application | None
) -> TokenRefusal:
    """AADSTS50020, for a user whose home is not the tenant that is signed in to."""
    return refuse(
        50020,
        user=user["userPrincipalName"],
        idp=f"https://sts.windows.net/{home.id}/",
        tenant=tenant.display_name,
        app=app_id,
        name=client.display_name if client else "",
    )
