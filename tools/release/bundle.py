"""The program with all that it needs but Python: a tree for packages, and one file."""

from __future__ import annotations

import compileall
import os
import platform
import shutil
import sys
import zipfile
from pathlib import Path
from py_compile import PycInvalidationMode

from tools.release.step import PYTHON, ROOT, TAG, VERSION, Place, program, run

HOME = "/usr/lib/graphdaemon"
"""Where the tree is in a system package: an environment of its own, as `venv` makes them."""
_LAUNCHER = f"""\
#!{HOME}/bin/python3 -I
import sys

from graphdaemon.__main__ import main

sys.exit(main())
"""


def make_tree(place: Place) -> Path:
    """
    Make an environment that runs from any folder, with everything that the lock names.

    Every module is compiled beforehand, since nobody may write there afterwards.
    """
    tree = place.work / "tree"
    shutil.rmtree(tree, ignore_errors=True)
    packages = _packages(tree)
    run(
        *(str(ROOT / ".venv/bin/uv"), "pip", "install", "--quiet", "--link-mode", "copy"),
        *("--python", sys.executable, "--target", packages, "--require-hashes", "--no-deps"),
        *("--requirement", ROOT / "requirements/package.txt"),
        env={"UV_SYSTEM_CERTS": "1", "UV_COMPILE_BYTECODE": "0"},
    )
    # Programs of other packages, and their locks, belong to nobody here.
    for name in ("bin", "share", ".lock"):
        _remove(packages / name)
    with zipfile.ZipFile(wheel_for_here(place.dist)) as archive:
        names = [name for name in archive.namelist() if ".data/" not in name]
        archive.extractall(packages, names)
    compileall.compile_dir(
        packages,
        quiet=2,
        stripdir=str(tree),
        prependdir=HOME,
        invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
    )
    (tree / "bin").mkdir()
    # For use from the build folder; a package has a link of its own, to the system's Python.
    (tree / "bin/python3").symlink_to(os.path.realpath(sys.executable))
    _write_configuration(tree, str(Path(os.path.realpath(sys.executable)).parent))
    _date(tree)
    return tree


def wheel_for_here(dist: Path) -> Path:
    """The wheel with the compiled part, where there is one, else the pure one."""
    return min(dist.glob("*.whl"), key=lambda path: path.name.endswith("-none-any.whl"))


def write_launcher(path: Path) -> None:
    """Write the command of a system package, which runs from the tree in its place."""
    path.write_text(_LAUNCHER)
    path.chmod(0o755)


def write_system_configuration(path: Path) -> None:
    """Write the tree's description for its place in the system, with the system's Python."""
    path.mkdir()
    _write_configuration(path, "/usr/bin")


def make_single_file(place: Place) -> list[Path]:
    """Write one file that runs with the same version of Python, on the same kind of machine."""
    system = f"{platform.system().lower()}_{platform.machine()}"
    path = place.dist / f"graphdaemon-{VERSION}-{TAG}-{system}.pyz"
    packages = place.work / "packages"
    # It compiles for itself when it is first run, for the Python that it is run by.
    shutil.rmtree(packages, ignore_errors=True)
    shutil.copytree(
        _packages(place.work / "tree"), packages, ignore=shutil.ignore_patterns("__pycache__")
    )
    run(
        *(program("shiv", "shiv"), "--entry-point", "graphdaemon.__main__:main", "--reproducible"),
        *("--compressed", "--extend-pythonpath", "--python", f"/usr/bin/env {PYTHON}"),
        *("--site-packages", packages, "--output-file", path),
    )
    return [path]


def write_bill_of_materials(place: Place) -> list[Path]:
    """Write what is in the tree, with versions, licences and who needs what, as CycloneDX."""
    path = place.dist / f"graphdaemon-{VERSION}-{TAG}.cdx.json"
    # The description leaves the version to the builder, and the list would be without one.
    described = (ROOT / "pyproject.toml").read_text("utf-8")
    description = place.work / "pyproject.toml"
    description.write_text(described.replace('dynamic = ["version"]', f'version = "{VERSION}"'))
    run(
        *(program("cyclonedx-py", "cyclonedx-bom"), "environment", "--output-reproducible"),
        *("--pyproject", description, "--mc-type", "application", "--validate"),
        *("--of", "JSON", "--output-file", path, place.work / "tree/bin/python3"),
    )
    return [path]


def _packages(tree: Path) -> Path:
    return tree / "lib" / PYTHON / "site-packages"


def _write_configuration(folder: Path, home: str) -> None:
    version = ".".join(map(str, sys.version_info[:2]))
    (folder / "pyvenv.cfg").write_text(
        f"home = {home}\ninclude-system-site-packages = false\nversion = {version}\n"
    )


def _date(tree: Path) -> None:
    """Give everything one time, so that two builds are the same to the byte."""
    moment = int(os.environ["SOURCE_DATE_EPOCH"])
    for path in tree.rglob("*"):
        os.utime(path, (moment, moment), follow_symlinks=False)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
