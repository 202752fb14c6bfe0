"""Admin consent: a page that grants an application what it asks for.

There is no sign-in: whoever opens the page acts as the tenant's Global
Administrator, and the page says so.
"""

import re
from collections.abc import Mapping
from html import escape
from typing import NamedTuple
from urllib.parse import quote, urlencode, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from graphdaemon.emulator.entity import Application, Tenant
from graphdaemon.emulator.errors import refuse
from graphdaemon.emulator.exchange import (
    Context,
    context_of,
    describe_fault,
    describe_oauth,
    find_tenant,
    origin_of,
    read_form,
)
from graphdaemon.emulator.page import render_page

__all__ = ["answer_consent", "ask_consent"]


class Question(NamedTuple):
    """A question that makes sense: who asks, in which tenant, and where to go afterwards."""

    tenant: Tenant
    application: Application
    redirect_uri: str | None
    state: str | None


def ask_consent(request: Request) -> Response:
    """`GET /{tenant}/adminconsent`: what the application asks for, and two buttons."""
    context = context_of(request)
    asked = _read_question(context, request.path_params["tenant"], request.query_params)
    permissions = "".join(
        f"<li>{escape(p.display_name)}<br><code>{escape(p.value)}</code> "
        f"on {escape(p.resource)}</li>"
        for p in context.directory.requested_permissions(asked.tenant, asked.application.app_id)
    )
    hidden = {
        "client_id": asked.application.app_id,
        "redirect_uri": asked.redirect_uri,
        "state": asked.state,
    }
    fields = "".join(
        f'<input type="hidden" name="{name}" value="{escape(value)}">'
        for name, value in hidden.items()
        if value is not None
    )
    action = escape(quote(request.scope["path"]))
    body = f"""
<dl>
<dt>Application</dt><dd>{escape(asked.application.display_name)}<br>
<code>{asked.application.app_id}</code></dd>
<dt>Tenant</dt><dd>{escape(asked.tenant.display_name)}<br><code>{asked.tenant.id}</code></dd>
<dt>You act as</dt><dd>Global Administrator of {escape(asked.tenant.display_name)}; the emulator
asks nobody to sign in here</dd>
</dl>
<h2 id="wanted">It asks for these application permissions</h2>
<ul aria-labelledby="wanted">{permissions or "<li>None: it has not been given any yet.</li>"}</ul>
<p>If you accept, the application holds them in the whole tenant, with nobody signed in. Tokens
it already has do not change.</p>
<form method="post" action="{action}" aria-label="Admin consent">{fields}
<div class="actions"><button class="main" name="decision" value="accept">Accept</button>
<button name="decision" value="cancel">Cancel</button></div>
</form>"""
    targets = () if asked.redirect_uri is None else _form_target(asked.redirect_uri)
    return render_page(
        "Permissions requested", body, form_origins=targets, headers=describe_oauth(request)
    )


async def answer_consent(request: Request) -> Response:
    """`POST /{tenant}/adminconsent`: grant, or not, and go back to the application."""
    _check_same_origin(request)
    form = await read_form(request)
    return await run_in_threadpool(_decide, request, form)


def _decide(request: Request, form: Mapping[str, str]) -> Response:
    context = context_of(request)
    asked = _read_question(context, request.path_params["tenant"], form)
    if form.get("decision") == "accept":
        context.directory.grant_admin_consent(asked.tenant, asked.application.app_id)
        # The keys and their order of a real redirect (azure-docs#114009).
        answer = {"tenant": asked.tenant.id, "state": asked.state, "admin_consent": "True"}
    else:
        fault = describe_fault(request, refuse(65004))
        answer = {
            "error": fault["error"],
            "error_description": fault["error_description"],
            "error_uri": fault["error_uri"],
            "admin_consent": "True",  # present on failures too
            "state": asked.state,
        }
    headers = describe_oauth(request)
    if asked.redirect_uri is not None:
        query = urlencode({k: v for k, v in answer.items() if v is not None})
        joint = "&" if "?" in asked.redirect_uri else "?"
        return RedirectResponse(f"{asked.redirect_uri}{joint}{query}", 303, headers)
    if "error" in answer:
        return render_page("Nothing was granted", "<p>You declined.</p>", headers=headers)
    name, tenant = escape(asked.application.display_name), escape(asked.tenant.display_name)
    body = f"<p>{name} now holds the permissions it asked for in {tenant}.</p>"
    return render_page("Permissions granted", body, headers=headers)


def _read_question(context: Context, segment: str, values: Mapping[str, str]) -> Question:
    tenant = find_tenant(context, segment)
    if tenant is None:
        tenants = context.directory.tenants()
        if len(tenants) != 1:
            raise refuse(50059)
        (tenant,) = tenants
    client_id = values.get("client_id")
    if not client_id:
        raise refuse(900144, field="client_id")
    application = context.directory.registration(client_id)
    if application is None or not _may_enter(context, application, tenant):
        raise refuse(700016, app=client_id, tenant=tenant.display_name)
    redirect_uri = values.get("redirect_uri") or None
    if redirect_uri is not None and not _is_registered(application, redirect_uri):
        raise refuse(50011, uri=redirect_uri, app=application.app_id)
    return Question(tenant, application, redirect_uri, values.get("state"))


def _may_enter(context: Context, application: Application, tenant: Tenant) -> bool:
    if context.directory.service_principal(tenant, application.app_id) is not None:
        return True
    return bool(application.record["signInAudience"] != "AzureADMyOrg")


def _is_registered(application: Application, redirect_uri: str) -> bool:
    """Whether a redirect URI is a registered one, or has more path segments behind one.

    Source: "Admin consent on the Microsoft identity platform" allows the segments.
    """
    record = application.record
    registered = [
        uri for place in ("web", "spa", "publicClient") for uri in record[place]["redirectUris"]
    ]
    if redirect_uri in registered:
        return True
    plain = not any(sign in redirect_uri for sign in ("..", "\\", "?", "#", "@", "%", ";"))
    return plain and any(redirect_uri.startswith(uri.rstrip("/") + "/") for uri in registered)


def _check_same_origin(request: Request) -> None:
    """Refuse a form that another site made the browser send.

    Programs send neither header, and need no protection from themselves.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site not in {None, "same-origin", "none"} or origin not in {None, origin_of(request)}:
        raise refuse(165000)


def _form_target(uri: str) -> tuple[str, ...]:
    """The redirect URI's origin, if it can stand in a Content-Security-Policy."""
    parts = urlsplit(uri)
    plain = re.fullmatch(r"[a-z0-9.\[\]:-]*", parts.netloc, re.IGNORECASE)
    return (f"{parts.scheme}://{parts.netloc}",) if plain and parts.netloc else ()
