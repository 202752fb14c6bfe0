"""A listing in three steps, as programs on several hosts make it, against the emulator."""

from __future__ import annotations

import asyncio
import pickle
from typing import Any

import msgspec
import pytest

import graphdaemon
from entra_emulator.server.emulator import Emulator
from graphdaemon.client.client import Client
from graphdaemon.client.divided import begin_listing, finish_listing, read_part
from graphdaemon.errors import UsageError
from graphdaemon.listing.options import ListingOptions
from graphdaemon.listing.parts import ListingPart, PartReading
from tests.support.run_command import WriteParameters

SMALL = ListingOptions(page_size=20, learn=False)


async def read_elsewhere(settings: Any, part: ListingPart) -> tuple[list[bytes], PartReading]:
    """What a process reads that has the part, and settings of its own."""
    readings: list[PartReading] = []
    records: list[bytes] = []
    async with Client(settings) as client:
        async for page in read_part(client, part, on_reading=readings.append):
            records += map(bytes, page.records)
    return records, readings[0]


def test_the_three_steps_bring_what_a_listing_brings(
    parameters: WriteParameters, emulator: Emulator
) -> None:
    """The parts are read by other clients, from copies; what is left after the end is everybody."""

    async def work() -> tuple[list[str], list[str], str]:
        async with graphdaemon.load(parameters()) as client:
            start = await begin_listing(client, "users", parts=4, options=SMALL)
            kept = pickle.dumps(start)
            parts = pickle.loads(pickle.dumps(start.parts))
            read = await asyncio.gather(*(read_elsewhere(client.settings, part) for part in parts))
            readings = pickle.loads(pickle.dumps([reading for _, reading in read]))
            end = await finish_listing(client, pickle.loads(kept), readings, options=SMALL)
            ids = [
                id_
                for records, reading in read
                for id_ in (msgspec.json.decode(one)["id"] for one in records)
                if id_ not in end.repeated.get(reading.number, ())
            ]
            assert len(parts) == 4
            assert end.link is not None
            assert (await client.changes("users", end.link)).changes == []
            listed = [user["id"] async for user in client.list("users")]
            return sorted(ids), sorted(listed), end.record.verdict

    ids, listed, verdict = asyncio.run(work())

    assert ids == listed
    assert verdict == "complete"


def test_a_part_holds_no_secret(parameters: WriteParameters, app: Any) -> None:
    """What is sent to other hosts has neither the app's secret nor a link nor a token."""

    async def work() -> tuple[bytes, str]:
        async with graphdaemon.load(parameters()) as client:
            start = await begin_listing(client, "users", parts=2, options=SMALL)
            assert start.link is not None
            return pickle.dumps(start.parts), start.link.reveal()

    sent, link = asyncio.run(work())

    assert app.secret.encode() not in sent
    assert link.encode() not in sent
    assert b"eyJ" not in sent


def test_an_api_of_ones_own_has_no_parts(parameters: WriteParameters) -> None:
    """Ranges and deltas are Graph's; nothing is sent."""
    path = parameters(scope=["api://orders/.default"], endpoint="https://orders.example/v1/orders")

    async def work() -> None:
        async with graphdaemon.load(path) as client:
            await begin_listing(client, "orders")

    with pytest.raises(UsageError, match="Microsoft Graph alone can be listed in parts"):
        asyncio.run(work())
