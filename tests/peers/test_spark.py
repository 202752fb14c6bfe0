"""
Spark reads the directory through our data sources: one session on this machine for all tests.

The last of them ends it. Where SPARK_CLUSTER is set, as `make test-nightly` does, another session
follows, whose executors are processes of their own.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import runpy
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import graphdaemon
from entra_emulator.faults.fault import Fault
from entra_emulator.server.emulator import Emulator
from graphdaemon.errors import UnprovedError
from graphdaemon.listing.record import ListingRecord
from tests.support.client_app import App, register
from tests.support.places import ROOT
from tests.support.redis_server import RedisServer
from tests.support.spark_session import kill_one, once_reading, open_session

pytest.importorskip("pyspark", reason="PySpark is not installed")
if shutil.which("java") is None:
    pytest.skip("Java is not installed", allow_module_level=True)

SLOW = Fault(kind="latency", delay=0.5)
SELECT = ["displayName", "userPrincipalName", "assignedLicenses", "createdDateTime"]


@pytest.fixture(scope="module")
def large() -> Iterator[Emulator]:
    """A tenant of three pages."""
    with Emulator(users=2_100, seed=0) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def reader(large: Emulator, key_pair: tuple[str, bytes]) -> App:
    return register(large, key_pair)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("spark")


@pytest.fixture(scope="module")
def spark(folder: Path) -> Iterator[Any]:
    from graphdaemon.client.spark import register as register_sources

    # A task that failed is tried again only where a number stands behind the comma.
    with open_session("local[2,4]", folder) as session:
        register_sources(session)
        yield session


@pytest.fixture
def parameters(large: Emulator, reader: App, tmp_path: Path) -> str:
    return write(large, reader, tmp_path)


def write(emulator: Emulator, app: App, folder: Path, **more: str) -> str:
    path = folder / "parameters.json"
    values = {
        "authority": f"{emulator.url}/{emulator.tenant.id}",
        "client_id": app.client_id,
        "scope": ["https://graph.microsoft.com/.default"],
        "secret": app.secret,
        "endpoint": f"{emulator.url}/v1.0/users",
        "ca_file": str(emulator.ca_file),
        **more,
    }
    path.write_text(json.dumps(values))
    path.chmod(0o600)
    return str(path)


def listed(parameters: str, select: list[str] = SELECT) -> dict[str, str | None]:
    """The name of each user, as the library lists them."""

    async def work() -> dict[str, str | None]:
        async with graphdaemon.load(parameters) as client:
            users = client.list("users", select=select)
            return {user["id"]: user["displayName"] async for user in users}

    return asyncio.run(work())


def names_of(frame: Any) -> dict[str, str | None]:
    rows = frame.select("id", "displayName").collect()
    assert len(rows) == len({row.id for row in rows}), "nobody is there twice"
    return {row.id: row.displayName for row in rows}


def current(log: Any) -> dict[str, str | None]:
    """Who is there after the rows of a stream."""
    users: dict[str, str | None] = {}
    rows = log.select("graphdaemon_run", "graphdaemon_state", "id", "displayName").collect()
    for row in sorted(rows, key=lambda row: row.graphdaemon_run):
        users.pop(row.id, None)
        if row.graphdaemon_state == "present":
            users[row.id] = row.displayName
    return users


def change(emulator: Emulator, parameters: str, name: str) -> None:
    """One user is renamed, one deleted, one comes."""
    tenant, objects = emulator.tenant, emulator.directory.objects
    first, second = sorted(listed(parameters))[:2]
    objects.update(tenant, "user", first, {"displayName": name})
    found = objects.find(tenant, second, kind="user")
    assert found is not None
    emulator.directory.recycle_bin.delete(tenant, found)
    emulator.add_user(f"{name}@contoso.example", displayName=f"new {name}")


def test_a_data_frame_is_the_listing(spark: Any, parameters: str) -> None:
    """Every user once, in columns of the types that Microsoft publishes."""
    reader = spark.read.format("graphdaemon").option("parameters", parameters)
    users = reader.option("select", ",".join(SELECT)).option("parts", "3").load("users")

    types = dict(users.dtypes)
    assert types["createdDateTime"] == "timestamp"
    assert types["assignedLicenses"] == "array<struct<disabledPlans:array<string>,skuId:string>>"
    assert users.rdd.getNumPartitions() == 3
    assert names_of(users) == listed(parameters)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"filtr": "x"}, "no option 'filtr'"),
        ({"parts": "0"}, "the option parts is '0'"),
        ({"collection": ""}, "the option collection is missing"),
        ({"collection": "reports/x"}, "the columns of reports/x"),
    ],
)
def test_a_wrong_option_is_named_with_its_remedy(
    spark: Any, options: dict[str, str], said: str
) -> None:
    """The words that the command would say, hint included, before anything is sent."""
    from pyspark.errors import AnalysisException

    with pytest.raises(AnalysisException) as caught:
        spark.read.format("graphdaemon").options(**{"collection": "users", **options}).load()

    assert said in str(caught.value)
    assert "(option_invalid) " in str(caught.value)


def test_what_is_refused_or_not_proved_is_no_data_frame(
    spark: Any, large: Emulator, key_pair: tuple[str, bytes], tmp_path: Path, parameters: str
) -> None:
    """The job fails with what Graph said; and a filter that only the index answers is unproved."""
    from graphdaemon.client.spark import read_directory

    app = register(large, key_pair, consent=False)
    (tmp_path / "other").mkdir()
    path = write(large, app, tmp_path / "other")
    frame = spark.read.format("graphdaemon").option("parameters", path).load("users")

    with pytest.raises(Exception, match=r"User\.Read\.All") as caught:
        frame.count()
    assert app.secret not in str(caught.value)
    with pytest.raises(UnprovedError):
        read_directory(
            spark, "users", filter="endswith(mail,'example')", parameters=parameters, parts=2
        )


def test_what_changes_and_who_is_killed_while_executors_read(
    spark: Any, large: Emulator, parameters: str, tmp_path: Path
) -> None:
    """A worker ends in the middle of its part, users come, change and go: the list is right."""
    from graphdaemon.client.spark import read_directory

    records: list[ListingRecord] = []
    links: list[graphdaemon.DeltaLink] = []
    large.faults.fail_for(None, SLOW)

    def disturb() -> None:
        kill_one(spark, "pyspark.daemon", below="pyspark.daemon")
        large.faults.clear()
        change(large, parameters, "mid")

    with once_reading(spark, disturb):
        users = read_directory(
            spark,
            "users",
            select=SELECT,
            parts=3,
            parameters=parameters,
            staging=str(tmp_path / "staging"),
            on_record=records.append,
            on_link=links.append,
        )

    assert names_of(users) == listed(parameters)
    (record,) = records
    assert record.verdict == "complete"
    assert record.replay is not None
    assert record.replay.rounds > 0
    assert len(links) == 1


def test_executors_share_the_throttle_budget(
    spark: Any, large: Emulator, reader: App, tmp_path: Path, redis_server: RedisServer
) -> None:
    """Driver and workers add up in Redis what each has used."""
    import redis

    from graphdaemon.client.spark import read_directory

    path = write(large, reader, tmp_path, budget_url=redis_server.url)
    records: list[ListingRecord] = []

    # So slow that each process tells the others what it uses, as it does five times a second.
    large.faults.fail_for(None, SLOW)
    read_directory(spark, "users", parts=3, parameters=path, on_record=records.append)
    large.faults.clear()

    server = redis.Redis.from_url(redis_server.url)
    (key,) = server.keys("graphdaemon:budget:*")
    used: Any = server.hget(key, "used")
    info: Any = server.info("stats")
    # The driver, two workers at least, and this test.
    assert info["total_connections_received"] >= 4
    # What a process used in its last fifth of a second it tells with its next request.
    assert 0 < float(used) <= records[0].units


def test_a_query_that_was_killed_repeats_its_batch(
    spark: Any, large: Emulator, parameters: str, tmp_path: Path, folder: Path
) -> None:
    """Killed after the sink has written, it writes the same again, whatever has changed since."""
    batches: dict[int, list[Any]] = {}
    checkpoint = folder / "checkpoint"

    def run() -> None:
        stream = (
            spark.readStream.format("graphdaemon-changes")
            .option("collection", "users")
            .option("parameters", parameters)
            .option("store", f"sqlite:{tmp_path}/store.db")
            .load()
        )
        query = (
            stream.writeStream.foreachBatch(
                lambda frame, number: batches.setdefault(number, []).append(
                    sorted(
                        map(tuple, frame.select("id", "displayName", "graphdaemon_state").collect())
                    )
                )
            )
            .option("checkpointLocation", str(checkpoint))
            .trigger(availableNow=True)
            .start()
        )
        query.awaitTermination()

    run()
    change(large, parameters, "one")
    run()
    # What is left of a query that was killed between the sink and the commit.
    for path in (checkpoint / "commits").glob("*1*"):
        path.unlink()
    change(large, parameters, "two")
    # Where a batch is left, Spark repeats it, and no more.
    run()
    run()

    assert len(batches[0]) == 1
    first, second = batches[1]
    assert first == second
    assert {state for _, _, state in first} == {"present", "removed"}
    assert len(first) == 3
    (third,) = batches[2]
    assert {name for _, name, _ in third} >= {"two", "new two"}
    offsets = b"".join(path.read_bytes() for path in (checkpoint / "offsets").iterdir())
    assert b"deltatoken" not in offsets


def test_the_examples_run(
    spark: Any, parameters: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each writes Parquet, and the users of both are those of the directory."""
    for name in ("users_batch", "users_stream"):
        argv, sys.argv = sys.argv, [name, parameters, str(tmp_path)]
        try:
            runpy.run_path(str(ROOT / "examples" / "6-Spark" / f"{name}.py"))
        finally:
            sys.argv = argv

    expected = listed(parameters)
    assert names_of(spark.read.parquet(f"{tmp_path}/users")) == expected
    assert current(spark.read.parquet(f"{tmp_path}/changes")) == expected
    assert f"{len(expected)} users" in capsys.readouterr().out


