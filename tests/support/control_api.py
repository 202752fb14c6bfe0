"""Requests to the control API."""

import json
from typing import Any

from tests.support.emulator_probe import Answer, Probe

JSON = {"Content-Type": "application/json"}


def control(probe: Probe, method: str, path: str, body: Any = None, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    content = None if body is None else json.dumps(body).encode()
    sent = (JSON if body is not None else {}) | named
    return probe.send(method, f"/_emulator{path}", headers=sent, body=content)


def post(probe: Probe, path: str, **body: Any) -> Any:
    answer = control(probe, "POST", path, body)
    assert answer.status == 200, answer.body
    return answer.json()


def read_audit_log(probe: Probe, query: str = "") -> list[dict[str, Any]]:
    answer = probe.get(f"/_emulator/audit{query}")
    assert answer.status == 200, answer.body
    entries: list[dict[str, Any]] = answer.json()["entries"]
    return entries
