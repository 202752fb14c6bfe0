"""Answers of Graph, made by hand."""

import json
from http.client import HTTPMessage
from typing import Any

import msgspec

from graphdaemon.http.response import Response


def answer(body: object, status: int = 200, **headers: str) -> Response:
    message = HTTPMessage()
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(status, message, content)


def raw(record: Any) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(record).encode())
