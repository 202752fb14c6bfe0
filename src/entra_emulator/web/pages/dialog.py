"""Pages of the token service, which look like the portal's: one question, and no menu."""

import base64
import secrets
from hashlib import sha256
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.web.context import context_of
from entra_emulator.web.pages.render import HEADERS, render
from entra_emulator.web.pages.request import PageRequest
from entra_emulator.web.session import SignedIn, find_form_secret, remember_visitor
from entra_emulator.web.token_service_answers import describe_oauth


def render_dialog(
    request: Request,
    signed_in: SignedIn | None,
    template: str,
    *,
    status: int = 200,
    code: int = 0,
    form_origins: tuple[str, ...] = (),
    script: str = "",
    **values: Any,
) -> Response:
    """
    A page of the token service, from a file in templates/, which escapes each of the values.

    Args:
        request: what is answered.
        signed_in: who is signed in; None if nobody is.
        template: the name of the file.
        status: the HTTP status.
        code: the AADSTS number of the error that the page explains; a header names it too.
        form_origins: where the answer to the page's form may redirect to: browsers apply
            `form-action` to redirects too.
        script: the only script that may run; the template has to show it exactly so.
        values: what the template shows.
    """
    secret = find_form_secret(request, signed_in)
    session = secret or secrets.token_urlsafe(32)
    page = PageRequest(request, context_of(request), signed_in, session)
    response = render(page, template, status=status, script=script, **values)
    if not secret:
        remember_visitor(response, session)
    digest = base64.b64encode(sha256(script.encode()).digest()).decode()
    allowed = f"script-src 'sha256-{digest}'; " if script else ""
    targets = " ".join(("form-action 'self'", *form_origins))
    policy = HEADERS["Content-Security-Policy"].replace("script-src 'self'; ", allowed)
    response.headers.update(describe_oauth(request, code=code, to_browser=True))
    response.headers["Content-Security-Policy"] = policy.replace("form-action 'self'", targets)
    if script:  # the form that posts itself must not part a popup from the page that opened it
        del response.headers["Cross-Origin-Opener-Policy"]
    return response
