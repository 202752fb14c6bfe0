"""Admin consent given and taken back on the API permissions page."""

from entra_emulator.directory.directory import Directory
from entra_emulator.model.records import Application, Record, Tenant
from entra_emulator.portal.configured_permissions import ROLE, Permission


def grant_requested(directory: Directory, tenant: Tenant, record: Record) -> None:
    """Grant everything that the application asks for, for the whole tenant."""
    app_id = record["appId"]
    with directory.transaction():
        directory.enter(tenant, Application(record))
        directory.grant_admin_consent(tenant, app_id)
        for resource, scopes in directory.requested_scopes(tenant, app_id).items():
            values = [scope["value"] for scope in scopes]
            directory.grant_scopes(tenant, app_id, values, resource_app_id=resource)


def revoke_grant(directory: Directory, tenant: Tenant, app_id: str, permission: Permission) -> None:
    """Take one permission back that was granted for the whole tenant; what is asked for stays."""
    client = directory.service_principal(tenant, app_id)
    resource = directory.service_principal(tenant, permission.resource)
    if client is None or resource is None:
        return
    with directory.transaction():
        if permission.kind == ROLE:
            for held in directory.assignments(tenant, principal=client.id):
                if (held["resourceId"], held["appRoleId"]) == (resource.id, permission.id):
                    directory.unassign(tenant, held)
            return
        for grant in directory.scope_grants(tenant):
            ends = (grant["clientId"], grant["resourceId"], grant["consentType"])
            if ends == (client.id, resource.id, "AllPrincipals"):
                left = [name for name in grant["scope"].split() if name != permission.value]
                directory.set_grant(tenant, grant, " ".join(left) or None)
