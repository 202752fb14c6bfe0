"""Files that settings name: their content, and what has no end."""

import errno
from pathlib import Path

import pytest

from graphdaemon.settings.file_content import MOST_BYTES, read_small_file


def test_the_content_is_read_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.pem"
    path.write_bytes(b"\r\n\0" + bytes(MOST_BYTES - 3))

    assert read_small_file(path) == path.read_bytes()


def test_what_has_no_end_is_refused() -> None:
    """A device would otherwise be read until the memory is full."""
    with pytest.raises(OSError, match="too large") as caught:
        read_small_file(Path("/dev/zero"))

    assert caught.value.errno == errno.EFBIG
