"""The checks of the network on the way to a host: name, connection, proxy, TLS."""

import socket
import ssl
import time
from functools import partial
from typing import NamedTuple
from urllib.parse import urlsplit

from graphdaemon.diagnosis.advice import advise
from graphdaemon.doctor.finding import Check, Finding, ok, warn
from graphdaemon.doctor.state import Examination
from graphdaemon.http.certificate_authorities import make_context
from graphdaemon.http.failures import HandshakeCutError, explain_failure
from graphdaemon.http.interception import is_intercepted, name_signer
from graphdaemon.http.tls_and_proxy import authorize_proxy, find_proxy

# A daemon may wait for a minute, the default of `timeout`; a person should not, at every check.
_TIMEOUT_S = 10.0


class Destination(NamedTuple):
    """A host, and how it is reached: directly, or through a proxy."""

    host: str
    name: str
    port: int
    proxy: str | None

    @property
    def first(self) -> tuple[str, int]:
        """Name and port to connect to: the proxy's, or the host's."""
        if self.proxy is None:
            return self.name, self.port
        parts = urlsplit(self.proxy)
        return parts.hostname or "", parts.port or 80

    @property
    def first_host(self) -> str:
        """The same in one word for people, without the proxy's password."""
        name, port = self.first
        return name if self.proxy is None and port == 443 else f"{name}:{port}"


def plan_network_checks(host: str) -> list[Check]:
    """List the checks on the way to `host` (with or without a port); the last is that of TLS."""
    parts = urlsplit(f"https://{host}")
    name = parts.hostname or ""
    target = Destination(host, name, parts.port or 443, find_proxy(name))
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


def _resolve(examination: Examination, target: Destination) -> Finding:
    name, port = target.first
    # A name that no DNS name can be, such as `a..b`, raises UnicodeError instead of OSError.
    try:
        answers = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise explain_failure(error, name, _timeout(examination)) from error
    addresses = list(dict.fromkeys(str(address[0]) for *_, address in answers))
    more = f" and {len(addresses) - 1} more" if len(addresses) > 1 else ""
    words = "an address already" if addresses == [name] else f"{name} is {addresses[0]}{more}"
    if target.proxy is not None:
        words = f"{target.name} is the proxy's to resolve; {words}"
    return ok(words, addresses=addresses)


def _connect(examination: Examination, target: Destination) -> Finding:
    began = time.monotonic()
    timeout = _timeout(examination)
    try:
        examination.sockets[target.host] = socket.create_connection(target.first, timeout)
    except OSError as error:
        raise explain_failure(error, target.first_host, timeout) from error
    took_ms = (time.monotonic() - began) * 1000
    who = f"the proxy {target.first_host} " if target.proxy else ""
    return ok(f"{who}answers in {took_ms:.0f} ms", milliseconds=round(took_ms, 1))


def _tunnel(examination: Examination, target: Destination) -> Finding:
    """Ask the proxy to connect to the host; the check of TLS uses the tunnel."""
    assert target.proxy is not None, "planned only where there is a proxy"
    parts = urlsplit(target.proxy)
    address = f"{target.name}:{target.port}"
    headers = {"Host": address} | authorize_proxy(parts.username, parts.password)
    lines = [
        f"CONNECT {address} HTTP/1.1",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    connection, head = examination.sockets[target.host], b""
    try:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        # Whatever answers here may be no proxy at all: it is not listened to without end.
        while b"\r\n\r\n" not in head and len(head) < 65536 and (part := connection.recv(4096)):
            head += part
    except OSError as error:
        raise explain_failure(error, target.first_host, _timeout(examination)) from error
    status = head.partition(b"\r\n")[0].decode("latin-1").partition(" ")[2]
    if not status.startswith("2"):
        # The words of `Http11.open_tunnel`, by which `explain_failure` knows a proxy's refusal.
        words = f"Tunnel connection failed: {status or 'no answer'}"
        raise explain_failure(OSError(words), target.host, _timeout(examination))
    return ok(f"the proxy {target.first_host} leads to {target.host}", proxy=target.first_host)


def _secure(examination: Examination, target: Destination) -> Finding:
    connection = examination.sockets[target.host]
    context = make_context(examination.settings.ca_file)
    try:
        with context.wrap_socket(connection, server_hostname=target.name) as tls:
            version, certificate = tls.version(), tls.getpeercert() or {}
    except ssl.SSLCertVerificationError as error:
        # Python gives no certificate that it did not trust, so a second connection looks at it.
        signer = examination.transport.look_at_signer(target.host)
        raise explain_failure(error, target.host, _timeout(examination), signer) from error
    except (ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionError) as error:
        # A firewall that blocks by name cuts the connection when it reads the host in TLS.
        cut = HandshakeCutError("the line was cut when TLS began")
        raise explain_failure(cut, target.host, _timeout(examination)) from error
    except OSError as error:
        raise explain_failure(error, target.host, _timeout(examination)) from error
    signer = name_signer(certificate.get("issuer", ()))
    words = f"{version}, signed by {signer}"
    if is_intercepted(target.host, signer):
        advice = advise("tls_intercepted", {"host": target.name})
        return warn(f"{words}, and not for Microsoft", advice, signer=signer)
    return ok(words, signer=signer, version=version, until=certificate.get("notAfter"))


def _timeout(examination: Examination) -> float:
    return min(examination.settings.timeout, _TIMEOUT_S)
