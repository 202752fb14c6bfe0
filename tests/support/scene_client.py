"""The client at a scene: a tenant that is changed while the library follows it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from graphdaemon.client.client import Client
from graphdaemon.settings.read import read_settings
from tests.support.delta_scene import Scene
from tests.support.emulator_probe import register

T = TypeVar("T")


def at_scene(scene: Scene, work: Callable[[Client], Coroutine[Any, Any, T]]) -> T:
    """Do what needs a client of this scene's tenant, which may read everything."""
    settings = read_settings(None, {}, settings_of(scene))

    async def run() -> T:
        async with Client(settings, attempts=2) as client:
            return await work(client)

    return asyncio.run(run())


def settings_of(scene: Scene) -> dict[str, Any]:
    """The settings of an app of this scene's tenant, which may read everything."""
    app = register(scene.probe, "Directory.Read.All", tenant=scene.tenant)
    emulator = scene.probe.emulator
    return {
        "authority": f"{emulator.url}/{scene.tenant.id}",
        "client_id": app.client_id,
        "scope": ["https://graph.microsoft.com/.default"],
        "secret": app.secret,
        "endpoint": f"{emulator.url}/v1.0/users",
        "ca_file": str(emulator.ca_file),
    }
