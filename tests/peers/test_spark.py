"""
Spark reads the directory through our data sources: one session on this machine for all tests.

The last of them ends it. What is killed on a cluster is in `test_spark_killed.py`.
"""

from __future__ import annotations

import re
import runpy
import shutil
import sys
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
from tests.support.spark_directory import (
    SELECT,
    change,
    list_names,
    names_of,
    read_delta_names,
    replay_frame,
    write_settings,
)
from tests.support.spark_session import kill_one, once_reading, open_session

pytest.importorskip("pyspark", reason="PySpark is not installed")
if shutil.which("java") is None:
    pytest.skip("Java is not installed", allow_module_level=True)

SLOW = Fault(kind="latency", delay=0.5)


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
    return write_settings(large, reader, tmp_path)


def test_a_data_frame_is_the_listing(spark: Any, parameters: str) -> None:
    """Every user once, in columns of the types that Microsoft publishes."""
    reader = spark.read.format("graphdaemon").option("parameters", parameters)
    users = reader.option("select", ",".join(SELECT)).option("parts", "3").load("users")

    types = dict(users.dtypes)
    assert types["createdDateTime"] == "timestamp"
    assert types["assignedLicenses"] == "array<struct<disabledPlans:array<string>,skuId:string>>"
    assert users.rdd.getNumPartitions() == 3
    assert names_of(users) == list_names(parameters)


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
    path = write_settings(large, app, tmp_path / "other")
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

    assert names_of(users) == list_names(parameters)
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

    path = write_settings(large, reader, tmp_path, budget_url=redis_server.url)
    records: list[ListingRecord] = []

    read_directory(spark, "users", parts=3, parameters=path, on_record=records.append)

    server = redis.Redis.from_url(redis_server.url)
    (key,) = server.keys("graphdaemon:budget:*")
    used: Any = server.hget(key, "used")
    info: Any = server.info("stats")
    # The driver, two workers at least, and this test.
    assert info["total_connections_received"] >= 4
    assert float(used) == records[0].units


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
    """Each writes Parquet or Delta, and the users of all are those of the directory."""
    for name in ("users_batch", "users_stream", "users_delta"):
        argv, sys.argv = sys.argv, [name, parameters, str(tmp_path)]
        try:
            runpy.run_path(str(ROOT / "examples" / "6-Spark" / f"{name}.py"))
        finally:
            sys.argv = argv

    expected = list_names(parameters)
    assert names_of(spark.read.parquet(f"{tmp_path}/users")) == expected
    assert replay_frame(spark.read.parquet(f"{tmp_path}/changes")) == expected
    assert read_delta_names(tmp_path) == expected
    assert capsys.readouterr().out.count(f"{len(expected)} users") == 2


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
    assert users.count() == len(list_names(parameters))
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
