"""The emulator's few web pages: one frame, one stylesheet, and hardly a script."""

import base64
from collections.abc import Mapping
from hashlib import sha256
from html import escape

from starlette.responses import HTMLResponse

__all__ = ["forget_hsts", "render_fault", "render_page"]

_STYLE = """
:root { color-scheme: light dark; --edge: #8886; --strong: #0b5cab; --on-strong: #fff; }
@media (prefers-color-scheme: dark) { :root { --strong: #8cc4ff; --on-strong: #062440; } }
body { font: 1rem/1.5 system-ui, sans-serif; margin: 0; padding: 1rem; }
main { max-width: 36rem; margin: 2rem auto; padding: 1.5rem; border: 1px solid var(--edge);
  border-radius: .5rem; overflow-wrap: anywhere; }
h1 { font-size: 1.375rem; line-height: 1.25; margin: 0 0 1rem; }
h2 { font-size: 1rem; margin: 1.5rem 0 .5rem; }
dt { font-weight: 600; } dd { margin: 0 0 .5rem; } li { margin-bottom: .5rem; }
code { font-size: .875rem; }
.notice { border-left: .25rem solid var(--strong); padding-left: .75rem; }
.actions { display: flex; gap: .75rem; margin-top: 1.5rem; }
button { font: inherit; padding: .5rem 1.25rem; border: 1px solid var(--strong);
  border-radius: .25rem; background: none; color: inherit; cursor: pointer; }
label { display: block; font-weight: 600; margin-bottom: .25rem; }
label.check { font-weight: 400; }
input[type=search], input:not([type]) { font: inherit; color: inherit; background: none;
  border: 1px solid var(--edge); border-radius: .25rem; padding: .5rem; flex: 1 1 12rem;
  min-width: 0; }
.row { display: flex; flex-wrap: wrap; gap: .75rem; }
.people { list-style: none; margin: 1rem 0; padding: 0; }
.people button { display: block; width: 100%; text-align: start; border-color: var(--edge); }
.people button:hover { border-color: var(--strong); }
.people strong, .people code, .people small { display: block; overflow-wrap: anywhere; }
a { color: var(--strong); }
button.main { background: var(--strong); color: var(--on-strong); }
:is(a, button, input):focus-visible { outline: .1875rem solid; outline-offset: .125rem; }
"""

_STYLE_HASH = base64.b64encode(sha256(_STYLE.encode()).digest()).decode()

_NOTICE = (
    "This is an emulator on your own machine, not Microsoft. Nothing you do here touches a real "
    "tenant."
)


def render_page(
    title: str,
    body: str,
    *,
    status: int = 200,
    form_origins: tuple[str, ...] = (),
    script_hash: str = "",
    headers: Mapping[str, str] | None = None,
) -> HTMLResponse:
    """
    A page in the common frame.

    Args:
        title: plain text.
        body: HTML whose values are escaped already.
        status: the HTTP status.
        form_origins: where answers to its forms may redirect to; browsers
            apply `form-action` to redirects too.
        script_hash: the SHA-256, in base64, of the one script in the body that may run.
        headers: more headers.
    """
    targets = " ".join(("'self'", *form_origins))
    script = f"script-src 'sha256-{script_hash}'; " if script_hash else ""
    policy = (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; {script}base-uri 'none'; "
        f"frame-ancestors 'none'; form-action {targets}"
    )
    text = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)} - graphdaemon emulator</title>\n<style>{_STYLE}</style>\n"
        f'</head>\n<body>\n<main>\n<h1>{escape(title)}</h1>\n<p class="notice">{_NOTICE}</p>\n'
        f"{body}\n</main>\n</body>\n</html>\n"
    )
    described = {
        "Content-Security-Policy": policy,
        # Not no-referrer: browsers would then send `Origin: null` with the form.
        "Referrer-Policy": "same-origin",
        "X-Frame-Options": "DENY",
    }
    return HTMLResponse(text, status, forget_hsts(headers) | described)


def forget_hsts(headers: Mapping[str, str] | None) -> dict[str, str]:
    """
    The headers without what tells a browser to use https for this host from now on.

    On `localhost` it would, for the loopback listeners of MSAL and of everybody else.
    """
    named = dict(headers or {})
    named.pop("Strict-Transport-Security", None)
    return named


def render_fault(
    description: str, *, status: int, headers: Mapping[str, str] | None = None
) -> HTMLResponse:
    """A page that says why the token service refused."""
    body = f"<p>{escape(description)}</p>"
    return render_page("That did not work", body, status=status, headers=headers)
