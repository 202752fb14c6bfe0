"""Calls and exchanges as a table of a test writes them."""

from __future__ import annotations

import json
from typing import Any

from entra_emulator.traffic.report.logged_call import AppCaller, LoggedCall, digest_address
from entra_emulator.web.exchange import Exchange

APP, TENANT = "app-1", "tenant-1"
GRAPH = "https://graph.microsoft.com"


def graph_call(route: str = "/users", method: str = "GET", **fields: Any) -> LoggedCall:
    """A call that was allowed, at second 0 unless told otherwise."""
    started = float(fields.pop("at", 0.0))
    values: dict[str, Any] = {
        "service": "graph",
        "started": started,
        "ended": started + 0.01,
        "connection": "1",
        "method": method,
        "route": route,
        "known": True,
        "version": "v1.0",
        "caller": AppCaller(APP, TENANT),
        "status": 200,
        "units": 1,
        "address": digest_address(method, f"{GRAPH}/v1.0{route}"),
    }
    return LoggedCall(**(values | fields))


def token_call(**fields: Any) -> LoggedCall:
    """A token request of an application by itself, for an hour."""
    values: dict[str, Any] = {
        "service": "token",
        "version": "",
        "known": False,
        "units": 0,
        "grant": "client_credentials",
        "audience": "https://graph.microsoft.com/.default",
        "lifetime": 3600.0,
    }
    return graph_call("/{tenant}/oauth2/v2.0/token", "POST", **(values | fields))


def exchange(
    method: str = "GET",
    target: str = "/v1.0/users",
    answer: Any = None,
    *,
    status: int = 200,
    body: Any = None,
    sent: dict[str, str] | None = None,
    received: dict[str, str] | None = None,
    caller: dict[str, Any] | None = None,
) -> Exchange:
    """An exchange with JSON on both sides, of an application that may read users."""
    claims = {"appid": APP, "tid": TENANT, "roles": ["User.Read.All"]}
    return Exchange(
        100.0,
        100.5,
        "127.0.0.1:5",
        method,
        target if "://" in target else GRAPH + target,
        tuple((sent or {}).items()),
        body if isinstance(body, bytes) else json.dumps(body).encode() if body else b"",
        status,
        tuple((received or {}).items()),
        b"" if answer is None else json.dumps(answer).encode(),
        claims if caller is None else caller,
    )
