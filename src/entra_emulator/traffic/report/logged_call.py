"""
What the report needs of an exchange: one call for each request, and for each request of a batch.

A call holds no token, no secret and no body: links of pages are kept as digests, which tell only
whether a later request follows them.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from hashlib import blake2b
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from entra_emulator.graph.access.cost import cost_of
from entra_emulator.graph.access.permission_table import FREE, writes
from entra_emulator.graph.access.published_paths import find_published
from entra_emulator.graph.routes import ROUTER
from entra_emulator.web.exchange import Exchange, Headers, find_header

# Azure AD Graph, which Microsoft Graph has replaced.
OLD_GRAPH = "graph.windows.net"

_TOKEN_PATH = re.compile(r"/[^/]+/oauth2/(v2\.0/)?token")
_WORD = re.compile(r"[A-Za-z]\w*")
_LITERAL = re.compile(r"'[^']*'")

_read_json = msgspec.json.Decoder(type=dict[str, Any]).decode


class AppCaller(NamedTuple):
    """Who called: an application in a tenant, by itself or for the user who is signed in."""

    app_id: str
    tenant_id: str
    delegated: bool = False


class LoggedCall(NamedTuple):
    """
    One request to Graph or to the token service, and how it was answered.

    Args:
        service: `graph`, `token`, or `other` for what is neither.
        started, ended: in seconds since 1970.
        connection: names the connection that it came on.
        method: e.g. `GET`.
        route: the path template, e.g. `/users/{key}/memberOf`; of what is not in Graph as far as
            is published, the path.
        known: the emulator serves the route, and so knows its permissions.
        version: `v1.0` or `beta`; empty for the token service.
        caller: None when its token was none that can be read.
        permissions: what the token lets it do.
        status: of the answer; 0 if the connection was broken off.
        code: of the refusal; empty without one.
        units: what it costs, in resource units; 0 for the token service.
        retry_after: the seconds that it was told to wait; None if it was not.
        throttled: the value of `x-ms-throttle-information`.
        address: digest of method, path and query.
        next_link: digest of the address of the next page; empty on a last page.
        items: how many objects the page has; None if it is no page.
        top: the `$top` that was asked for; None without one.
        properties: those in `$select`; None without it.
        filtered: the names in `$filter`, `$orderby` and `$search`.
        written: the names of the properties in the body of a change.
        key: the first key in the path, in small letters.
        made: the IDs by which the object that was created can be addressed.
        types: the types of the objects in the answer, as far as it names them.
        batched: it came within a batch.
        client: the value of the header `x-client-SKU`; library and version of token requests.
        grant: the `grant_type` of a token request.
        audience: the scope or resource of a token request.
        lifetime: the seconds that the issued token lives.
    """

    service: str
    started: float
    ended: float
    connection: str
    method: str
    route: str
    known: bool = False
    version: str = ""
    caller: AppCaller | None = None
    permissions: frozenset[str] = frozenset()
    status: int = 0
    code: str = ""
    units: int = 0
    retry_after: float | None = None
    throttled: str = ""
    address: bytes = b""
    next_link: bytes = b""
    items: int | None = None
    top: int | None = None
    properties: tuple[str, ...] | None = None
    filtered: frozenset[str] = frozenset()
    written: frozenset[str] = frozenset()
    key: str = ""
    made: tuple[str, ...] = ()
    types: frozenset[str] = frozenset()
    batched: bool = False
    client: str = ""
    grant: str = ""
    audience: str = ""
    lifetime: float = 0.0

    @property
    def refused(self) -> bool:
        """Whether the request was answered with an error, or not at all."""
        return not 0 < self.status < 400


def read_calls(exchange: Exchange) -> list[LoggedCall]:
    """The calls of an exchange: one, or those of a batch and, last, the batch itself."""
    parts = urlsplit(exchange.url)
    path = unquote(parts.path)
    if exchange.method == "POST" and _TOKEN_PATH.fullmatch(path):
        return [_read_token_call(exchange, path)]
    if parts.hostname == OLD_GRAPH:
        return [_begin(exchange, "other", f"https://{OLD_GRAPH}")]
    if ROUTER.resolve(parts.path) is None:
        return []
    call = _read_graph_call(exchange)
    inner = _open_batch(exchange) if call.route == "/$batch" else ()
    return [*(_read_graph_call(one)._replace(batched=True) for one in inner), call]


def digest_address(method: str, url: str) -> bytes:
    """
    What is the same for two addresses that mean the same request, and tells nothing else.

    Clients write next links anew, with other signs percent-encoded and options in another order.
    """
    parts = urlsplit(url)
    options = sorted(parse_qsl(parts.query, keep_blank_values=True))
    text = repr((method, unquote(parts.path).lower().rstrip("/"), options))
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _begin(exchange: Exchange, service: str, route: str) -> LoggedCall:
    """A call with what every answer has."""
    return LoggedCall(
        service,
        exchange.started,
        exchange.ended,
        exchange.connection,
        exchange.method,
        route,
        status=exchange.status,
        retry_after=_read_wait(exchange),
        throttled=find_header(exchange.response_headers, "x-ms-throttle-information"),
        client=find_header(exchange.request_headers, "x-client-sku"),
        address=digest_address(exchange.method, exchange.url),
    )


def _read_graph_call(exchange: Exchange) -> LoggedCall:
    parts = urlsplit(exchange.url)
    resolved = ROUTER.resolve(parts.path)
    assert resolved is not None, "other paths are not Graph's"
    endpoint = resolved.endpoints.get(exchange.method)
    published = find_published(resolved.path) if endpoint is None else None
    if endpoint is not None:
        route = endpoint.path
    elif published is not None and published.unknown is None:
        route = published.template
    else:
        route = resolved.path.partition("/")[2].partition("/")[2].join(("/", ""))
    options = {name.lower(): value for name, value in parse_qsl(parts.query)}
    call = _begin(exchange, "graph", route)
    answer = _read_object(exchange.response_body)
    page = answer.get("value")
    caller, permissions = _identify(exchange.caller)
    return call._replace(
        known=endpoint is not None and route not in FREE and not endpoint.public,
        version=resolved.path.split("/")[1],
        caller=caller,
        permissions=permissions,
        code=_read_code(answer) if call.refused else "",
        units=0 if route in FREE else cost_of(exchange.method, route, options),
        next_link=_digest_link(answer.get("@odata.nextLink")),
        items=len(page) if isinstance(page, list) and exchange.method == "GET" else None,
        top=_read_number(options.get("$top")),
        properties=_split(options["$select"]) if "$select" in options else None,
        filtered=_find_names(options),
        written=_find_written(exchange, route),
        key=next((key.lower() for key in resolved.keys.values()), ""),
        made=_find_made(exchange, answer),
        types=_find_types(answer, page),
    )


def _read_token_call(exchange: Exchange, path: str) -> LoggedCall:
    form = dict(parse_qsl(exchange.request_body.decode("latin-1")))
    answer = _read_object(exchange.response_body)
    version = "/oauth2/v2.0/token" if "/v2.0/" in path else "/oauth2/token"
    call = _begin(exchange, "token", f"/{{tenant}}{version}")
    numbers = answer.get("error_codes")
    number = numbers[0] if isinstance(numbers, list) and numbers else ""
    error = f"AADSTS{number}" if number else str(answer.get("error", ""))
    return call._replace(
        caller=AppCaller(form.get("client_id", "").lower(), path.split("/")[1].lower()),
        code=error if call.refused else "",
        client=call.client or form.get("x-client-SKU", ""),
        grant=form.get("grant_type", ""),
        audience=form.get("scope") or form.get("resource", ""),
        lifetime=float(_read_number(str(answer.get("expires_in", ""))) or 0),
    )


def _identify(claims: Mapping[str, Any]) -> tuple[AppCaller | None, frozenset[str]]:
    app_id, tenant_id = claims.get("appid") or claims.get("azp"), claims.get("tid")
    if not isinstance(app_id, str) or not isinstance(tenant_id, str):
        return None, frozenset()
    scopes, roles = claims.get("scp"), claims.get("roles")
    if isinstance(scopes, str):
        return AppCaller(app_id, tenant_id, delegated=True), frozenset(scopes.split())
    names = roles if isinstance(roles, list) else ()
    return AppCaller(app_id, tenant_id), frozenset(map(str, names))


def _open_batch(exchange: Exchange) -> Iterator[Exchange]:
    """The requests of a batch as exchanges of their own."""
    sent = _read_object(exchange.request_body).get("requests")
    answered = _read_object(exchange.response_body).get("responses")
    answers = {
        str(one.get("id")): one for one in _list_objects(answered if exchange.status == 200 else ())
    }
    version = "/".join(exchange.url.split("?")[0].rstrip("/").split("/")[:-1])
    for request in _list_objects(sent):
        answer = answers.get(str(request.get("id")))
        url = request.get("url")
        if answer is None or not isinstance(url, str):
            continue
        one = exchange._replace(
            method=str(request.get("method", "GET")).upper(),
            url=f"{version}/{url.lstrip('/')}",
            request_body=msgspec.json.encode(request.get("body")),
            status=_read_number(str(answer.get("status"))) or 0,
            response_headers=_list_headers(answer.get("headers")),
            response_body=msgspec.json.encode(answer.get("body")),
        )
        if ROUTER.resolve(urlsplit(one.url).path) is not None:
            yield one


def _list_objects(value: Any) -> list[dict[str, Any]]:
    items = value if isinstance(value, list | tuple) else ()
    return [item for item in items if isinstance(item, dict)]


def _list_headers(value: Any) -> Headers:
    items = value.items() if isinstance(value, dict) else ()
    return tuple((str(name).lower(), str(text)) for name, text in items)


def _read_object(body: bytes) -> dict[str, Any]:
    """A JSON object; an empty one if it is something else, or broken."""
    try:
        return _read_json(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}


def _read_wait(exchange: Exchange) -> float | None:
    """The seconds of `Retry-After`, which may state a date instead (RFC 9110, 10.2.3)."""
    text = find_header(exchange.response_headers, "retry-after").strip()
    number = _read_number(text)
    if number is not None or not text:
        return None if number is None else float(number)
    try:
        moment: datetime = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, moment.timestamp() - exchange.ended)


def _read_number(text: str | None) -> int | None:
    # Nine digits are more than any number here means.
    return int(text[:9]) if text and text.isascii() and text.isdigit() else None


def _read_code(answer: Mapping[str, Any]) -> str:
    error = answer.get("error")
    return str(error.get("code", "")) if isinstance(error, dict) else ""


def _digest_link(link: Any) -> bytes:
    return digest_address("GET", link) if isinstance(link, str) else b""


def _split(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _find_names(options: Mapping[str, str]) -> frozenset[str]:
    """The words in conditions and orders that may be properties, without the literals."""
    texts = (options.get(name, "") for name in ("$filter", "$orderby"))
    names = {word for text in texts for word in _WORD.findall(_LITERAL.sub("", text))}
    return frozenset(names | {part.partition(":")[0] for part in _list_searches(options)})


def _list_searches(options: Mapping[str, str]) -> list[str]:
    return re.findall(r'"(\w+:)', options.get("$search", ""))


def _find_written(exchange: Exchange, route: str) -> frozenset[str]:
    if exchange.method not in {"PATCH", "POST", "PUT"} or not writes(exchange.method, route):
        return frozenset()
    names = _read_object(exchange.request_body)
    return frozenset(name for name in names if "@" not in name)


def _find_made(exchange: Exchange, answer: Mapping[str, Any]) -> tuple[str, ...]:
    if exchange.method != "POST" or exchange.status != 201:
        return ()
    keys = (answer.get("id"), answer.get("appId"))
    return tuple(key.lower() for key in keys if isinstance(key, str))


def _find_types(answer: Mapping[str, Any], page: Any) -> frozenset[str]:
    objects = _list_objects(page) if isinstance(page, list) else [dict(answer)]
    # What is expanded stands within the objects.
    inside = [value for one in objects for value in one.values() if isinstance(value, list | dict)]
    expanded = [one for value in inside for one in _list_objects(value)]
    expanded += [value for value in inside if isinstance(value, dict)]
    # Of what changed among links, only the IDs are told; they need no permission of their own.
    objects += [one for one in expanded if one.keys() - {"@odata.type", "@removed", "id"}]
    named = {str(one.get("@odata.type", "")) for one in objects}
    return frozenset(name.removeprefix("#microsoft.graph.") for name in named if name)
