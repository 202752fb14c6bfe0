"""Users whose activity the separate reading of it did not have."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from typing import Any
from urllib.parse import unquote, urlsplit

from graphdaemon.client.client import Client
from graphdaemon.client.reports.options import ReportOptions
from graphdaemon.client.reports.report import Report
from graphdaemon.client.reports.stale import StaleRow
from graphdaemon.settings.read import read_settings
from tests.support.scripted_server import Answer, Request, ScriptedServer, json_answer, page

NOW = dt.datetime(2026, 11, 30, tzinfo=dt.UTC)
OLD, NEW = "2026-01-01T00:00:00Z", "2026-11-29T00:00:00Z"
SEEN = {"a": NEW, "b": OLD, "late": OLD, "lately": NEW}


def user(id_: str) -> dict[str, Any]:
    return {"id": id_, "createdDateTime": OLD, "userType": "Member"}


def activity(id_: str) -> dict[str, Any]:
    return {"id": id_, "signInActivity": {"lastSignInDateTime": SEEN[id_]}}


def serve(server: ScriptedServer) -> list[str]:
    """Of four users the reading of the activity has two, and one is gone when it is asked for."""
    single: list[str] = []

    def answer(request: Request) -> Answer:
        parts = urlsplit(request.target)
        if parts.path.endswith("/$batch"):
            ids = [part["id"] for part in json.loads(request.body)["requests"]]
            single.extend(ids)
            responses = [
                {"id": id_, "status": 404, "body": {"error": {"code": "gone"}}}
                if id_ == "gone"
                else {"id": id_, "status": 200, "body": activity(id_)}
                for id_ in ids
            ]
            return json_answer({"responses": responses})
        if parts.path.endswith("/subscribedSkus"):
            return page({"id": "s", "skuId": "s", "skuPartNumber": "SPE_E5"})
        if parts.path.endswith("/$count"):
            return Answer(200, b"5", {"Content-Type": "text/plain"})
        if parts.path.endswith("/delta"):
            link = f"{server.url}/v1.0/users/delta?$deltatoken=next"
            return json_answer({"@odata.deltaLink": link, "value": []})
        if "signInActivity" in unquote(parts.query):
            return page(activity("a"), activity("b"))
        return page(*map(user, ("a", "b", "late", "lately", "gone")))

    server.script = answer
    return single


def test_users_without_an_activity_are_read_one_by_one(scripted: ScriptedServer) -> None:
    """Who came between the two readings, or was lost in one, is judged like all others."""
    single = serve(scripted)

    async def work() -> Report[StaleRow]:
        async with Client(read_settings(None, {}, scripted.settings()), attempts=1) as client:
            return await client.report("stale", ReportOptions(now=NOW, of=("users",)))

    report = asyncio.run(work())

    assert sorted(single) == ["gone", "late", "lately"]
    assert {row.id: row.findings for row in report.rows} == {"b": ["stale"], "late": ["stale"]}
    coverage = {one.collection: one for one in report.coverage}
    assert coverage["users"].records == 5
    assert coverage["users?$select=signInActivity"].records == 4
