"""Every block of commands or of Python in the documentation works as it stands, page by page."""

from __future__ import annotations

import os
import re
import shutil
import socket
from collections.abc import Iterator
from fnmatch import fnmatch
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import pytest

from entra_emulator.server.emulator import Emulator
from entra_emulator.server.shared_parts import SharedParts
from tests.support.doc_blocks import Step, list_pages, list_steps, name
from tests.support.doc_reader import Reader
from tests.support.doc_scenes import open_scene
from tests.support.emulator_probe import Probe
from tests.support.forked_programs import serve_programs
from tests.support.places import ROOT
from tools import translations

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the pages' shell is a Unix shell")


class Row(NamedTuple):
    """
    Of which steps something is said.

    Attributes:
        page: The page, or a pattern of pages.
        text: What the step contains; empty for all.
        said: What is said of it.
    """

    page: str
    text: str
    said: str

    def names(self, step: Step) -> bool:
        return fnmatch(step.place.rpartition(":")[0], self.page) and self.text in step.text


LEFT_OUT = [
    Row("*", "pip install", "it installs from the internet"),
    Row("README*.md", "py -m venv", "it is PowerShell's"),
    Row("docs/how-to/dlt-and-airflow.md", "import dlt", "dlt is not installed"),
    Row("docs/how-to/dlt-and-airflow.md", "refresh=", "dlt is not installed"),
    Row("docs/how-to/dlt-and-airflow.md", "import dag", "Airflow is not installed, and runs it"),
    Row("docs/how-to/find-out-why.md", "journalctl", "there is no such journal"),
    Row("docs/how-to/query-the-store.md", "psql", "a server of one's own"),
    Row("docs/how-to/query-the-store.md", "duckdb", "DuckDB is not installed"),
    Row("docs/how-to/reports.md", "emulator exec", "namespaces are not everywhere"),
    Row("docs/how-to/run-every-night-in-the-cloud.md", "azure.functions", "Azure runs it"),
    Row("docs/how-to/run-it-everywhere.md", "db.example", "a server of one's own"),
    Row("docs/how-to/spark.md", "", "PySpark is not installed, and there is no session"),
]
"""What cannot run here, and why."""

ELSEWHERE = [
    Row("README.pt-BR.md", "quickstart", "tests/scenarios/test_docs.py"),
    Row("docs/how-to/call-your-own-api.md", "", "tests/scenarios/test_howto_own_api.py"),
    Row("docs/how-to/follow-changes-in-python.md", "", "tests/scenarios/test_examples.py"),
    Row("docs/how-to/lint-a-graph-client.md", "", "tests/scenarios/test_howto_report.py"),
    Row(
        "docs/how-to/protect-your-api.md", "import protect", "tests/scenarios/test_howto_protect.py"
    ),
    Row("docs/how-to/record-a-program.md", "", "tests/scenarios/test_howto_report.py"),
    Row(
        "docs/how-to/run-a-program-against-the-emulator.md",
        "",
        "tests/scenarios/test_howto_exec.py",
    ),
    Row("docs/how-to/run-as-a-daemon.md", "", "tests/scenarios/test_howto_daemon.py"),
    Row("docs/how-to/use-data-frames.md", "", "tests/scenarios/test_howto_frames.py"),
    Row("docs/how-to/test-your-program.md", "", "tests/scenarios/test_tenant_fixtures.py"),
    Row("examples/4-Call-Own-Api/*", "", "tests/process/test_own_api_example.py"),
    Row("examples/6-Spark/README.md", "", "tests/peers/test_spark.py"),
]
"""Pages that another test follows, in surroundings of their own, and that test."""

ENDLESS = [
    Row("*", "graphdaemon emulator serve", "^Try: "),
    Row("*", "graphdaemon run", r'INFO ready|"event":"ready"'),
]
"""Commands that end by Ctrl-C: what they say once they work."""

