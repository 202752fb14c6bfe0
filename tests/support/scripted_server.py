"""A TLS server that plays a script: the answers real services give on their bad days."""

from __future__ import annotations

import json
import socket
import ssl
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import trustme


class Request(NamedTuple):
    """What arrived; ``connection`` is 1 on the first connection, ``head`` as it was written."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    connection: int = 0
    head: bytes = b""


class Answer(NamedTuple):
    """
    What to send; ``cut`` breaks the connection after so many bytes of the body.

    ``steps`` takes the place of all else, and is played by a ``HostileServer``.
    """

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] | None = None
    cut: int | None = None
    steps: tuple[Any, ...] | None = None


def page(*records: dict[str, Any], next_link: str | None = None, **more: Any) -> Answer:
    """A page of a collection."""
    body = {**({"@odata.nextLink": next_link} if next_link else {}), **more, "value": records}
    return json_answer(body)


def json_answer(body: object, status: int = 200, **headers: str) -> Answer:
    return Answer(
        status, json.dumps(body).encode(), {"Content-Type": "application/json", **headers}
    )


USER = b'{"@odata.context":"x","id":"1","displayName":"Ana","n":1.50,"imAddresses":["a"]}'
"""A user as Graph writes one: the order of names, and the digits of a number, are its own."""
JSON = {"Content-Type": "application/json; charset=utf-8"}
TENANT = "11111111-2222-4333-8444-555555555555"


class ScriptedServer:
    """
    Answers discovery and token requests well, and everything else from ``script``.

    ``script`` is a list of answers used in turn, the last for ever; or a function of the request.
    ``names`` are those in its certificate, by default this machine's.
    ``requests`` records all requests but those two.
    """

    def __init__(self, *names: str) -> None:
        self.ca = trustme.CA()
        self._folder = tempfile.TemporaryDirectory(prefix="scripted-")
        self.ca_file = Path(self._folder.name) / "ca.pem"
        self.ca.cert_pem.write_to_path(str(self.ca_file))
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        known = names or ("localhost", "127.0.0.1", "graph.test")
        self.ca.issue_cert(*known).configure_cert(self._context)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"https://127.0.0.1:{self.port}"
        self.script: list[Answer] | Callable[[Request], Answer] = []
        self.token_answer: Answer | None = None
        self.metadata_answer: Answer | None = None
        self.before_token: Callable[[], object] = lambda: None
        self.choose_token: Callable[[Request], Answer | None] = lambda _: self.token_answer
        self.token_requests: list[Request] = []
        self.tokens_issued = 0
        self.requests: list[Request] = []
        self._open: list[socket.socket] = []
        self.connections = 0

    def settings(self, **changes: Any) -> dict[str, Any]:
        """A parameters.json for this server."""
        return {
            "authority": f"{self.url}/{TENANT}",
            "client_id": "22222222-2222-4333-8444-555555555555",
            "secret": "a-secret~with.signs_in-it",
            "endpoint": f"{self.url}/v1.0/users",
            "ca_file": str(self.ca_file),
        } | changes

    def write_parameters(self, folder: Path, **changes: Any) -> Path:
        path = folder / "parameters.json"
        path.write_text(json.dumps(self.settings(**changes)))
        path.chmod(0o600)
        return path

    @property
    def only_request(self) -> Request:
        """The one request that there was, besides those for tokens."""
        (request,) = self.requests
        return request

    def __enter__(self) -> Self:
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # shutdown wakes the thread that waits in accept; close alone does not, and the next
        # listener, whose descriptor may have the same number, would share its clients with it.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join()
        self._listener.close()
        for connection in self._open:
            connection.close()
        self._folder.cleanup()

    def _accept(self) -> None:
        while True:
            try:
                raw, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(raw)
            self.connections += 1
            threading.Thread(target=self._serve, args=(raw, self.connections), daemon=True).start()

    def _serve(self, raw: socket.socket, number: int) -> None:
        try:
            with self._context.wrap_socket(raw, server_side=True) as connection:
                self._open.append(connection)
                with connection.makefile("rb") as reader:
                    while request := _read_request(reader):
                        answer = self._choose(request._replace(connection=number))
                        if not self._send(connection, answer):
                            return
        except (OSError, ValueError):
            return

    def _send(self, connection: ssl.SSLSocket, answer: Answer) -> bool:
        """Send an answer, and say whether another request may follow on the connection."""
        lines = [f"HTTP/1.1 {answer.status} Scripted", f"Content-Length: {len(answer.body)}"]
        lines += [f"{name}: {value}" for name, value in (answer.headers or {}).items()]
        head = "\r\n".join([*lines, "", ""]).encode()
        if answer.cut is not None:
            connection.sendall(head + answer.body[: answer.cut])
            return False
        connection.sendall(head + answer.body)
        return True

    def _choose(self, request: Request) -> Answer:
        path = request.target.partition("?")[0]
        if path.endswith("/.well-known/openid-configuration"):
            base = f"{self.url}/{TENANT}"
            return self.metadata_answer or json_answer(
                {
                    "issuer": f"{base}/v2.0",
                    "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                    "token_endpoint": f"{base}/oauth2/v2.0/token",
                }
            )
        if path.endswith("/oauth2/v2.0/token"):
            self.token_requests.append(request)
            self.before_token()
            self.tokens_issued += 1
            return self.choose_token(request) or json_answer(
                {
                    "token_type": "Bearer",
                    "expires_in": 3599,
                    "access_token": f"token-{self.tokens_issued}",
                }
            )
        self.requests.append(request)
        if callable(self.script):
            return self.script(request)
        return self.script.pop(0) if len(self.script) > 1 else self.script[0]


def _read_request(reader: Any) -> Request | None:
    head = line = reader.readline()
    if not line:
        return None
    method, target, _ = line.decode().split(" ", 2)
    headers = {}
    while (row := reader.readline()).strip() != b"":
        head += row
        name, _, value = row.decode().partition(":")
        headers[name.lower()] = value.strip()
    body = reader.read(int(headers.get("content-length", 0)))
    return Request(method, target, headers, body, head=head)
