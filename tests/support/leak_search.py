"""Finding a known value wherever it could have got to, in every form it could have taken."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import parse_qsl, quote, quote_plus, urlsplit

from entra_emulator.server.emulator import Emulator
from tests.support.emulator_probe import Probe
from tests.support.scripted_server import Answer, Request, ScriptedServer

# Shorter values are met by chance.
_SHORTEST = 8


def forms_of(value: str) -> Iterator[bytes]:
    """The value itself, and as it looks inside base64, an address, JSON, a repr."""
    yield value.encode()
    yield quote(value, safe="").encode()
    yield quote(value).encode()
    yield quote_plus(value).encode()
    yield json.dumps(value)[1:-1].encode()
    yield repr(value)[1:-1].encode()
    raw = value.encode()
    for shift in range(3):
        # What stands before it in the encoded text moves it by up to two bytes; the signs that
        # depend on neighbours are cut off.
        whole = base64.b64encode(b"\0" * shift + raw)
        inner = whole[-(-shift * 8 // 6) : len(whole) - 4 if len(raw) % 3 or shift else None]
        yield inner
        yield inner.replace(b"+", b"-").replace(b"/", b"_")
    yield raw.hex().encode()


def find_leaks(values: Iterable[str], texts: dict[str, bytes]) -> list[str]:
    """Where which value was found; the value is shown by its first signs only."""
    return [
        f"{value[:4]}… in {place}"
        for value in sorted(set(values))
        if len(value) >= _SHORTEST
        for form in {form for form in forms_of(value) if len(form) >= _SHORTEST}
        for place, text in texts.items()
        if form in text
    ]


def read_files(folder: Path, besides: Iterable[Path]) -> dict[str, bytes]:
    """Every file below ``folder`` but those that were put there."""
    given = {path.resolve() for path in besides}
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.resolve() not in given
    }


class Relay(ScriptedServer):
    """Stands before an emulator, and remembers every secret thing that passes."""

    def __init__(self, emulator: Emulator) -> None:
        super().__init__()
        self._probe = Probe(emulator)
        self.heard: set[str] = set()

    def _choose(self, request: Request) -> Answer:
        self.heard |= set(list_secrets(request))
        headers = {k: v for k, v in request.headers.items() if k != "accept-encoding"}
        try:
            answer = self._probe.send(
                request.method, request.target, headers=headers, body=request.body or None
            )
        finally:
            self._probe.close()
        self.heard |= set(list_answer_secrets(answer.body))
        kept = {
            name: value
            for name, value in answer.headers.items()
            if name not in ("content-length", "transfer-encoding", "connection")
        }
        return Answer(answer.status, answer.body, kept)


def list_secrets(request: Request) -> Iterator[str]:
    """What a request carries that nobody else may see."""
    kind, _, value = request.headers.get("authorization", "").partition(" ")
    if kind == "Bearer":
        yield from _parts(value)
    for name, value in parse_qsl(request.body.decode("latin-1")):
        if name in ("client_secret", "client_assertion", "assertion"):
            yield from _parts(value)
    yield from _page_tokens(request.target)


def list_answer_secrets(body: bytes) -> Iterator[str]:
    """What an answer carries: tokens, codes, a new secret, and the page token of a next link."""
    try:
        content = json.loads(body)
    except ValueError:
        return
    if isinstance(content, dict):
        for name in ("access_token", "refresh_token", "id_token", "device_code", "secretText"):
            yield from _parts(str(content.get(name, "")))
        yield from _page_tokens(str(content.get("@odata.nextLink", "")))


def _parts(value: str) -> Iterator[str]:
    """A token, and each part of it: header and claims identify it, the signature makes it."""
    yield value
    if value.count(".") == 2:
        yield value.rsplit(".", 1)[1]


def _page_tokens(address: str) -> Iterator[str]:
    for name, value in parse_qsl(urlsplit(address).query):
        if name.lower() in ("$skiptoken", "$deltatoken"):
            yield value