REPLACED = {
    "emulator serve": "emulator serve --listen 127.0.0.1:{port} --control",
    "127.0.0.1:8443": "127.0.0.1:{port}",
    "9464": "{port}",
    "--users 1000000 --groups 50000 --devices 200000": "--users 100 --groups 5 --devices 20",
    " --data big": "",
}
"""What stands for what pages write: a port that is free here, and a tenant of the test's size."""

EXIT_CODES = [
    (Row("docs/how-to/find-out-why.md", "doctor parameters.json", "Graph refuses the call"), 5),
    (Row("docs/how-to/find-out-why.md", "--token -", "the API refuses the token"), 5),
    (Row("docs/how-to/reports.md", "--within 30d", "there are findings"), 10),
    (Row("docs/how-to/reports.md", "--fail-on", "there are findings"), 10),
]
"""What ends otherwise than with 0, as its page says."""


@pytest.fixture(scope="module")
def tenant() -> Iterator[Probe]:
    """The tenant in which all pages are read; each finds it as it was at first."""
    with SharedParts() as shared, Emulator(shared=shared, device_interval=0) as emulator:
        probe = Probe(emulator)
        yield probe
        probe.close()


@pytest.fixture(scope="module")
def as_it_was(tenant: Probe) -> bytes:
    return tenant.emulator.snapshot()


@pytest.fixture(scope="module")
def programs() -> Iterator[Path]:
    with serve_programs() as folder:
        yield folder


@pytest.fixture
def reader(tenant: Probe, as_it_was: bytes, programs: Path, tmp_path: Path) -> Iterator[Reader]:
    tenant.emulator.restore(as_it_was)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    replaced = {written: meant.format(port=port) for written, meant in REPLACED.items()}
    folder = tmp_path / "folder"
    folder.mkdir()
    reader = Reader(tenant.emulator, tenant, folder, programs, replaced)
    yield reader
    reader.leave()


def list_own_steps(page: Path) -> list[Step]:
    """The steps of a page that are to be done; of a translation those that its original lacks."""
    original = translations.list_translations().get(page)
    known = {step.text.partition("#")[0] for step in list_steps(original)} if original else set()
    return [
        step
        for step in list_steps(page)
        if step.text.partition("#")[0] not in known
        and not any(row.names(step) for row in (*LEFT_OUT, *ELSEWHERE))
    ]


PAGES = {name(page): steps for page in list_pages() if (steps := list_own_steps(page))}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_works_as_it_stands(page: str, reader: Reader) -> None:
    open_scene(page, reader)
    missing = {program for step in PAGES[page] for program in list_missing(step)}
    for step in PAGES[page]:
        if list_missing(step):
            continue
        up = next((row.said for row in ENDLESS if row.names(step)), None)
        code = next((code for row, code in EXIT_CODES if row.names(step)), 0)
        reader.do(step, up=up, code=code)
    if missing:
        pytest.skip(f"not installed: {', '.join(sorted(missing))}")


def list_missing(step: Step) -> list[str]:
    """What the step needs and this machine lacks."""
    programs = [one for one in ("curl", "jq", "sqlite3") if re.search(rf"\b{one} ", step.text)]
    missing = [one for one in programs if shutil.which(one) is None]
    return missing + ["pyarrow"] * (".parquet" in step.text and find_spec("pyarrow") is None)


def is_followed(row: Row) -> bool:
    """Whether the test names the page, or the example's folder."""
    page = Path(row.page)
    name_ = page.parent.name if row.page.startswith("examples/") else page.name
    return name_ in (ROOT / row.said).read_text("utf-8")


def test_no_exception_is_left_that_no_page_needs() -> None:
    """Each row of the tables is of a step that is still there; each test named follows its page."""
    steps = [step for page in list_pages() for step in list_steps(page)]
    rows = [*LEFT_OUT, *ELSEWHERE, *ENDLESS, *(row for row, _ in EXIT_CODES)]

    assert [row for row in rows if not any(row.names(step) for step in steps)] == []
    assert [row for row in ELSEWHERE if not is_followed(row)] == []
    assert [
        written for written in REPLACED if not any(written in step.text for step in steps)
    ] == []
