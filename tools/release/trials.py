"""What was built, installed as people install it, and run."""

from __future__ import annotations

import platform
import shutil
import sys
from pathlib import Path

from tools.release.bundle import HOME, wheel_for_here
from tools.release.step import (
    PYTHON,
    ROOT,
    VERSION,
    Place,
    StepFailedError,
    Unavailable,
    only,
    program,
    run,
)


def try_uv(place: Place) -> str:
    """`uv tool install` gives a command that works."""
    home = _fresh(place.work / "uv")
    run(
        *(str(ROOT / ".venv/bin/uv"), "tool", "install", "--quiet", "--python", sys.executable),
        *("--constraints", _write_pins(home), f"graphdaemon[emulator] @ {_address(place)}"),
        env={
            "UV_SYSTEM_CERTS": "1",
            "UV_TOOL_DIR": str(home / "tools"),
            "UV_TOOL_BIN_DIR": str(home / "bin"),
        },
    )
    return _try_command(home / "bin/graphdaemon", home)


def try_pipx(place: Place) -> str:
    """`pipx install` gives one, too, and its man pages."""
    home = _fresh(place.work / "pipx")
    run(
        *(program("pipx", "pipx"), "install", "--quiet", "--python", sys.executable),
        f"--pip-args=--constraint={_write_pins(home)}",
        f"graphdaemon[emulator] @ {_address(place)}",
        env={
            "PIPX_HOME": str(home / "home"),
            "PIPX_BIN_DIR": str(home / "bin"),
            "PIPX_MAN_DIR": str(home / "man"),
        },
    )
    if not (home / "man/man1/graphdaemon-list.1").exists():
        raise StepFailedError("pipx did not find the man pages in the wheel")
    return _try_command(home / "bin/graphdaemon", home)


def try_single_file(place: Place) -> str:
    """The file runs by itself, with nothing installed."""
    home = _fresh(place.work / "single")
    if shutil.which(PYTHON) is None:
        raise Unavailable(f"no {PYTHON} is on the PATH, which the file begins with")
    return _try_command(only(place.dist, "*.pyz"), home)


def try_debian(place: Place) -> str:
    """The package's files, unpacked elsewhere, run with the system's Python."""
    home = _fresh(place.work / "deb")
    package = only(place.dist, "*.deb")
    run(program("dpkg-deb", "dpkg"), "--extract", package, home)
    said = _try_tree(home)
    lintian = shutil.which("lintian")
    if lintian is None:
        return f"{said}; lintian, which reads it, is not installed"
    allowed = ",".join(_LINTIAN)
    run(lintian, "--allow-root", "--fail-on", "error", "--suppress-tags", allowed, package)
    return f"{said}; lintian finds no error"


# What lintian wants of Debian's own packages, where each library is a package of its own, is
# compiled when it is installed, and runs with the python3 of the day.
_LINTIAN = (
    "package-installs-python-pycache-dir",
    "python3-script-but-no-python3-dep",
    "unstripped-binary-or-object",
    "wrong-path-for-interpreter",
)


def try_red_hat(place: Place) -> str:
    """The package is one that rpm reads, with digests that are right; its files run."""
    package = only(place.dist, "*.rpm")
    rpm = program("rpm", "rpm")
    run(rpm, "--nosignature", "--checksig", package)
    named = run(rpm, "-qp", "--qf", "%{NAME} %{VERSION}", package)
    if named != f"graphdaemon {VERSION}":
        raise StepFailedError(f"rpm reads it as {named!r}")
    home = _fresh(place.work / "rpm")
    converter, unpacker = program("rpm2cpio", "rpm"), program("cpio", "cpio")
    run("sh", "-c", f"{converter} '{package}' | {unpacker} -idm --quiet", cwd=home)
    return _try_tree(home)


def _try_tree(root: Path) -> str:
    if not Path(f"/usr/bin/{PYTHON}").exists():
        raise Unavailable(f"it is made for /usr/bin/{PYTHON}, which is not on this machine")
    python = root / HOME.removeprefix("/") / "bin/python3"
    said = run(python, "-I", root / "usr/bin/graphdaemon", "--version")
    return _check_version(said)


def _try_command(command: Path, home: Path) -> str:
    """The version, and the whole job on a pretend tenant."""
    environment = {"SHIV_ROOT": str(home / "shiv"), "HOME": str(home), "PYTHONPATH": ""}
    version = _check_version(run(command, "--version", cwd=home, env=environment))
    run(command, "quickstart", "--users", "12", cwd=home, env=environment)
    return f"{version}, and its quickstart lists the users"


def _check_version(said: str) -> str:
    if said.strip() != f"graphdaemon {VERSION}":
        raise StepFailedError(f"it says {said!r} when asked for its version")
    return f"runs on {platform.system()} {platform.machine()} with {PYTHON}"


def _address(place: Place) -> str:
    return wheel_for_here(place.dist).as_uri()


def _write_pins(home: Path) -> Path:
    """The locked versions without their hashes, which a constraint on one's own wheel lacks."""
    lock = (ROOT / "requirements/package.txt").read_text("utf-8").splitlines()
    path = home / "pins.txt"
    pins = [line.partition("\\")[0].strip() for line in lock if line[:1].isalnum()]
    path.write_text("\n".join(pins) + "\n")
    return path


def _fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    folder.chmod(0o700)
    return folder
