"""Who is linked to an object, and what the journal says of it."""

import pytest

from tests.support.emulator_probe import Probe
from tests.support.graph_writer import Writer, start_writer


@pytest.fixture(scope="module")
def writer(probe: Probe) -> Writer:
    return start_writer(probe)


def members(writer: Writer, path: str) -> list[str]:
    return [one["id"] for one in writer.get(path)["value"]]


def link_changes(writer: Writer, group_id: str) -> list[tuple[str, tuple[str, ...]]]:
    directory = writer.app.probe.emulator.directory
    noted = directory.changes.list_between(
        writer.app.tenant, "group", 0, directory.changes.read_watermark()
    )
    return [(one.what, one.names) for one in noted if one.id == group_id]
