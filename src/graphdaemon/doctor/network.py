"""The checks of the network on the way to a host: name, connection, proxy, TLS."""

import contextlib
import socket
import ssl
import time
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import NamedTuple
from urllib.parse import urlsplit

from graphdaemon.diagnosis.advice import advise
from graphdaemon.doctor.finding import Check, Finding, ok, warn
from graphdaemon.doctor.state import Examination
from graphdaemon.errors import SettingsError
from graphdaemon.http.certificate_authorities import make_context
from graphdaemon.http.failures import FAILURES, explain_failure
from graphdaemon.http.interception import is_intercepted, name_signer
from graphdaemon.http.limits import Limits
from graphdaemon.http.proxy import Proxy, find_proxy
from graphdaemon.http.tunnel import Way, begin_tls, blame_proxy, pass_proxy

# A daemon may wait for a minute, the default of `timeout`; a person should not, at every check.
_TIMEOUT_S = 10.0


class Destination(NamedTuple):
    """A host, and whether it is reached directly or through a proxy."""

    host: str
    name: str
    port: int
    proxy: Proxy | None

    @property
    def first(self) -> tuple[str, int]:
        """The name and port to connect to: those of the proxy or of the host."""
        if self.proxy is None:
            return self.name, self.port
        return self.proxy.host, self.proxy.port

    def blame(self, seconds: float) -> AbstractContextManager[None]:
        """Attribute a failure before the tunnel exists to the proxy, if there is one."""
        return nullcontext() if self.proxy is None else blame_proxy(self.proxy, seconds)


def plan_network_checks(host: str) -> list[Check]:
    """List the checks on the way to `host` (with or without a port); the last is that of TLS."""
    parts = urlsplit(f"https://{host}")
    name, port = parts.hostname or "", parts.port or 443
    try:
        proxy = find_proxy(name, port)
    except SettingsError as error:
        return _plan_unknown_way(host, error)
    target = Destination(host, name, port, proxy)
    checks = [
        Check("dns", partial(_resolve, target=target), host=host),
        Check("tcp", partial(_connect, target=target), (f"dns {host}",), host),
    ]
    before = f"tcp {host}"
    if target.proxy is not None:
        checks.append(Check("proxy", partial(_tunnel, target=target), (before,), host))
        before = f"proxy {host}"
    checks.append(Check("tls", partial(_secure, target=target), (before,), host))
    return checks


def _plan_unknown_way(host: str, error: SettingsError) -> list[Check]:
    """The proxy setting cannot be read, so it is not known where to connect."""

    def refuse(_: Examination) -> Finding:
        raise error

    first = Check("proxy", refuse, host=host)
    return [first, *(Check(name, refuse, (first.key,), host) for name in ("dns", "tcp", "tls"))]


def _resolve(examination: Examination, target: Destination) -> Finding:
    name, port = target.first
    # A name that no DNS name can be, such as `a..b`, raises UnicodeError instead of OSError.
    try:
        with target.blame(_timeout(examination)):
            answers = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise explain_failure(error, target.host, _timeout(examination)) from error
    addresses = list(dict.fromkeys(str(address[0]) for *_, address in answers))
    more = f" and {len(addresses) - 1} more" if len(addresses) > 1 else ""
    words = (
        "an address already"
        if addresses == [name]
        else (f"{name} has the address {addresses[0]}{more}")
    )
    if target.proxy is not None:
        words = f"the proxy resolves {target.name}; {words}"
    return ok(words, addresses=addresses)


def _connect(examination: Examination, target: Destination) -> Finding:
    began = time.monotonic()
    timeout = _timeout(examination)
    try:
        with target.blame(timeout):
            connection = socket.create_connection(target.first, timeout)
    except OSError as error:
        raise explain_failure(error, target.host, timeout) from error
    examination.sockets[target.host] = connection
    took_ms = (time.monotonic() - began) * 1000
    who = f"the proxy {target.proxy.address} " if target.proxy else ""
    return ok(f"{who}answers in {took_ms:.0f} ms", milliseconds=round(took_ms, 1))


def _tunnel(examination: Examination, target: Destination) -> Finding:
    """Ask the proxy to connect to the host; the check of TLS uses the tunnel."""
    assert target.proxy is not None, "planned only where there is a proxy"
    seconds = _timeout(examination)

    def keep(sock: socket.socket) -> None:
        examination.sockets[target.host] = sock

    way = Way(make_context(examination.settings.ca_file), Limits(), seconds, time.monotonic, keep)
    connection = examination.sockets[target.host]
    try:
        keep(pass_proxy(connection, target.proxy, target.name, target.port, way))
    except FAILURES as error:
        raise explain_failure(error, target.host, seconds) from error
    proxy = target.proxy.address
    return ok(f"the proxy {proxy} leads to {target.host}", proxy=proxy)


def _secure(examination: Examination, target: Destination) -> Finding:
    connection = examination.sockets[target.host]
    context = make_context(examination.settings.ca_file)

    def keep(sock: socket.socket) -> None:
        examination.sockets[target.host] = sock

    try:
        with contextlib.closing(begin_tls(connection, context, target.name, keep)) as tls:
            version, certificate = tls.version(), tls.getpeercert() or {}
    except ssl.SSLCertVerificationError as error:
        # Python gives no certificate that it did not trust, so a second connection looks at it.
        signer = examination.transport.look_at_signer(target.host)
        raise explain_failure(error, target.host, _timeout(examination), signer) from error
    except OSError as error:
        # Cut: a firewall that blocks by name does so when it reads the host in TLS.
        raise explain_failure(error, target.host, _timeout(examination)) from error
    signer = name_signer(certificate.get("issuer", ()))
    words = f"{version}, signed by {signer}"
    if is_intercepted(target.host, signer):
        advice = advise("tls_intercepted", {"host": target.name})
        return warn(f"{words}, which does not sign for Microsoft", advice, signer=signer)
    return ok(words, signer=signer, version=version, until=certificate.get("notAfter"))


def _timeout(examination: Examination) -> float:
    return min(examination.settings.timeout, _TIMEOUT_S)
