"""What every request handler works with: the emulator's parts, and who the request is for."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import urlsplit
from uuid import uuid4

from starlette.requests import Request

from entra_emulator.audit import Audit
from entra_emulator.clock import Clock
from entra_emulator.directory.directory import Directory
from entra_emulator.directory.grant_snapshots import GrantSnapshots
from entra_emulator.errors import refuse
from entra_emulator.faults.schedule import Faults
from entra_emulator.faults.throttle import Throttle
from entra_emulator.model.applications import GRAPH_APP_ID
from entra_emulator.model.records import Tenant
from entra_emulator.tokens.foreign_keys import IssuerKeys
from entra_emulator.tokens.signing import KeyRing
from entra_emulator.web.compression import Compression
from entra_emulator.web.request_notes import Trace, notes_of
from entra_emulator.web.work_queue import WorkQueue

GRAPH_RESOURCES = frozenset(
    {GRAPH_APP_ID, "https://graph.microsoft.com", "https://graph.microsoft.com/"}
)
# The host names and addresses of this machine that only this machine reaches.
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")
SHARED_TENANTS = frozenset({"common", "organizations"})

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_DNS_NAME = re.compile(r"[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+", re.IGNORECASE)
# Short and without blanks, so that a client's ID can stand in a header and in a line of a log.
_PRINTABLE = re.compile(r"[\x21-\x7e]{1,128}")


class DeltaSettings(NamedTuple):
    """
    How delta queries are cut into pages, and how long their links live.

    Args:
        page: the most objects on a page; users saw 200 (microsoft-graph-docs#5363,
            microsoft-graph-explorer-v4#1157).
        links: the most linked objects on a page; users saw a group of 9,993 members on 20 pages
            (msgraph-sdk-dotnet#574).
        age: seconds that a link lives ("Use delta query": seven days).
        gone: answer an expired link with 410 and the way to a new beginning, as after maintenance
            of a tenant, instead of 400.
    """

    page: int = 200
    links: int = 500
    age: float = 7 * 86_400.0
    gone: bool = False


@dataclass(frozen=True)
class Context:
    """
    What the handlers work with.

    Args:
        draw_lifetime: draws the lifetime of the next access token in seconds; its argument says
            whether the client handles claims challenges.
        hostnames: the names of this emulator, without port.
        page_key: signs page tokens; what else has to stay the same after a restart, such as the
            `sub` of users, is derived from it.
        page_token_age: seconds until a page token expires.
        strict_filter: refuse `ge` and `le` on strings, which the documentation no longer lists but
            public programs use.
        device_interval: seconds between two polls of a device.
        ca_pem: the certificate that clients trust this emulator by; empty if that is not known.
        work: the threads for long work.
        compression: the threads that compress answers.
        grant_snapshots: what delta queries of grants are compared with.
        rules: the year whose rules new tenants have, 2024 or 2026.
    """

    directory: Directory
    keys: KeyRing
    clock: Clock
    draw_lifetime: Callable[[bool], int]
    hostnames: frozenset[str]
    page_key: bytes
    page_token_age: float
    strict_filter: bool
    issuers: IssuerKeys
    faults: Faults
    throttle: Throttle
    audit: Audit
    device_interval: int = 5
    delta: DeltaSettings = field(default_factory=DeltaSettings)
    ca_pem: bytes = b""
    work: WorkQueue = field(default_factory=WorkQueue)
    compression: Compression = field(default_factory=Compression)
    grant_snapshots: GrantSnapshots = field(default_factory=GrantSnapshots)
    rules: int = 2026


def context_of(request: Request) -> Context:
    """The context that was handed to `create_app`."""
    context: Context = request.app.state.context
    return context


def host_name(host: str) -> str:
    """The name in a `Host` header, in small letters, without port and brackets."""
    name = host.partition("]")[0][1:] if host.startswith("[") else host.partition(":")[0]
    return name.lower()


def origin_of(request: Request) -> str:
    """The origin that the client used, e.g. `https://localhost:8443`."""
    return f"{request.scope['scheme']}://{request.headers['host']}"


def trace_of(request: Request) -> Trace:
    """
    The request's identifiers and its moment, which are set at first use.

    The client's own ID may stand in the query or the form: MSAL Node sends it nowhere else.
    """
    notes = notes_of(request.scope)
    if notes.trace is None:
        name = "client-request-id"
        sent = request.headers.get(name) or request.query_params.get(name) or notes.form.get(name)
        if sent is not None and not _PRINTABLE.fullmatch(sent):
            sent = None
        # Every recorded trace ID ends in 00.
        notes.trace = Trace(str(uuid4())[:-2] + "00", sent, context_of(request).clock.now())
    return notes.trace


def find_tenant(context: Context, segment: str, *, error: str = "invalid_request") -> Tenant | None:
    """
    The tenant that a segment of an address names; None for `common` and `organizations`.

    Raises:
        TokenRefusal: 900023, the segment can be no tenant; 90002, there is no such tenant, with
            `error` as its `error`.
    """
    if segment.lower() in SHARED_TENANTS:
        return None
    if not (is_guid(segment) or _DNS_NAME.fullmatch(segment) or segment == "consumers"):
        raise refuse(900023, tenant=segment)
    tenant = context.directory.tenants.find(segment)
    if tenant is None:
        raise refuse(90002, error=error, tenant=segment)
    return tenant


def is_guid(text: str) -> bool:
    """Whether the text is a GUID with hyphens."""
    return _GUID.fullmatch(text) is not None


def names_graph(context: Context, resource: str) -> bool:
    """
    Whether a resource identifier means Microsoft Graph.

    Azure CLI asks for a token for the emulator's own origin with a slash behind it, msgraph-sdk
    for its host name without the port.
    """
    if resource.lower() in GRAPH_RESOURCES:
        return True
    try:
        parts = urlsplit(resource)
        host = parts.hostname
    except ValueError:
        return False
    return parts.scheme == "https" and parts.path in {"", "/"} and host in context.hostnames
