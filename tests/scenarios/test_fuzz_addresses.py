import os
import random
import socket
import ssl
import sys
from collections.abc import Callable
from urllib.parse import quote, quote_from_bytes, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from entra_emulator.errors import GraphRefusal
from entra_emulator.graph.query.filter import parse_filter
from entra_emulator.graph.query.options import read_query
from entra_emulator.graph.query.page_token import open_position
from entra_emulator.graph.query.search import parse_search
from entra_emulator.tokens.jwt import MalformedTokenError, split_token
from tests.support.certificates_and_assertions import encode
from tests.support.emulator_probe import App, Probe, register
from tests.support.form_tokens import show_form
from tests.support.portal_visitor import Visitor, list_addresses
from tests.support.request_mistakes import spoil

SEED = int(os.environ.get("GRAPHDAEMON_FUZZ_SEED", "0"))
ADDRESSES = int(os.environ.get("GRAPHDAEMON_FUZZ_CASES", "10000")) // 20
FUZZ = settings(max_examples=75, suppress_health_check=list(HealthCheck))

PIECES = st.sampled_from(
    [
        *"/ ? & = % ' ( ) $ # ; : @ .. // \\ [ ] { } \" < > * + ~ , -".split(),
        *"users me $count v1.0 beta common myorganization oauth2 v2.0 token adminconsent".split(),
        *"$select $top $filter $orderby $search $skiptoken $skip $expand %24top".split(),
        *"displayName mail eq ne in not and or null true 1 -1 999 1e9 2020-01-01 any".split(),
        "contoso.example",
        "users('x')",
        "00000003-0000-0000-c000-000000000000",
        "\x00",
        "\u00e4",
        "\U0001f600",
    ]
)
TEXTS = st.lists(PIECES | st.text(max_size=8), max_size=12).map("".join)
BYTES = TEXTS.map(str.encode) | st.binary(max_size=40)


@pytest.fixture(scope="module")
def app(probe: Probe) -> App:
    return register(probe, "User.Read.All")


@pytest.fixture(scope="module")
def token(app: App) -> str:
    return app.token()


def target(data: bytes) -> str:
    return quote_from_bytes(data, safe="/?&=%'()$#;:@.+~,-").replace("#", "%23")


@pytest.fixture(scope="module")
def status(app: App, token: str) -> Callable[..., int]:
    def send(method: str, path: str, body: bytes | None = None, **headers: str) -> int:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named.setdefault("Authorization", f"Bearer {token}")
        answer = app.probe.send(method, path, headers=named, body=body)
        assert answer.status < 500 or answer.status == 501, (path, body, answer.body)
        if answer.headers["content-type"].startswith("application/json"):
            answer.json()
        return answer.status

    return send


@FUZZ
@given(data=BYTES)
def test_paths(status: Callable[..., int], data: bytes) -> None:
    """No path makes the emulator fail."""
    status("GET", "/" + target(data))


@FUZZ
@given(data=BYTES, advanced=st.booleans())
def test_queries(status: Callable[..., int], data: bytes, *, advanced: bool) -> None:
    """No query makes the emulator fail."""
    headers = {"ConsistencyLevel": "eventual"} if advanced else {}
    status("GET", "/v1.0/users?" + target(data).replace("?", "%3F"), **headers)


@FUZZ
@given(data=BYTES, name=st.sampled_from(["$filter", "$search", "$orderby", "$select", "$top"]))
def test_options(status: Callable[..., int], data: bytes, name: str) -> None:
    """No value of an option makes the emulator fail."""
    path = f"/v1.0/users?$count=true&{name}={quote_from_bytes(data)}"
    status("GET", path, ConsistencyLevel="eventual")


@FUZZ
@given(data=BYTES)
def test_keys(status: Callable[..., int], data: bytes) -> None:
    """No key makes the emulator fail."""
    status("GET", f"/v1.0/users/{quote_from_bytes(data, safe='')}")
    status("GET", f"/v1.0/users('{quote_from_bytes(data, safe='')}')")


FORM_NAMES = st.sampled_from(
    "grant_type client_id client_secret scope client_assertion client_assertion_type "
    "client-request-id decision redirect_uri state next user user_code code device_code "
    "refresh_token code_verifier code_challenge code_challenge_method response_type response_mode "
    "prompt nonce claims login_hint".split()
)


@FUZZ
@given(
    pairs=st.lists(st.tuples(FORM_NAMES, BYTES), max_size=6),
    path=st.sampled_from(
        "oauth2/v2.0/token adminconsent v2.0/adminconsent oauth2/v2.0/authorize "
        "oauth2/v2.0/devicecode signin consent".split()
    ),
    known=st.booleans(),
)
def test_forms(
    app: App, status: Callable[..., int], pairs: list[tuple[str, bytes]], path: str, *, known: bool
) -> None:
    """No form makes the token service or its pages fail."""
    body = "&".join(f"{name}={quote_from_bytes(value)}" for name, value in pairs)
    headers: dict[str, str] = {}
    if known:
        # With the token of a page that was shown, so that more than its absence is looked at.
        headers, hidden = show_form(app.probe)
        body = (
            f"{body}&token={hidden['token']}&grant_type=client_credentials&client_id={app.client_id}"
            f"&client_secret={app.secret}&scope=https://graph.microsoft.com/.default"
        )
    status("POST", f"/{app.tenant.id}/{path}", body.encode(), **headers)


@FUZZ
@given(body=st.binary(max_size=200))
def test_bodies(app: App, status: Callable[..., int], body: bytes) -> None:
    """No body makes the token service fail."""
    status("POST", app.token_path, body)


