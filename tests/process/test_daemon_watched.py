"""The real daemon, as monitors, supervisors and systemd watch it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.daemon_process import DaemonProcess, run_daemon_process
from tests.support.emulator_probe import Probe
from tests.support.otlp_receiver import receive_spans
from tests.support.raw_http import RawAnswer, ask
from tests.support.run_command import clean_environment
from tests.support.sync_scene import open_sync_scene

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has other signals and sockets")


def get(address: str, path: str) -> RawAnswer:
    return asyncio.run(ask(address, path))


def events(daemon: DaemonProcess) -> dict[str, dict[str, object]]:
    """The last event of each name; every line has to be one."""
    rows = [json.loads(line) for line in daemon.lines]
    return {row["event"]: row for row in rows}


def status(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "graphdaemon", "status", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=clean_environment() | {"PYTHONUTF8": "1"},
        timeout=60,
    )


def test_a_daemon_is_watched_while_it_works_and_ends_at_once(
    small_pages: Probe, tmp_path: Path
) -> None:
    """Health, readiness, metrics, page, log and status agree; a silent visitor delays no end."""
    with open_sync_scene(small_pages, tmp_path) as scene:
        scene.add("user")
        scene.write_parameters()
        options = ("users", "--every", "1h", "--listen", "0", "--log", "json")
        with run_daemon_process(*options, folder=tmp_path) as daemon:
            daemon.wait_for('"event":"synced"')
            address = str(events(daemon)["listening"]["address"])

            assert get(address, "/healthz").text == "ok\n"
            assert get(address, "/readyz").text == "ok\n"
            samples = {
                sample.name: sample.value
                for family in text_string_to_metric_families(get(address, "/metrics").text)
                for sample in family.samples
            }
            assert samples["graphdaemon_store_in_step"] == 1
            assert samples["graphdaemon_rows"] == events(daemon)["synced"]["rows"]
            page = get(address, "/")
            assert (page.status, "Everything is in step." in page.text) == (200, True)
            seen = status(tmp_path, "--json")
            assert seen.returncode == 0, seen.stderr
            (tenant,) = json.loads(seen.stdout)["tenants"]
            assert tenant["collections"][0]["state"] == "fresh"

            host, port = address.removeprefix("http://").split(":")
            with socket.create_connection((host, int(port))):
                started = time.monotonic()
                assert daemon.end(signal.SIGTERM) == 0
                # A visitor who says nothing would be waited for much longer.
                assert time.monotonic() - started < 20
        assert "stopped" in events(daemon)
        scene.assert_in_step()


def test_systemd_hears_of_every_turn_of_its_life(small_pages: Probe, tmp_path: Path) -> None:
    with (
        open_sync_scene(small_pages, tmp_path) as scene,
        tempfile.TemporaryDirectory(dir="/tmp") as folder,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver,
    ):
        receiver.bind(f"{folder}/notify")
        receiver.settimeout(60)
        scene.add("user")
        file = scene.write_parameters()
        environment = {"NOTIFY_SOCKET": f"{folder}/notify", "WATCHDOG_USEC": "4000000"}
        heard: list[str] = []

        def wait_for(text: str) -> None:
            while text not in heard:
                heard.extend(receiver.recv(4096).decode().split("\n"))
            heard.clear()

        with run_daemon_process(
            "users", "--every", "1h", folder=tmp_path, environment=environment
        ) as daemon:
            wait_for("READY=1")
            wait_for("WATCHDOG=1")
            good = file.read_bytes()
            file.write_text("{")
            daemon.process.send_signal(signal.SIGHUP)
            wait_for("RELOADING=1")
            wait_for("READY=1")
            file.write_bytes(good)
            assert daemon.end(signal.SIGTERM) == 0
            wait_for("STOPPING=1")


def test_its_traces_say_what_it_did_and_nothing_of_what_it_saw(
    small_pages: Probe, tmp_path: Path
) -> None:
    """A span for the job, the reading and each request; no secret, token, link or ID of anybody."""
    with open_sync_scene(small_pages, tmp_path) as scene, receive_spans() as receiver:
        scene.add("user")
        scene.write_parameters()
        environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url}
        with run_daemon_process(
            "users", "--every", "1h", "--traces", folder=tmp_path, environment=environment
        ) as daemon:
            daemon.wait_for("(baseline,")
            assert daemon.end(signal.SIGTERM) == 0
        spans = receiver.spans()
        sent = b"".join(receiver.bodies)

    assert spans["job"]["collection"] == "users"
    assert spans["complete reading"]["parent"] == "job"
    request = spans["graph request"]
    assert (request["http.request.method"], request["http.response.status_code"]) == ("GET", 200)
    for word in (scene.app.secret.encode(), b"eyJ", b"token=", b"skiptoken"):
        assert word not in sent
