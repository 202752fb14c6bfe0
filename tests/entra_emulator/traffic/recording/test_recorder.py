"""What is in a recording's file, and when."""

from __future__ import annotations

import resource
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from entra_emulator.traffic.recording.lines import RecordingError, read_exchanges
from entra_emulator.traffic.recording.recorder import Recorder
from entra_emulator.traffic.recording.redaction import Redaction
from tests.support.logged_calls import exchange


def test_every_exchange_is_there_at_once(tmp_path: Path) -> None:
    """Redacted, in a file of its owner's alone, before the recording is closed."""
    path = tmp_path / "r.jsonl"
    with Recorder(path, 0.0, Redaction(b"k")) as recorder:
        assert list(read_exchanges(path)) == []
        recorder.note(exchange(target="/v1.0/users/quillfeather"))
        (one,) = read_exchanges(path)
        assert recorder.count == 1

    assert "quillfeather" not in one.url
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["r.jsonl"]


def test_an_earlier_recording_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    for _ in range(2):
        with Recorder(path, 0.0) as recorder:
            recorder.note(exchange())
    assert len(list(read_exchanges(path))) == 1
    path.write_bytes(b"")
    Recorder(path, 0.0).close()


@pytest.mark.parametrize("content", [b"precious\n", b'{"log":{}}', b"\0" * 2000])
def test_other_files_are_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "r.jsonl"
    path.write_bytes(content)
    with pytest.raises(RecordingError, match="is there, and no recording"):
        Recorder(path, 0.0)
    assert path.read_bytes() == content


def test_no_folder(tmp_path: Path) -> None:
    """The error names the recording, and no draft."""
    path = tmp_path / "missing" / "r.jsonl"
    with pytest.raises(FileNotFoundError) as raised:
        Recorder(path, 0.0)
    assert raised.value.filename == str(path)


FULL = """
import sys
from pathlib import Path
from entra_emulator.traffic.recording.recorder import Recorder
from tests.support.logged_calls import exchange
path = Path(sys.argv[1])
recorder = Recorder(path, 0.0)
try:
    while True:
        recorder.note(exchange(answer={"value": ["x" * 500]}))
except OSError as error:
    print(error.filename == str(path), recorder.count)
"""


def test_a_full_disk(tmp_path: Path) -> None:
    """What has no room is not there by half: the file ends with a whole line."""

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (9_000, 9_000))

    path = tmp_path / "r.jsonl"
    done = subprocess.run(
        [sys.executable, "-c", FULL, path],
        capture_output=True,
        text=True,
        preexec_fn=limit,
        check=False,
        cwd=Path(__file__).parents[4],
    )
    named, count = done.stdout.split()
    assert (named, len(list(read_exchanges(path)))) == ("True", int(count)), done.stderr
    assert path.read_bytes().endswith(b"\n")
