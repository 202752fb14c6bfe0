"""Addresses to listen on."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from entra_emulator.server.emulator import Emulator
from entra_emulator.server.listen import BindRefused, PortInUse
from entra_emulator.server.serve import serve
from entra_emulator.server.settings import EmulatorSettings
from tests.support.emulator_probe import Probe


def test_port_in_use(probe: Probe, tmp_path: Path) -> None:
    """A port that is taken is a clear error, before anything is written."""
    port = urlsplit(probe.emulator.url).port or 0
    data = tmp_path / "never"

    with pytest.raises(PortInUse, match=f"127.0.0.1, port {port}"):
        Emulator(port=port, data=data).start()
    assert not data.exists()


@pytest.mark.parametrize("listen", ["0.0.0.0:0", "192.0.2.1:0", "[::]:0", "example.com:0"])
def test_bind_refused(tmp_path: Path, listen: str) -> None:
    """An address that others can reach is refused, and the text names the way out."""
    with pytest.raises(BindRefused, match="--allow-remote"):
        serve(listen, EmulatorSettings(data=tmp_path))


def test_foreign_address(tmp_path: Path) -> None:
    """An address that this machine does not have is a clear error too."""
    with pytest.raises(BindRefused, match=r"cannot listen on 192\.0\.2\.1, port 0: "):
        serve("192.0.2.1:0", EmulatorSettings(data=tmp_path), allow_remote=True)


@pytest.mark.parametrize("listen", ["", "8443", "127.0.0.1:", ":1", "127.0.0.1:x", "h:99999"])
def test_bad_address(tmp_path: Path, listen: str) -> None:
    """What is not HOST:PORT is said to be."""
    with pytest.raises(ValueError, match="HOST:PORT"):
        serve(listen, EmulatorSettings(data=tmp_path))
