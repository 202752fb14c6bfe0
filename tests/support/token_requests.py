"""Requests to the token endpoint that are answered with a token, and such with one mistake."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from entra_emulator.directory.directory import Directory
from entra_emulator.directory.tickets import seal
from entra_emulator.model.applications import GRAPH_APP_ID
from entra_emulator.model.records import Tenant
from tests.support.request_mistakes import spoil

Draw = random.Random
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
GRAPH = "https://graph.microsoft.com"
REDIRECT = "https://app.example/back"
# What a value of a form, or of an assertion, may be by mistake.
VALUES: tuple[Any, ...] = (
    *(
        "",
        " ",
        "0",
        "x" * 3000,
        "\x00",
        "\u00e4",
        "\ud800",
        "../..",
        "https://evil.example",
        "null",
    ),
    *("client_credentials", "refresh_token", "common", GRAPH_APP_ID, JWT_BEARER, "eyJ.e30."),
)
CLAIMS: tuple[Any, ...] = (*VALUES, None, True, 0, -1, 2**70, 1e308, [], {}, [None], {"a": []})
NAMES = (
    "grant_type client_id client_secret scope client_assertion client_assertion_type resource "
    "claims client-request-id client_info code refresh_token device_code username redirect_uri"
).split()

# Signs an assertion with these changes to its header and its claims.
Sign = Callable[[Mapping[str, Any], Mapping[str, Any]], str]


@dataclass
class Client:
    """
    A client that may use every grant.

    Args:
        signers: make its assertions.
        refresh_tokens: those that it got.
    """

    directory: Directory
    tenant: Tenant
    client_id: str
    secret: str
    user_id: str
    signers: Sequence[Sign]
    refresh_tokens: list[str] = field(default_factory=list)

    def make_code(self, number: int) -> str:
        """A code as the authorization endpoint gives it to the client."""
        code, now = f"1.AX{number}", self.directory.clock.now()
        doc = {
            "client": self.client_id,
            "redirect_uri": REDIRECT,
            "shared": False,
            "tenant": self.tenant.id,
            "user": self.user_id,
            "scope": "User.Read openid offline_access",
            "nonce": None,
            "challenge": None,
            "method": "plain",
            "at": now,
            "used": False,
        }
        self.directory.tickets.keep(seal("code", code), doc, expires=now + 600)
        return code


@dataclass
class TokenRequest:
    """A request before it is sent."""

    segment: str
    version: str
    form: dict[str, str]
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    sign: Sign | None = None
    header: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)

    def encode(self) -> dict[str, Any]:
        """The arguments with which a line sends it."""
        form = dict(self.form)
        if self.sign is not None and "client_assertion" in form:
            form["client_assertion"] = self.sign(self.header, self.claims)
        body = urlencode(form, errors="surrogatepass").encode()
        path = f"/{quote(self.segment)}/oauth2/{self.version}token".encode()
        return {"method": "POST", "path": path, "body": body, "headers": self.headers}


def make_request(draw: Draw, client: Client, number: int) -> TokenRequest:
    """A request that is answered with a token."""
    segment = draw.choice([client.tenant.id, *client.tenant.domains, client.tenant.id.upper()])
    kind = draw.choice(["app", "app", "code", "refresh"])
    request = TokenRequest(segment, "v2.0/", {"client_id": client.client_id})
    if kind == "code":
        request.form |= {
            "grant_type": "authorization_code",
            "code": client.make_code(number),
            "redirect_uri": REDIRECT,
        }
    elif kind == "refresh" and client.refresh_tokens:
        request.form["grant_type"] = "refresh_token"
        request.form["refresh_token"] = draw.choice(client.refresh_tokens)
    else:
        request.form["grant_type"] = "client_credentials"
        if draw.random() < 0.3:
            request.version = ""
            request.form["resource"] = draw.choice([GRAPH, GRAPH_APP_ID])
        else:
            request.form["scope"] = f"{draw.choice([GRAPH, GRAPH_APP_ID])}/.default"
    _prove(draw, request, client)
    if draw.random() < 0.3:
        request.form |= draw.choice([{"client_info": "1"}, {"x-client-SKU": "x"}, {"claims": "{}"}])
    return request


def _prove(draw: Draw, request: TokenRequest, client: Client) -> None:
    """One of the ways in which the client proves who it is."""
    way = draw.choice(["secret", "secret", "basic", "assertion"])
    if way == "secret":
        request.form["client_secret"] = client.secret
    elif way == "basic":
        pair = f"{client.client_id}:{quote(client.secret, safe='')}"
        encoded = base64.b64encode(pair.encode())
        request.headers.append((b"authorization", b"Basic " + encoded))
        del request.form["client_id"]
    else:
        request.sign = draw.choice(client.signers)
        request.form |= {"client_assertion_type": JWT_BEARER, "client_assertion": "signed later"}


def make_mistake(draw: Draw, request: TokenRequest) -> dict[str, Any]:
    """The arguments to send the request with, after one thing in it was made wrong."""
    kinds = [*_MISTAKES, "bytes", *(["claims", "header", "bytes"] if request.sign else [])]
    kind = draw.choice(kinds)
    if kind in _MISTAKES:
        _MISTAKES[kind](draw, request, draw.choice(sorted(request.form)))
    elif kind == "claims":
        request.claims[draw.choice("iss sub aud exp nbf iat jti scp".split())] = draw.choice(CLAIMS)
    elif kind == "header":
        request.header[draw.choice("alg typ kid x5t#S256 crit b64".split())] = draw.choice(CLAIMS)
    arguments = request.encode()
    if kind == "bytes":
        body = arguments["body"]
        at = draw.randrange(len(body) + 1)
        arguments["body"] = draw.choice([body[:at], body[at:], b"\xff=\xff", body + b"&&=&%"])
    return arguments


def _drop(_: Draw, request: TokenRequest, name: str) -> None:
    del request.form[name]


def _replace(draw: Draw, request: TokenRequest, name: str) -> None:
    request.form[name] = draw.choice(VALUES)


def _spoil(draw: Draw, request: TokenRequest, name: str) -> None:
    request.form[name] = spoil(draw, request.form[name])


def _add(draw: Draw, request: TokenRequest, _: str) -> None:
    request.form[draw.choice(NAMES)] = draw.choice(VALUES)


def _go_elsewhere(draw: Draw, request: TokenRequest, _: str) -> None:
    request.segment = draw.choice(["common", "organizations", "consumers", "x", "x.example", ".."])


def _take_another_version(draw: Draw, request: TokenRequest, _: str) -> None:
    request.version = draw.choice(["", "v2.0/"])


def _send_header(draw: Draw, request: TokenRequest, _: str) -> None:
    value = draw.choice([b"Basic QTpC", b"Basic \xff", b"Bearer x", b""])
    request.headers.append((b"authorization", value))


_MISTAKES: Mapping[str, Callable[[Draw, TokenRequest, str], None]] = {
    "drop": _drop,
    "replace": _replace,
    "spoil": _spoil,
    "add": _add,
    "segment": _go_elsewhere,
    "version": _take_another_version,
    "headers": _send_header,
}
