"""The emulator's few web pages: one frame, one stylesheet, and hardly a script."""

import base64
from collections.abc import Mapping
from hashlib import sha256
from html import escape

from starlette.responses import HTMLResponse

# The colours are the portal's.
_STYLE = """
:root { color-scheme: light dark; --ground: #f6f7f9; --surface: #fff; --text: #1b2430;
  --quiet: #556070; --edge: #d5dae1; --field: #7a8594; --strong: #0a5aa8; --on-strong: #fff;
  --bar: #14304d; --on-bar: #fff; --warn: #7a4a00; --warn-tint: #fff3d9; }
@media (prefers-color-scheme: dark) { :root { --ground: #11161d; --surface: #19202a;
  --text: #e6ebf1; --quiet: #a3afbd; --edge: #323d4b; --field: #7f8b9a; --strong: #7cbcff;
  --on-strong: #06213d; --bar: #0c1a2a; --on-bar: #f2f6fa; --warn: #ffcf7a;
  --warn-tint: #38290b; } }
body { font: .9375rem/1.5 system-ui, sans-serif; margin: 0; background: var(--ground);
  color: var(--text); }
header { padding: .625rem 1rem; background: var(--bar); color: var(--on-bar); font-weight: 600; }
.notice { margin: 0; padding: .375rem 1rem; background: var(--warn-tint); color: var(--warn);
  font-size: .8125rem; text-align: center; border-bottom: 1px solid var(--edge); }
main { box-sizing: border-box; width: min(44rem, 100% - 1rem); margin: 1.5rem auto;
  padding: 1.5rem; border: 1px solid var(--edge); border-radius: .375rem;
  background: var(--surface); overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.25; font-weight: 600; margin: 0 0 1rem; }
h2 { font-size: 1.125rem; margin: 1.5rem 0 .5rem; }
dt { color: var(--quiet); } dd { margin: 0 0 .5rem; } li { margin-bottom: .5rem; }
code { font-size: .875em; }
.actions { display: flex; gap: .75rem; margin-top: 1.5rem; }
button { font: inherit; font-weight: 600; padding: .375rem 1rem; min-height: 2.25rem;
  border: 1px solid var(--field); border-radius: .375rem; background: var(--surface);
  color: inherit; cursor: pointer; }
button.main { background: var(--strong); border-color: var(--strong); color: var(--on-strong); }
label { display: block; font-weight: 600; margin-bottom: .25rem; }
label.check { font-weight: 400; }
input:not([type=checkbox], [type=hidden]) { font: inherit; color: inherit; min-width: 0;
  background: var(--surface); border: 1px solid var(--field); border-radius: .375rem;
  padding: .375rem .625rem; flex: 1 1 12rem; }
.row { display: flex; flex-wrap: wrap; gap: .75rem; }
a { color: var(--strong); }
:is(a, button, input):focus-visible { outline: .1875rem solid var(--strong);
  outline-offset: .125rem; }
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
        "</head>\n<body>\n<header>graphdaemon emulator</header>\n"
        f'<p class="notice">{_NOTICE}</p>\n<main>\n<h1>{escape(title)}</h1>\n'
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