SEGMENTS = st.one_of(
    st.binary(max_size=30).map(encode),
    st.text(max_size=10),
    st.sampled_from(
        [
            encode(text.encode())
            for text in ('{"alg":"RS256","kid":"x"}', "{}", "[]", '{"alg":{}}', '{"kid":null}')
        ]
    ),
)
TOKENS = st.lists(SEGMENTS, max_size=5).map(".".join)


@FUZZ
@given(text=TOKENS)
def test_bearer_tokens(status: Callable[..., int], text: str) -> None:
    """Whatever is no token of ours is 401, and never lets anybody in."""
    ascii_only = "".join(sign for sign in text if "!" <= sign <= "~")

    assert status("GET", "/v1.0/users", Authorization=f"Bearer {ascii_only}") == 401


@FUZZ
@given(text=TOKENS)
def test_assertions(app: App, status: Callable[..., int], text: str) -> None:
    """Whatever is no assertion is refused."""
    form = app.form(client_secret=None)
    body = "&".join(f"{k}={quote_from_bytes(v.encode())}" for k, v in form.items())
    body += "&client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    body += f"&client_assertion={quote_from_bytes(text.encode())}"

    assert status("POST", app.token_path, body.encode()) in {400, 401}


@settings(max_examples=400)
@given(text=TEXTS)
def test_parsers(text: str) -> None:
    """The parsers accept or refuse, whatever they read."""
    for parse in (
        lambda: parse_filter("user", text),
        lambda: parse_search("user", text),
        lambda: read_query("user", text, eventual=True),
        lambda: open_position(b"key", b"query", 0, 1, text),
        lambda: split_token(text),
    ):
        try:
            parse()
        except (GraphRefusal, MalformedTokenError):
            continue


@pytest.mark.parametrize(
    "request_line",
    [
        b"GET /v1.0/users?$top=\xff\xfe HTTP/1.1",
        b"GET /v1.0/users('\xe4') HTTP/1.1",
        b"GET /\xff/v2.0/.well-known/openid-configuration HTTP/1.1",
        b"GET * HTTP/1.1",
        b"GET https://evil.example/v1.0/users HTTP/1.1",
        b"GET /v1.0/users HTTP/1.0",
        b"BREW /v1.0/users HTTP/1.1",
        b"GET /" + b"a" * 60_000 + b" HTTP/1.1",
    ],
    ids=range(8),
)
def test_raw_requests(app: App, request_line: bytes) -> None:
    """Requests that no library would send are answered below 500."""
    emulator = app.probe.emulator
    parts = urlsplit(emulator.url)
    tls = ssl.create_default_context(cafile=str(emulator.ca_file))
    with (
        socket.create_connection((parts.hostname, parts.port or 0), timeout=60) as plain,
        tls.wrap_socket(plain, server_hostname=parts.hostname) as secure,
    ):
        secure.sendall(request_line + b"\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = secure.recv(4096)

    assert 200 <= int(answer.split()[1]) < 500


def list_addresses_that_answer(visitor: Visitor, app: App) -> list[str]:
    """Addresses of every part of the emulator: pages, the token service, Graph."""
    tenant, client = app.tenant.id, app.client_id
    scope = "scope=https%3A%2F%2Fgraph.microsoft.com%2FUser.Read"
    service = [
        "/common/discovery/instance?api-version=1.1&authorization_endpoint=https://localhost/x",
        *(f"/{tenant}{path}/.well-known/openid-configuration" for path in ("", "/v2.0")),
        *(f"/{name}/discovery/{path}keys" for name in (tenant, "common") for path in ("", "v2.0/")),
        f"/{tenant}/signin?next=/devicelogin&q=a",
        f"/{tenant}/adminconsent?client_id={client}",
        f"/{tenant}/v2.0/adminconsent?client_id={client}&{scope}",
        "/devicelogin",
        "/common/oauth2/deviceauth",
    ]
    graph = ["/v1.0/", "/beta/$metadata", "/v1.0/users?$top=2&$select=id", "/v1.0/users/$count"]
    graph += ["/v1.0/users/delta", "/v1.0/users?$search=%22displayName:a%22&$count=true"]
    return [*list_addresses(visitor), *service, *graph]


@pytest.mark.nightly
def test_addresses_with_one_mistake_at_most(
    probe: Probe, app: App, token: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever is wrong with an address, there is an answer; and most are answered as asked."""
    draw, visitor = random.Random(SEED), Visitor(probe)
    visitor.sign_in()
    addresses = list_addresses_that_answer(visitor, app)
    headers = {
        "Authorization": f"Bearer {token}",
        "ConsistencyLevel": "eventual",
        "Cookie": "; ".join(f"{name}={value}" for name, value in visitor.cookies.items()),
    }
    accepted = 0
    for number in range(ADDRESSES):
        address = draw.choice(addresses)
        if draw.random() < 0.35:
            address = "/" + quote(spoil(draw, address), safe="/?&=%'()$;:@.+~,-").lstrip("/")
        answer = probe.send("GET", address, headers=headers)
        told = f"GRAPHDAEMON_FUZZ_SEED={SEED}, number {number}: {address}: {answer}"
        assert answer.status < 500 or answer.status == 501, told
        accepted += answer.status < 400
    with capsys.disabled():
        sys.stdout.write(f" {accepted / ADDRESSES:.0%} accepted")
    assert accepted / ADDRESSES >= 0.5
