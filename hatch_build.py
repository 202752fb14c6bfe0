"""
Compiles the optional part of the client where a C compiler is; where none is, says nothing.

`GRAPHDAEMON_COMPILE=0` in the environment never compiles, and so makes the wheel that runs
everywhere; `GRAPHDAEMON_COMPILE=1` fails where nothing can be compiled. Windows has no compiler of
the form that is looked for, and takes the form in Python.
"""

import os
import platform
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_FOLDER = Path("src/graphdaemon/graph")
_SOURCES = [str(_FOLDER / name) for name in ("_compiled.c", "_csv.c", "_id_set.c")]
_TARGET = _FOLDER / "_compiled.abi3.so"
# No debugging information: it holds the place where it was made.
_FLAGS = ("-O2", "-g0", "-Wall", "-Wextra", "-fPIC")
_MAC_FLAGS = ("-bundle", "-undefined", "dynamic_lookup", "-mmacosx-version-min=11.0")


class CustomBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """hatchling's hook, asked before it makes a wheel or an editable installation."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile; `version` is that of the target, `standard` or `editable`."""
        # It has to live until the wheel is made, and goes with the process.
        folder = tempfile.TemporaryDirectory()
        built = _compile(Path(self.root), Path(folder.name) / _TARGET.name)
        if built is None:
            return
        if version == "editable":
            _replace(built, Path(self.root) / _TARGET)
            return
        self._folder = folder
        build_data["force_include"][str(built)] = _TARGET.relative_to("src").as_posix()
        build_data["pure_python"] = False
        build_data["tag"] = f"cp311-abi3-{_name_platform()}"


def _compile(root: Path, target: Path) -> Path | None:
    """Compile to `target` and return it; None where that cannot be done, or is not to be."""
    choice = os.environ.get("GRAPHDAEMON_COMPILE", "")
    compiler = _find_compiler()
    if choice == "0" or compiler is None:
        if choice == "1":
            raise RuntimeError("GRAPHDAEMON_COMPILE=1: there is no compiler to use here")
        return None
    headers = f"-I{sysconfig.get_paths()['include']}"
    command = [*compiler, *_FLAGS, headers, *_SOURCES, "-o", str(target)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)  # noqa: S603  the compiler
    if done.returncode != 0 and choice == "1":
        raise RuntimeError(f"{shlex.join(command)}\n{done.stderr}")
    return target if done.returncode == 0 else None


def _find_compiler() -> list[str] | None:
    """Return the command that makes a module."""
    # Neither PyPy nor Python without its global lock has the interface that one build is for.
    is_other = sys.implementation.name != "cpython" or sysconfig.get_config_var("Py_GIL_DISABLED")
    if is_other or os.name != "posix":
        return None
    own = shlex.split(sysconfig.get_config_var("CC") or "cc")[0]
    names = (os.environ.get("CC", ""), own, "cc", "gcc", "clang")
    path = next((path for name in names if name and (path := shutil.which(name))), None)
    if path is None:
        return None
    return [path, *(_MAC_FLAGS if sys.platform == "darwin" else ("-shared",))]


def _name_platform() -> str:
    """Return the platform as a wheel's name has it; it is compiled for this machine alone."""
    if sys.platform == "darwin":
        return f"macosx_11_0_{platform.machine()}"
    return sysconfig.get_platform().replace("-", "_").replace(".", "_")


def _replace(built: Path, target: Path) -> None:
    """Put it into its place at once: another environment of the checkout may be loading it."""
    nearby = target.with_suffix(f".{os.getpid()}")
    shutil.copyfile(built, nearby)
    nearby.replace(target)
