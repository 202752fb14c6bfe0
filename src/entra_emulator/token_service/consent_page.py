"""The pages where somebody consents, or learns that an administrator has to."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple
from urllib.parse import quote, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.model.records import Application
from entra_emulator.model.scopes import OPENID, is_restricted
from entra_emulator.token_service.requested_scopes import Missing, may_agree_for_all
from entra_emulator.web.context import context_of, origin_of
from entra_emulator.web.pages.dialog import render_dialog
from entra_emulator.web.session import SignedIn


class Wanted(NamedTuple):
    """
    A permission on a page.

    Args:
        title: what it means, in a few words.
        description: what it means, in a sentence; empty when nothing is known beyond that.
        value: its name, e.g. `User.Read`.
        api: whose it is.
        restricted: only administrators can consent to it.
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
    missing: Iterable[Missing],
    *,
    action: str,
    fields: Mapping[str, str | None],
    targets: tuple[str, ...] = (),
) -> Response:
    """
    What the application wants, and two buttons.

    Args:
        request: what is answered.
        signed_in: who is asked.
        client: who wants it.
        missing: what.
        action: where the answer goes.
        fields: what goes with it.
        targets: origins that the answer to that may redirect to.
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
        everybody=may_agree_for_all(context_of(request), signed_in.tenant, signed_in.user_id),
    )


def render_approval_needed(
    request: Request,
    signed_in: SignedIn,
    client: Application,
    missing: Iterable[Missing],
    *,
    again: str,
) -> Response:
    """
    AADSTS90094: the user learns what to ask an administrator for, and where to send one.

    Args:
        request: what is answered.
        signed_in: who may not consent.
        client: who wants it.
        missing: what.
        again: the page to try as somebody else.
    """
    missing = list(missing)
    texts = [_name_scope(one.resource, s["value"]) for one in missing for s in one.scopes]
    query = urlencode({"client_id": client.app_id, "scope": " ".join(texts)})
    return render_dialog(
        request,
        signed_in,
        "consent_refused.html",
        status=403,
        client=client,
        place=f"{origin_of(request)}/{signed_in.tenant.id}/v2.0/adminconsent?{query}",
        other=_link_other(again),
        roles=[],
        scopes=describe_scopes(missing),
    )


def describe_scopes(missing: Iterable[Missing]) -> list[Wanted]:
    """Delegated permissions, in the words for the user who is asked."""
    return [
        Wanted(
            scope["userConsentDisplayName"] or scope["value"],
            "",
            scope["value"],
            one.resource.display_name,
            is_restricted(scope),
        )
        for one in missing
        for scope in one.scopes
    ]


def _link_other(again: str) -> str:
    """The page to sign in as somebody else, and come back."""
    segment = again.split("/")[1]
    if not segment or urlsplit(again).path == "/devicelogin":
        segment = "organizations"
    return f"/{quote(segment)}/signin?{urlencode({'next': again})}"


def _name_scope(resource: Application, value: str) -> str:
    """A scope as a client asks for it."""
    if value in OPENID:
        return value
    names = [name for name in resource.record["servicePrincipalNames"] if ":" in name]
    return f"{(names or [resource.app_id])[0].rstrip('/')}/{value}"
