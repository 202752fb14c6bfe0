"""Several tenants at a time: failures are each one's own, and what all share ends all."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from graphdaemon.cli.tenants.each import DOCUMENT_BEGINNING, do_for_each, render_document
from graphdaemon.errors import Error, NetworkError, OutputError
from graphdaemon.settings.model import Settings
from graphdaemon.settings.tenants import TenantFile, read_tenant_file
from tests.support.settings_files import GOOD, write


def make_files(folder: Path, *names: str) -> list[TenantFile]:
    return [read_tenant_file(write(folder, GOOD, f"{name}.json"), {}) for name in names]


def test_a_tenant_that_hangs_holds_up_no_other(tmp_path: Path) -> None:
    """The others are done while it waits, though there are more of them than places."""
    names = [f"tenant{number}" for number in range(6)]
    files = make_files(tmp_path, "hung", *names)
    done: list[str] = []

    async def do() -> dict[str, str | Error]:
        others = asyncio.Event()

        async def work(name: str, _: Settings) -> str:
            if name == "hung":
                await others.wait()
            done.append(name)
            if len(done) == len(names):
                others.set()
            return name

        return await do_for_each(files, work, at_a_time=2)

    outcomes = asyncio.run(do())

    assert done == [*names, "hung"]
    assert list(outcomes) == ["hung", *names]


def test_a_failure_is_an_outcome(tmp_path: Path) -> None:
    """Settings that cannot be used are one, too, and nothing is done for them."""
    broken = read_tenant_file(write(tmp_path, "{", "broken.json"), {})

    async def work(name: str, _: Settings) -> str:
        if name == "b":
            raise NetworkError("no answer", code="host_unknown")
        return name

    outcomes = asyncio.run(do_for_each([*make_files(tmp_path, "a", "b", "c"), broken], work))

    codes = [one.code if isinstance(one, Error) else one for one in outcomes.values()]
    assert codes == ["a", "host_unknown", "c", "settings_malformed"]


def test_an_output_that_fails_ends_all(tmp_path: Path) -> None:
    """Nothing that is read could be written; whoever is at work is stopped."""
    stopped: list[str] = []

    async def work(name: str, _: Settings) -> None:
        if name == "b":
            raise OutputError("no room", code="output_failed")
        try:
            await asyncio.Event().wait()
        finally:
            stopped.append(name)

    with pytest.raises(OutputError):
        asyncio.run(do_for_each(make_files(tmp_path, "a", "b", "c"), work, at_a_time=3))
    assert stopped == ["a", "c"]


def test_a_document_is_known_by_its_beginning() -> None:
    """What an earlier run wrote may be replaced; another file with that name may not."""
    document = render_document({"contoso": {"error": None}}, 0)

    assert document.startswith(DOCUMENT_BEGINNING)
    assert json.loads(document) == {"tenants": {"contoso": {"error": None}}, "exit_code": 0}
