"""Answers to browsers: which forms are accepted, where an answer may go, and how it travels."""

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from entra_emulator.errors import refuse
from entra_emulator.model.records import Application
from entra_emulator.web.context import origin_of
from entra_emulator.web.pages.dialog import render_dialog
from entra_emulator.web.session import has_form_token
from entra_emulator.web.token_service_answers import describe_oauth

PLATFORMS = ("web", "spa", "publicClient")
# Without `[::1]`, which "Redirect URI (reply URL) restrictions and limitations" excludes.
LOOPBACK = frozenset({"localhost", "127.0.0.1"})


def is_same_origin(request: Request) -> bool:
    """
    Whether no other site made the browser send this form.

    Old browsers and programs send neither header; the token in the form protects these.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    # "none" is a page that the user opened by hand ("Fetch Metadata Request Headers").
    return site in {None, "same-origin", "none"} and origin in {None, origin_of(request)}


def check_same_origin(request: Request) -> None:
    """Raise the TokenRefusal 165000 for a form that another site made the browser send."""
    if not is_same_origin(request):
        raise refuse(165000)


def check_form(request: Request, form: Mapping[str, str]) -> None:
    """Raise the TokenRefusal 165000 for a form that no page showed in this browser."""
    if not has_form_token(request, form.get("token", "")):
        raise refuse(165000)


def list_redirects(client: Application, *platforms: str) -> list[str]:
    """The redirect URIs registered for these platforms, by default for all."""
    return [
        uri
        for platform in platforms or PLATFORMS
        for uri in client.record[platform]["redirectUris"]
    ]


def matches_redirect(registered: str, uri: str) -> bool:
    """
    Whether a redirect URI is the registered one; on the loopback its port may differ.

    Source: "Redirect URI (reply URL) restrictions and limitations", localhost exceptions.
    """
    if uri == registered:
        return True
    try:
        known, sent = urlsplit(registered), urlsplit(uri)
        sent.port  # noqa: B018 - raises when it is no number
    except ValueError:
        return False
    if known.scheme != "http" or known.hostname not in LOOPBACK or "@" in sent.netloc:
        return False
    # An empty path and "/" are the same page to a browser, which always sends the latter.
    same = sent._replace(netloc=known.netloc) == known or (
        {sent.path, known.path} <= {"", "/"} and not sent.query and not sent.fragment
    )
    return sent.scheme == "http" and sent.hostname == known.hostname and same


def list_form_origins(uri: str | None) -> tuple[str, ...]:
    """The redirect URI's origin, if it can stand in a Content-Security-Policy."""
    parts = urlsplit(uri or "")
    # Any other character could end the policy's directive and begin one of its own.
    plain = re.fullmatch(r"[a-z0-9.\[\]:-]*", parts.netloc, re.IGNORECASE)
    return (f"{parts.scheme}://{parts.netloc}",) if plain and parts.netloc else ()


def redirect(request: Request, uri: str, *, status: int = 303) -> Response:
    """Send the browser somewhere else."""
    return RedirectResponse(uri, status, describe_oauth(request, to_browser=True))


def answer_client(
    request: Request, redirect_uri: str, values: Mapping[str, str | None], mode: str
) -> Response:
    """
    Carry an answer to the application's redirect URI, which is registered.

    Values that are None are left out. The mode is "query", "fragment" or "form_post" ("OAuth 2.0
    Form Post Response Mode").
    """
    answer = {name: value for name, value in values.items() if value is not None}
    if mode == "form_post":
        # MSAL Python's listener refuses anything but this POST (its `oauth2cli/authcode.py`); in a
        # browser without scripts the page's button sends the form.
        return render_dialog(
            request,
            None,
            "form_post.html",
            form_origins=list_form_origins(redirect_uri),
            script="document.forms[0].submit()",
            action=redirect_uri,
            fields=answer,
        )
    parts = urlsplit(redirect_uri)
    if mode == "fragment":
        parts = parts._replace(fragment=urlencode(answer))
    else:
        parts = parts._replace(query="&".join(filter(None, (parts.query, urlencode(answer)))))
    return redirect(request, urlunsplit(parts), status=302)


def drop_from_prompt(uri: str, *words: str) -> str:
    """The URI without these words in its `prompt` parameter, as the user has done what they say."""
    parts = urlsplit(uri)
    pairs = []
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        kept = " ".join(word for word in value.split() if word not in words)
        if name != "prompt":
            pairs.append((name, value))
        elif kept:
            pairs.append((name, kept))
    return urlunsplit(parts._replace(query=urlencode(pairs)))
