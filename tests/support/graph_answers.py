"""Answers of Graph, made by hand."""

import json
from typing import Any

import msgspec

from graphdaemon.http.response import Headers, Response


def answer(body: object, status: int = 200, **headers: str) -> Response:
    named = Headers((name.replace("_", "-"), value) for name, value in headers.items())
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(status, named, content)


def raw(record: Any) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(record).encode())
