"""
The socket: one TLS configuration, one proxy rule and one timeout for token service and Graph.

Blocking ``http.client`` connections driven by daemon threads: measured against other stacks it
starts in a third of their time and costs no more per page (docs/decisions/0002).
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import os
import queue
import socket
import ssl
import sys
import threading
import zlib
from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import NamedTuple, TypeVar
from urllib.parse import unquote, urlsplit

from graphdaemon import __version__
from graphdaemon.errors import NetworkError, SettingsError

T = TypeVar("T")

_CONNECT_TIMEOUT_S = 10.0
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Response(NamedTuple):
    """An answer, read to its end; header names are found in any case."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes


class _Connection(http.client.HTTPSConnection):
    """A connection that remembers that it was broken off on purpose."""

    aborted = False

    def is_open(self) -> bool:
        sock: socket.socket | None = self.sock
        return sock is not None

    def abort(self) -> None:
        """End whatever another thread is doing with it."""
        self.aborted = True
        if self.is_open():
            # Not SSLSocket.shutdown: another thread is reading, and only the plain one leaves TLS
            # alone. Already closed is what was wanted.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self.sock, socket.SHUT_RDWR)


class Transport:
    """
    Sends requests and keeps connections open between them.

    Args:
        ca_file: Certificate authorities to trust besides the system's.
        timeout: Seconds to wait for the host at any one step.
    """

    def __init__(self, *, ca_file: Path | None = None, timeout: float = 60) -> None:
        self._ca_file = ca_file
        self._timeout = timeout
        self._idle: dict[str, list[_Connection]] = defaultdict(list)
        self._busy: set[_Connection] = set()
        self._lock = threading.Lock()
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._workers = 0
        self._idle_workers = 0

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> Response:
        """Do what ``exchange`` does without blocking the event loop; cancelling drops the line."""
        taken: list[_Connection] = []
        try:
            return await self.run(partial(self.exchange, method, url, headers, body, taken))
        except asyncio.CancelledError:
            for connection in taken:
                connection.abort()
            raise

    def exchange(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
        taken: list[_Connection] | None = None,
    ) -> Response:
        """
        Send one request and read the whole answer, whatever its status; redirects are answers.

        ``taken`` receives the connection in use, for whoever may want to abort it.

        Raises:
            NetworkError: No answer, or only part of one.
        """
        parts = urlsplit(url)
        host = parts.netloc
        connection, reused = self._take(host)
        if taken is not None:
            taken.append(connection)
        target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        sent = {"User-Agent": f"graphdaemon/{__version__}", "Accept-Encoding": "gzip", **headers}
        try:
            try:
                response = self._attempt(connection, method, target, sent, body)
            except (http.client.RemoteDisconnected, ConnectionError):
                if not reused or connection.aborted:
                    raise
                # The host closed an idle connection just as we used it again.
                connection.close()
                response = self._attempt(connection, method, target, sent, body)
        except (OSError, http.client.HTTPException, zlib.error, EOFError) as error:
            self._drop(connection)
            raise _explain(error, host, self._timeout) from error
        except BaseException:
            self._drop(connection)
            raise
        self._give_back(host, connection)
        return response

    async def run(self, call: Callable[[], T]) -> T:
        """
        Run blocking work on a daemon thread.

        An executor's threads would keep a stopped program alive until the last host answered.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def work() -> None:
            try:
                outcome = partial(_set_result, future, call())
            except BaseException as error:  # noqa: BLE001  whatever it is belongs to the awaiter
                outcome = partial(_set_exception, future, error)
            # The loop may have ended meanwhile: nobody waits for the outcome then.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(outcome)

        with self._lock:
            if self._idle_workers:
                self._idle_workers -= 1
            else:
                self._workers += 1
                threading.Thread(target=self._work, daemon=True, name="graphdaemon").start()
            self._jobs.put(work)
        return await future

    def close(self) -> None:
        """Close every connection, also those in use, and let the threads end."""
        with self._lock:
            idle = [one for connections in self._idle.values() for one in connections]
            self._idle.clear()
            for _ in range(self._workers):
                self._jobs.put(None)
        for connection in idle:
            connection.close()
        for connection in list(self._busy):
            connection.abort()

    def _work(self) -> None:
        while job := self._jobs.get():
            job()
            with self._lock:
                self._idle_workers += 1

    def _attempt(
        self,
        connection: _Connection,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes | None,
    ) -> Response:
        if not connection.is_open():
            connection.connect()
            connection.sock.settimeout(self._timeout)
        connection.request(method, target, body=body, headers=dict(headers))
        answer = connection.getresponse()
        content = answer.read()
        if answer.headers.get("Content-Encoding", "").lower() == "gzip" and content:
            content = _gunzip(content)
        if answer.will_close:
            connection.close()
        return Response(answer.status, answer.headers, content)

    def _take(self, host: str) -> tuple[_Connection, bool]:
        with self._lock:
            idle = self._idle[host]
            connection = idle.pop() if idle else None
            reused = connection is not None and connection.is_open()
            if connection is None:
                connection = self._connection(host)
            self._busy.add(connection)
        return connection, reused

    def _give_back(self, host: str, connection: _Connection) -> None:
        with self._lock:
            self._busy.discard(connection)
            self._idle[host].append(connection)

    def _drop(self, connection: _Connection) -> None:
        with self._lock:
            self._busy.discard(connection)
        connection.close()

    def _connection(self, host: str) -> _Connection:
        parts = urlsplit(f"https://{host}")
        name, port = parts.hostname or "", parts.port or 443
        timeout = min(self._timeout, _CONNECT_TIMEOUT_S)
        proxy = _find_proxy(name)
        if proxy is None:
            return _Connection(name, port, timeout=timeout, context=self._context)
        via = urlsplit(proxy)
        connection = _Connection(
            via.hostname or "", via.port or 80, timeout=timeout, context=self._context
        )
        connection.set_tunnel(name, port, headers=_proxy_authorization(via.username, via.password))
        return connection

    @cached_property
    def _context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        _trust_system(context)
        # Companies whose proxy re-signs TLS set this variable for every Python program.
        for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
            bundle = os.environ.get(variable)
            if bundle and bundle != os.environ.get("SSL_CERT_FILE") and Path(bundle).is_file():
                context.load_verify_locations(cafile=bundle)
        if self._ca_file is not None:
            _trust_file(context, self._ca_file)
        return context


def _trust_system(context: ssl.SSLContext) -> None:
    paths = ssl.get_default_verify_paths()
    chosen = paths.openssl_cafile_env in os.environ or paths.openssl_capath_env in os.environ
    hashed = bool(paths.capath) and any(Path(paths.capath).glob("*.0"))
    if hashed and paths.openssl_cafile_env not in os.environ:
        # A hashed folder is read on demand; parsing the whole bundle costs every start 60 ms.
        context.load_verify_locations(capath=paths.capath)
        return
    context.load_default_certs()
    if not chosen and not context.cert_store_stats()["x509_ca"]:
        # python.org's builds for macOS bring no certificates; requests, hence msal, brings these.
        import certifi

        context.load_verify_locations(cafile=certifi.where())


def _trust_file(context: ssl.SSLContext, ca_file: Path) -> None:
    try:
        context.load_verify_locations(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        missing = isinstance(error, FileNotFoundError)
        raise SettingsError(
            f"ca_file {ca_file} "
            + ("does not exist" if missing else "cannot be read as PEM certificates"),
            code="ca_file_unreadable",
            hint="Name a PEM file that holds the certificate authority's own certificate.",
        ) from None


def _find_proxy(host: str) -> str | None:
    if host in _LOOPBACK:
        return None
    set_here = any(name.lower() in ("https_proxy", "all_proxy") for name in os.environ)
    if not set_here and sys.platform not in ("darwin", "win32"):
        return None
    import urllib.request

    proxies = urllib.request.getproxies()
    proxy = proxies.get("https") or proxies.get("all")
    if not proxy or urllib.request.proxy_bypass(host):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _proxy_authorization(username: str | None, password: str | None) -> dict[str, str]:
    if username is None:
        return {}
    import base64

    pair = f"{unquote(username)}:{unquote(password or '')}"
    return {"Proxy-Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def _gunzip(content: bytes) -> bytes:
    inflater = zlib.decompressobj(31)
    plain = inflater.decompress(content) + inflater.flush()
    if not inflater.eof:
        raise EOFError("the compressed body ends too early")
    return plain


def _set_result(future: asyncio.Future[T], result: T) -> None:
    if not future.done():
        future.set_result(result)


def _set_exception(future: asyncio.Future[T], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)


def _explain(error: Exception, host: str, timeout: float) -> NetworkError:
    if isinstance(error, ssl.SSLCertVerificationError):
        return NetworkError(
            f"the certificate of {host} is not trusted: {error.verify_message}",
            code="tls_untrusted",
            hint="If the host or a proxy uses a private certificate authority, name its PEM file "
            "in ca_file.",
        )
    if isinstance(error, socket.gaierror):
        return NetworkError(
            f"the name of {host} could not be resolved",
            code="host_unknown",
            hint="Check the address for a typing error, and this machine's network and DNS.",
        )
    if isinstance(error, TimeoutError):
        return NetworkError(
            f"{host} did not answer within {min(timeout, _CONNECT_TIMEOUT_S):g} to {timeout:g} s",
            code="timed_out",
            hint="Check the network and the firewall; a proxy is taken from HTTPS_PROXY.",
        )
    if isinstance(error, http.client.IncompleteRead | zlib.error | EOFError):
        return NetworkError(
            f"the answer of {host} broke off in the middle",
            code="connection_lost",
            hint="Run it again; if it recurs, look for a proxy or firewall that cuts long answers.",
        )
    text = str(error)
    if text.startswith("Tunnel connection failed"):
        return NetworkError(
            f"the proxy refused the connection to {host}: {text.partition(': ')[2]}",
            code="proxy_refused",
            hint="Check HTTPS_PROXY (user and password too), or exempt the host with NO_PROXY.",
        )
    if isinstance(error, ConnectionRefusedError):
        return NetworkError(
            f"nothing answers at {host}: connection refused",
            code="connection_failed",
            hint="Check host and port; if it is the emulator, start it.",
        )
    lost = isinstance(error, ConnectionError | http.client.HTTPException)
    reason = type(error).__name__ if lost else getattr(error, "strerror", None) or text
    return NetworkError(
        f"the connection to {host} "
        + (f"broke ({reason})" if lost else f"could not be made: {reason}"),
        code="connection_lost" if lost else "connection_failed",
        hint="Check the network, and try again.",
    )
