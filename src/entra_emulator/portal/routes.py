"""The portal's route table."""

from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from entra_emulator.portal.pages import (
    api_permissions,
    app_registrations,
    app_roles,
    audit_log,
    client_secrets,
    expose_api,
    federated_credentials,
    home,
    overview,
    request_permissions,
    sign_in,
    throttling_and_faults,
)
from entra_emulator.portal.pages import certificates as certificate_page
from entra_emulator.portal.pages import groups as group_page
from entra_emulator.portal.pages import quickstart as quickstart_page
from entra_emulator.portal.pages import scopes as scope_page
from entra_emulator.portal.pages import users as people_page
from entra_emulator.portal.serve import Page, make_answer
from entra_emulator.web.pages import assets
from entra_emulator.web.pages.fault import PortalFault
from entra_emulator.web.pages.notices import Notices
from entra_emulator.web.pages.request import PREFIX, Visit

_TENANT = f"{PREFIX}/{{tenant}}"
_APPLICATIONS = f"{_TENANT}/applications"
_APPLICATION = f"{_APPLICATIONS}/{{app}}"
_CREDENTIALS = f"{_APPLICATION}/credentials"
_CERTIFICATES = f"{_CREDENTIALS}/certificates"
_PERMISSIONS = f"{_APPLICATION}/permissions"
_EXPOSURE = f"{_APPLICATION}/exposure"
_ROLES = f"{_APPLICATION}/roles"

