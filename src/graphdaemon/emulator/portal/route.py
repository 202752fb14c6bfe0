"""The portal's route table."""

from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from graphdaemon.emulator.portal import (
    approle_page,
    asset,
    audit_page,
    certificate_page,
    door,
    exposure_page,
    federated_page,
    group_page,
    home,
    overview,
    people_page,
    permission_page,
    quickstart_page,
    registrations,
    request_page,
    scope_page,
    secret_page,
    trouble_page,
)
from graphdaemon.emulator.portal.fault import PortalFault
from graphdaemon.emulator.portal.notice import Notices
from graphdaemon.emulator.portal.serve import Page, make_answer
from graphdaemon.emulator.portal.visit import PREFIX, Visit

__all__ = ["PAGES", "make_portal_routes"]

_TENANT = f"{PREFIX}/{{tenant}}"
_APPLICATIONS = f"{_TENANT}/applications"
_APPLICATION = f"{_APPLICATIONS}/{{app}}"
_CREDENTIALS = f"{_APPLICATION}/credentials"
_CERTIFICATES = f"{_CREDENTIALS}/certificates"
_PERMISSIONS = f"{_APPLICATION}/permissions"
_EXPOSURE = f"{_APPLICATION}/exposure"
_ROLES = f"{_APPLICATION}/roles"