def test_what_the_page_shows_works(spark: Any, parameters: str, tmp_path: Path) -> None:
    """Its blocks, one after the other, with the settings and a folder of this test."""
    text = (ROOT / "docs" / "how-to" / "spark.md").read_text("utf-8")
    text = text.replace('.load("users")', f'.option("parameters", {parameters!r}).load("users")')
    text = text.replace('"s3a://lake/staging"', f"'{tmp_path}', parameters={parameters!r}")
    batch, executors, stream = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    scope = {"spark": spark}

    exec(batch + executors + stream, scope)

    users: Any = scope["users"]
    changes: Any = scope["changes"]
    assert users.count() == len(listed(parameters))
    assert changes.isStreaming
    assert {"graphdaemon_run", "graphdaemon_state"} < set(changes.columns)


def test_neither_plans_nor_logs_hold_a_secret(spark: Any, folder: Path, reader: App) -> None:
    """The event log of all that ran here, and the checkpoints: no secret, no token, no link."""
    spark.sparkContext.stop()

    kept = [path for path in folder.rglob("*") if path.is_file()]
    text = b"".join(path.read_bytes() for path in kept)
    assert b"graphdaemon" in text
    assert reader.secret.encode() not in text
    assert b"eyJ0eXAi" not in text
    assert b"eyJhbGci" not in text
    assert b"deltatoken" not in text.lower()