PAGES = (
    Page("GET", PREFIX, sign_in.enter, public=True),
    Page("GET", f"{PREFIX}/signin", sign_in.show_sign_in, public=True),
    Page("POST", f"{PREFIX}/signin", sign_in.sign_in, public=True),
    Page("POST", f"{PREFIX}/signout", sign_in.sign_out),
    Page("GET", f"{PREFIX}/language", sign_in.choose_language, public=True),
    Page("GET", f"{PREFIX}/tenants", sign_in.list_tenants),
    Page("GET", _TENANT, home.show_home),
    Page("GET", f"{_TENANT}/users", people_page.list_users),
    Page("GET", f"{_TENANT}/users/{{user}}", people_page.show_user),
    Page("GET", f"{_TENANT}/groups", group_page.list_groups),
    Page("GET", f"{_TENANT}/groups/{{group}}", group_page.show_group),
    Page("GET", f"{_TENANT}/audit", audit_log.show_log),
    Page("POST", f"{_TENANT}/audit", audit_log.clear_log),
    Page("GET", f"{_TENANT}/audit/{{entry}}", audit_log.show_entry),
    Page("GET", f"{_TENANT}/trouble", throttling_and_faults.show_trouble),
    Page("POST", f"{_TENANT}/trouble", throttling_and_faults.change_trouble),
    Page("GET", _APPLICATIONS, app_registrations.list_registrations),
    Page("GET", f"{_APPLICATIONS}/owned", app_registrations.list_owned),
    Page("GET", f"{_APPLICATIONS}/new", app_registrations.ask_registration),
    Page("POST", f"{_APPLICATIONS}/new", app_registrations.create_registration),
    Page("GET", _APPLICATION, overview.show_overview),
    Page("GET", f"{_APPLICATION}/branding", overview.ask_name),
    Page("POST", f"{_APPLICATION}/branding", overview.change_name),
    Page("GET", f"{_APPLICATION}/delete", overview.ask_removal),
    Page("POST", f"{_APPLICATION}/delete", overview.remove_registration),
    Page("GET", f"{_APPLICATION}/manifest", overview.show_manifest),
    Page("GET", f"{_APPLICATION}/quickstart", quickstart_page.show_quickstart),
    Page("POST", f"{_APPLICATION}/quickstart", quickstart_page.change_quickstart),
    Page("GET", _CREDENTIALS, client_secrets.list_secrets),
    Page("GET", f"{_CREDENTIALS}/secrets/new", client_secrets.ask_secret),
    Page("POST", f"{_CREDENTIALS}/secrets/new", client_secrets.add_secret),
    Page("GET", f"{_CREDENTIALS}/secrets/{{key}}/delete", client_secrets.ask_removal),
    Page("POST", f"{_CREDENTIALS}/secrets/{{key}}/delete", client_secrets.remove_secret),
    Page("GET", _CERTIFICATES, certificate_page.list_certificates),
    Page("GET", f"{_CERTIFICATES}/new", certificate_page.ask_certificate),
    Page("POST", f"{_CERTIFICATES}/new", certificate_page.add_certificate),
    Page("GET", f"{_CERTIFICATES}/{{key}}/delete", certificate_page.ask_removal),
    Page("POST", f"{_CERTIFICATES}/{{key}}/delete", certificate_page.remove_certificate),
    Page("GET", f"{_CREDENTIALS}/federated", federated_credentials.list_federated),
    Page("GET", f"{_CREDENTIALS}/federated/new", federated_credentials.ask_federated),
    Page("POST", f"{_CREDENTIALS}/federated/new", federated_credentials.add_federated),
    Page("GET", f"{_CREDENTIALS}/federated/{{key}}/delete", federated_credentials.ask_removal),
    Page(
        "POST", f"{_CREDENTIALS}/federated/{{key}}/delete", federated_credentials.remove_federated
    ),
    Page("GET", _PERMISSIONS, api_permissions.show_permissions),
    Page("GET", f"{_PERMISSIONS}/add", request_permissions.choose_api),
    Page("GET", f"{_PERMISSIONS}/add/{{api}}", request_permissions.choose_permissions),
    Page("POST", f"{_PERMISSIONS}/add/{{api}}", request_permissions.request_permissions),
    Page("POST", f"{_PERMISSIONS}/configure", api_permissions.add_granted),
    Page("GET", f"{_PERMISSIONS}/remove", api_permissions.ask_removal),
    Page("POST", f"{_PERMISSIONS}/remove", api_permissions.remove_permission),
    Page("GET", f"{_PERMISSIONS}/revoke", api_permissions.ask_revocation),
    Page("POST", f"{_PERMISSIONS}/revoke", api_permissions.revoke_permission),
    Page("GET", f"{_PERMISSIONS}/consent", api_permissions.ask_consent),
    Page("POST", f"{_PERMISSIONS}/consent", api_permissions.grant_consent),
    Page("GET", _EXPOSURE, expose_api.show_exposure),
    Page("GET", f"{_EXPOSURE}/uri", expose_api.ask_uri),
    Page("POST", f"{_EXPOSURE}/uri", expose_api.save_uri),
    Page("POST", f"{_EXPOSURE}/uri/remove", expose_api.remove_uri),
    Page("GET", f"{_EXPOSURE}/scopes/{{scope}}", scope_page.ask_scope),
    Page("POST", f"{_EXPOSURE}/scopes/{{scope}}", scope_page.save_scope),
    Page("GET", f"{_EXPOSURE}/scopes/{{scope}}/delete", scope_page.ask_deletion),
    Page("POST", f"{_EXPOSURE}/scopes/{{scope}}/delete", scope_page.delete_scope),
    Page("GET", f"{_EXPOSURE}/clients/{{client}}", expose_api.ask_client),
    Page("POST", f"{_EXPOSURE}/clients/{{client}}", expose_api.save_client),
    Page("POST", f"{_EXPOSURE}/clients/{{client}}/remove", expose_api.remove_client),
    Page("GET", _ROLES, app_roles.show_roles),
    Page("GET", f"{_ROLES}/{{role}}", app_roles.ask_role),
    Page("POST", f"{_ROLES}/{{role}}", app_roles.save_role),
    Page("GET", f"{_ROLES}/{{role}}/delete", app_roles.ask_deletion),
    Page("POST", f"{_ROLES}/{{role}}/delete", app_roles.delete_role),
)


def make_portal_routes() -> list[BaseRoute]:
    """What answers below `/portal`, whatever the path and the method."""
    notices = Notices()
    routes: list[BaseRoute] = [
        Route(f"{PREFIX}/portal.css", assets.show_style, methods=["GET"]),
        Route(f"{PREFIX}/portal.js", assets.show_script, methods=["GET"]),
    ]
    for page in PAGES:
        route = Route(page.path, make_answer(page, notices), methods=[page.method])
        route.methods = {page.method}  # without the HEAD that Starlette adds
        routes.append(route)
    nowhere = Page("GET", f"{PREFIX}/{{rest:path}}", _miss, public=True)
    rest = Route(nowhere.path, make_answer(nowhere, notices))
    rest.methods = None
    return [*routes, rest]


def _miss(_: Visit) -> Response:
    raise PortalFault(404, "page")
