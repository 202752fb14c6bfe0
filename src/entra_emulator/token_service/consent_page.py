"""The pages where a user consents, or learns that an administrator has to."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple
from urllib.parse import quote, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.model.records import Application
from entra_emulator.model.scopes import OPENID, is_restricted
from entra_emulator.token_service.requested_scopes import MissingConsent, may_consent_for_all
from entra_emulator.web.context import context_of, origin_of
from entra_emulator.web.pages.dialog import render_dialog
from entra_emulator.web.session import SignedIn


class ShownPermission(NamedTuple):
    """
    A permission as a page shows it, e.g. `User.Read`, with the name of its API.

    The description is empty if the title is enough. Only administrators can consent to a restricted
    permission.
    """

    title: str
    description: str
    value: str
    api: str
    restricted: bool = False


def render_consent(
    request: Request,
    signed_in: SignedIn,
    client: Application,
    missing: Iterable[MissingConsent],
    *,
    action: str,
    fields: Mapping[str, str],
    targets: tuple[str, ...],
) -> Response:
    """
    The permissions that an application asks the user for, and two buttons.

    The form is sent to the address `action` with hidden fields; the answer to it may redirect to
    the origins `targets`.
    """
    return render_dialog(
        request,
        signed_in,
        "agreement.html",
        form_origins=targets,
        client=client,
        scopes=describe_scopes(missing),
        action=action,
        fields=fields,
        everybody=may_consent_for_all(context_of(request), signed_in.tenant, signed_in.user_id),
    )


def render_approval_needed(
    request: Request,
    signed_in: SignedIn,
    client: Application,
    missing: Iterable[MissingConsent],
    *,
    again: str,
) -> Response:
    """
    The page of AADSTS90094, which shows what an administrator has to consent to, and where.

    Signing in as somebody else leads back to the page `again`.
    """
    missing = list(missing)
    texts = [
        _name_scope(consent.resource, scope["value"])
        for consent in missing
        for scope in consent.scopes
    ]
    query = urlencode({"client_id": client.app_id, "scope": " ".join(texts)})
    return render_consent_refused(
        request,
        signed_in,
        client,
        consent_address=f"{origin_of(request)}/{signed_in.tenant.id}/v2.0/adminconsent?{query}",
        again=again,
        roles=[],
        scopes=describe_scopes(missing),
    )


def render_consent_refused(
    request: Request,
    signed_in: SignedIn,
    client: Application,
    *,
    consent_address: str,
    again: str,
    roles: list[ShownPermission],
    scopes: list[ShownPermission],
) -> Response:
    """The page of AADSTS90094; an administrator may consent at `consent_address`."""
    return render_dialog(
        request,
        signed_in,
        "consent_refused.html",
        status=403,
        client=client,
        consent_address=consent_address,
        sign_in_address=link_sign_in(again),
        roles=roles,
        scopes=scopes,
    )


def describe_scopes(missing: Iterable[MissingConsent]) -> list[ShownPermission]:
    """Delegated permissions, with their titles and descriptions for users."""
    return [
        ShownPermission(
            scope["userConsentDisplayName"] or scope["value"],
            "",
            scope["value"],
            consent.resource.display_name,
            is_restricted(scope),
        )
        for consent in missing
        for scope in consent.scopes
    ]


def link_sign_in(again: str) -> str:
    """The address of the page to sign in as somebody else, which leads back to `again`."""
    segment = again.split("/")[1]
    # The page for devices is the same for all tenants, so its address names none.
    if not segment or urlsplit(again).path == "/devicelogin":
        segment = "organizations"
    return f"/{quote(segment)}/signin?{urlencode({'next': again})}"


def _name_scope(resource: Application, value: str) -> str:
    """A scope with its resource, as a client writes it."""
    if value in OPENID:
        return value
    # Only identifier URIs contain a colon; a client ID would mean nothing to an administrator.
    names = [name for name in resource.record["servicePrincipalNames"] if ":" in name]
    return f"{(names or [resource.app_id])[0].rstrip('/')}/{value}"