PAGES = (
    Page("GET", PREFIX, door.enter, public=True),
    Page("GET", f"{PREFIX}/signin", door.show_sign_in, public=True),
    Page("POST", f"{PREFIX}/signin", door.sign_in, public=True),
    Page("POST", f"{PREFIX}/signout", door.sign_out),
    Page("GET", f"{PREFIX}/language", door.choose_language, public=True),
    Page("GET", f"{PREFIX}/tenants", door.list_tenants),
    Page("GET", _TENANT, home.show_home),
    Page("GET", f"{_TENANT}/users", people_page.list_users),
    Page("GET", f"{_TENANT}/users/{{user}}", people_page.show_user),
    Page("GET", f"{_TENANT}/groups", group_page.list_groups),
    Page("GET", f"{_TENANT}/groups/{{group}}", group_page.show_group),
    Page("GET", f"{_TENANT}/audit", audit_page.show_log),
    Page("POST", f"{_TENANT}/audit", audit_page.clear_log),
    Page("GET", f"{_TENANT}/audit/{{entry}}", audit_page.show_entry),
    Page("GET", f"{_TENANT}/trouble", trouble_page.show_trouble),
    Page("POST", f"{_TENANT}/trouble", trouble_page.change_trouble),
    Page("GET", _APPLICATIONS, registrations.list_registrations),
    Page("GET", f"{_APPLICATIONS}/owned", registrations.list_owned),
    Page("GET", f"{_APPLICATIONS}/new", registrations.ask_registration),
    Page("POST", f"{_APPLICATIONS}/new", registrations.create_registration),
    Page("GET", _APPLICATION, overview.show_overview),
    Page("GET", f"{_APPLICATION}/branding", overview.ask_name),
    Page("POST", f"{_APPLICATION}/branding", overview.change_name),
    Page("GET", f"{_APPLICATION}/delete", overview.ask_removal),
    Page("POST", f"{_APPLICATION}/delete", overview.remove_registration),
    Page("GET", f"{_APPLICATION}/manifest", overview.show_manifest),
    Page("GET", f"{_APPLICATION}/quickstart", quickstart_page.show_quickstart),
    Page("POST", f"{_APPLICATION}/quickstart", quickstart_page.change_quickstart),
    Page("GET", _CREDENTIALS, secret_page.list_secrets),
    Page("GET", f"{_CREDENTIALS}/secrets/new", secret_page.ask_secret),
    Page("POST", f"{_CREDENTIALS}/secrets/new", secret_page.add_secret),
    Page("GET", f"{_CREDENTIALS}/secrets/{{key}}/delete", secret_page.ask_removal),
    Page("POST", f"{_CREDENTIALS}/secrets/{{key}}/delete", secret_page.remove_secret),
    Page("GET", _CERTIFICATES, certificate_page.list_certificates),
    Page("GET", f"{_CERTIFICATES}/new", certificate_page.ask_certificate),
    Page("POST", f"{_CERTIFICATES}/new", certificate_page.add_certificate),
    Page("GET", f"{_CERTIFICATES}/{{key}}/delete", certificate_page.ask_removal),
    Page("POST", f"{_CERTIFICATES}/{{key}}/delete", certificate_page.remove_certificate),
    Page("GET", f"{_CREDENTIALS}/federated", federated_page.list_federated),
    Page("GET", f"{_CREDENTIALS}/federated/new", federated_page.ask_federated),
    Page("POST", f"{_CREDENTIALS}/federated/new", federated_page.add_federated),
    Page("GET", f"{_CREDENTIALS}/federated/{{key}}/delete", federated_page.ask_removal),
    Page("POST", f"{_CREDENTIALS}/federated/{{key}}/delete", federated_page.remove_federated),
    Page("GET", _PERMISSIONS, permission_page.show_permissions),
    Page("GET", f"{_PERMISSIONS}/add", request_page.choose_api),
    Page("GET", f"{_PERMISSIONS}/add/{{api}}", request_page.choose_permissions),
    Page("POST", f"{_PERMISSIONS}/add/{{api}}", request_page.request_permissions),
    Page("POST", f"{_PERMISSIONS}/configure", permission_page.add_granted),
    Page("GET", f"{_PERMISSIONS}/remove", permission_page.ask_removal),
    Page("POST", f"{_PERMISSIONS}/remove", permission_page.remove_permission),
    Page("GET", f"{_PERMISSIONS}/revoke", permission_page.ask_revocation),
    Page("POST", f"{_PERMISSIONS}/revoke", permission_page.revoke_permission),
    Page("GET", f"{_PERMISSIONS}/consent", permission_page.ask_consent),
    Page("POST", f"{_PERMISSIONS}/consent", permission_page.grant_consent),
    Page("GET", _EXPOSURE, exposure_page.show_exposure),
    Page("GET", f"{_EXPOSURE}/uri", exposure_page.ask_uri),
    Page("POST", f"{_EXPOSURE}/uri", exposure_page.save_uri),
    Page("POST", f"{_EXPOSURE}/uri/remove", exposure_page.remove_uri),
    Page("GET", f"{_EXPOSURE}/scopes/{{scope}}", scope_page.ask_scope),
    Page("POST", f"{_EXPOSURE}/scopes/{{scope}}", scope_page.save_scope),
    Page("GET", f"{_EXPOSURE}/scopes/{{scope}}/delete", scope_page.ask_deletion),
    Page("POST", f"{_EXPOSURE}/scopes/{{scope}}/delete", scope_page.delete_scope),
    Page("GET", f"{_EXPOSURE}/clients/{{client}}", exposure_page.ask_client),
    Page("POST", f"{_EXPOSURE}/clients/{{client}}", exposure_page.save_client),
    Page("POST", f"{_EXPOSURE}/clients/{{client}}/remove", exposure_page.remove_client),
    Page("GET", _ROLES, approle_page.show_roles),
    Page("GET", f"{_ROLES}/{{role}}", approle_page.ask_role),
    Page("POST", f"{_ROLES}/{{role}}", approle_page.save_role),
    Page("GET", f"{_ROLES}/{{role}}/delete", approle_page.ask_deletion),
    Page("POST", f"{_ROLES}/{{role}}/delete", approle_page.delete_role),
)


def make_portal_routes() -> list[BaseRoute]:
    """What answers below `/portal`, whatever the path and the method."""
    notices = Notices()
    routes: list[BaseRoute] = [
        Route(f"{PREFIX}/portal.css", asset.show_style, methods=["GET"]),
        Route(f"{PREFIX}/portal.js", asset.show_script, methods=["GET"]),
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
