"""The pages where somebody consents, or learns that an administrator has to."""

from collections.abc import Iterable, Mapping
from html import escape
from urllib.parse import quote, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import Response

from graphdaemon.emulator.aim import Missing, may_agree_for_all
from graphdaemon.emulator.browser import render_hidden
from graphdaemon.emulator.entity import Application
from graphdaemon.emulator.exchange import context_of, describe_oauth, origin_of
from graphdaemon.emulator.page import render_page
from graphdaemon.emulator.scope import OPENID, is_restricted
from graphdaemon.emulator.session import SignedIn, render_who

__all__ = ["list_scopes", "render_approval_needed", "render_consent"]


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
    everybody = ""
    if may_agree_for_all(context_of(request), signed_in.tenant, signed_in.user_id):
        everybody = (
            '<p><label class="check"><input type="checkbox" name="everybody" value="yes"> '
            "Consent on behalf of your organization</label></p>"
        )
    body = f"""{render_who(signed_in)}
<dl><dt>Application</dt><dd>{escape(client.display_name)}<br>
<code>{client.app_id}</code></dd></dl>
<h2 id="wanted">It would like to, as you</h2>
<ul aria-labelledby="wanted">{list_scopes(missing)}</ul>
<form method="post" action="{escape(action)}" aria-label="Consent">{render_hidden(fields)}
{everybody}<div class="actions"><button class="main" name="decision" value="accept">Accept</button>
<button name="decision" value="cancel">Cancel</button></div></form>"""
    return render_page(
        "Permissions requested", body, form_origins=targets, headers=describe_oauth(request)
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
    place = f"{origin_of(request)}/{signed_in.tenant.id}/v2.0/adminconsent?{query}"
    return render_page(
        "Need admin approval",
        render_who(signed_in)
        + f"""<p>{escape(client.display_name)} needs permission to access resources in
{escape(signed_in.tenant.display_name)} that only an administrator can grant. (AADSTS90094)</p>
<ul>{list_scopes(missing)}</ul>
{render_way_out(place, again)}""",
        status=403,
        headers=describe_oauth(request),
    )


def render_way_out(place: str, again: str) -> str:
    """The address to send to an administrator, and a link to sign in as one."""
    segment = again.split("/")[1]
    other = f"/{quote(segment)}/signin?{urlencode({'next': again})}"
    if not segment or urlsplit(again).path == "/devicelogin":
        other = f"/organizations/signin?{urlencode({'next': again})}"
    return f"""<p>Ask an administrator to open this address:</p>
<p><code>{escape(place)}</code></p>
<p><a href="{escape(other)}">Have an admin account? Sign in with that account</a></p>"""


def _name_scope(resource: Application, value: str) -> str:
    """A scope as a client asks for it."""
    if value in OPENID:
        return value
    names = [name for name in resource.record["servicePrincipalNames"] if ":" in name]
    return f"{(names or [resource.app_id])[0].rstrip('/')}/{value}"


def list_scopes(missing: Iterable[Missing]) -> str:
    """The scopes as list items, with what an administrator has to grant marked."""
    return "".join(
        f"<li>{escape(scope['userConsentDisplayName'] or scope['value'])}<br>"
        f"<code>{escape(scope['value'])}</code> on {escape(one.resource.display_name)}"
        f"{' (administrators only)' * is_restricted(scope)}</li>"
        for one in missing
        for scope in one.scopes
    )
