"""Clients that come with a user: whether they may enter a tenant, and what tokens say of them."""

import hmac
from hashlib import sha256

from entra_emulator.errors import refuse
from entra_emulator.model.records import Application, Record, Tenant
from entra_emulator.tokens.user_claims import Subject
from entra_emulator.web.context import Context


def find_visitor(context: Context, tenant: Tenant | None, client_id: str) -> Application:
    """
    The registration of a client that users of this tenant, or of any, may sign in to.

    Raises:
        OAuthFault: 700016, unknown or for another tenant only; 50194, for one tenant
            only where any is asked for; 7000112, disabled.
    """
    directory = context.directory
    client = directory.applications.find_client(client_id)
    where = tenant.display_name if tenant else "organizations"
    if client is None:
        raise refuse(700016, app=client_id, tenant=where)
    single = client.record["signInAudience"] == "AzureADMyOrg"
    if tenant is None and single:
        raise refuse(50194, app=client.app_id, name=client.display_name)
    principal = directory.service_principals.find(tenant, client.app_id) if tenant else None
    if tenant is not None and principal is None and single:
        raise refuse(700016, app=client_id, tenant=where)
    off = client.record.get("isDisabled")
    if off or (principal is not None and not principal.record["accountEnabled"]):
        raise refuse(7000112, app=client.app_id, name=client.display_name)
    return client


def make_subject(
    context: Context, tenant: Tenant, user: Record, client: Application, proof: str
) -> Subject:
    """The subject of a token issued now."""
    return Subject(
        tenant,
        user,
        client,
        proof,
        hmac.digest(context.page_key, b"pairwise", sha256),
        int(context.clock.now()),
    )