@pytest.mark.skipif("SPARK_CLUSTER" not in os.environ, reason="make test-nightly runs it")
def test_a_lost_executor_costs_nothing_but_time(
    large: Emulator, parameters: str, tmp_path: Path
) -> None:
    """On a cluster of two executors one is killed while it reads; what is returned is the list."""
    from graphdaemon.client.spark import read_directory

    large.faults.fail_for(None, SLOW)

    with open_session("local-cluster[2,1,1024]", tmp_path) as session:

        def kill() -> None:
            kill_one(session, "CoarseGrainedExecutorBackend")
            large.faults.clear()

        with once_reading(session, kill):
            users = read_directory(
                session,
                "users",
                select=SELECT,
                parts=3,
                parameters=parameters,
                staging=str(tmp_path / "staging"),
            )
        assert names_of(users) == listed(parameters)


@pytest.mark.skipif("SPARK_CLUSTER" not in os.environ, reason="make test-nightly runs it")
@pytest.mark.parametrize("master", ["local[2,4]", "local-cluster[2,1,1024]"])
@pytest.mark.parametrize("place", ["before", "after"])
def test_a_driver_that_is_killed_repeats_its_batch(
    large: Emulator, parameters: str, tmp_path: Path, master: str, place: str
) -> None:
    """SIGKILL after the round is in the store, before or after the sink: the same batch again."""

    def start(batch: int) -> subprocess.Popen[bytes]:
        program = [sys.executable, "-m", "tests.support.spark_query", master, parameters]
        return subprocess.Popen(
            [*program, str(tmp_path), str(batch), place], cwd=ROOT, start_new_session=True
        )

    def run() -> None:
        assert start(-1).wait(timeout=300) == 0

    def read(batch: int) -> list[Any]:
        paths = sorted(tmp_path.glob(f"batch-{batch}-*.json"))
        return [json.loads(path.read_bytes()) for path in paths]

    run()
    change(large, parameters, f"one {place}")
    driver = start(1)
    until = time.monotonic() + 300
    while not (tmp_path / "halted").exists():
        assert driver.poll() is None
        assert time.monotonic() < until
        time.sleep(0.1)
    offset = (tmp_path / "checkpoint" / "offsets" / "1").read_bytes()
    os.killpg(driver.pid, signal.SIGKILL)
    driver.wait()
    change(large, parameters, f"two {place}")
    run()
    run()

    assert (tmp_path / "checkpoint" / "offsets" / "1").read_bytes() == offset
    repeated = read(1)
    assert len(repeated) == (1 if place == "before" else 2)
    assert repeated[0] == repeated[-1]
    names = {name for *_, name in repeated[0]}
    assert f"new one {place}" in names
    assert f"new two {place}" not in names
    users: dict[str, str | None] = {}
    for batch in range(3):
        (*_, rows) = read(batch)
        for _, state, id_, name in rows:
            users.pop(id_, None)
            if state == "present":
                users[id_] = name
    assert users == listed(parameters)
