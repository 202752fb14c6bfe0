"""
The source distribution and the wheels: built, compared with the sources, read by twine.

One wheel runs everywhere, another has the compiled part and is for this kind of machine; pip takes
the second where it fits.
"""

from __future__ import annotations

import platform
import shutil
import sys
import tarfile
import zipfile
from pathlib import Path

from tools.release.step import ROOT, Place, StepFailedError, Unavailable, only, program, run

# What a file of the repository is not shipped for: it says how the repository itself is run.
_NOT_SHIPPED = (".ci/",)
# Tests that look at the tree as a whole, and so at what an unpacked source distribution lacks.
_TESTS = (
    "tests/scenarios/test_layout.py",
    "tests/scenarios/test_docs.py",
    "tests/scenarios/test_deployment.py",
    "tests/graphdaemon/test_errors.py",
)


def build(place: Place) -> list[Path]:
    """Build the source distribution, and of it the wheels, as an installer would."""
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", place.dist]
    run(*build, "--sdist", ROOT)
    sdist = only(place.dist, "*.tar.gz")
    unpacked = unpack(sdist, place.work / "sdist")
    run(*build, "--wheel", unpacked, env={"GRAPHDAEMON_COMPILE": "0"})
    pure = only(place.dist, "*-none-any.whl")
    if platform.system() != "Linux" or not any(map(shutil.which, ("cc", "gcc", "clang"))):
        return [sdist, pure]
    run(*build, "--wheel", unpacked, env={"GRAPHDAEMON_COMPILE": "1"})
    # The index takes no wheel for "some Linux". The compiled part uses nothing of the C library
    # that is newer than what this tag promises, and auditwheel would find the same.
    (compiled,) = set(place.dist.glob("*.whl")) - {pure}
    _promise(compiled, f"manylinux2014_{platform.machine()}")
    return [sdist, *sorted(place.dist.glob("*.whl"))]


def _promise(wheel: Path, tag: str) -> None:
    """Name the systems that a compiled wheel runs on."""
    tags = [sys.executable, "-m", "wheel", "tags", "--remove", "--platform-tag", tag, wheel]
    run(*tags)


def unpack(sdist: Path, folder: Path) -> Path:
    """Unpack a source distribution into a new folder; the one folder that it consists of."""
    shutil.rmtree(folder, ignore_errors=True)
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    return only(folder, "*")


def list_sdist(sdist: Path) -> set[str]:
    """The files of a source distribution, without its folder and its metadata."""
    with tarfile.open(sdist) as archive:
        names = {member.name.partition("/")[2] for member in archive if member.isfile()}
    return names - {"PKG-INFO"}


def list_wheel(wheel: Path) -> set[str]:
    """The files of a wheel as they stand in the sources; not its metadata and what it compiled."""
    with zipfile.ZipFile(wheel) as archive:
        names = {
            name
            for name in archive.namelist()
            if ".dist-info/" not in name and not name.endswith(".abi3.so")
        }
    return {
        f"docs/man/{name.rpartition('/')[2]}"
        if ".data/data/share/man/man1/" in name
        else f"src/{name}"
        for name in names
    }


def list_sources(*folders: str) -> set[str]:
    """
    The files of the repository that are to be shipped.

    Raises:
        Unavailable: This is no repository, so that nothing says what belongs to it.
    """
    if not (ROOT / ".git").exists():
        raise Unavailable("this is not a clone of the repository: no list of its files to compare")
    files = run(program("git", "git"), "-C", ROOT, "ls-files", "-z", *folders).split("\0")
    return {name for name in files if name and not name.startswith(_NOT_SHIPPED)}


def check_files(place: Place) -> str:
    """Nothing is left out of what was built, and nothing else is in it."""
    sources = list_sources()
    wheel_sources = {one for one in list_sources("src", "docs/man") if not one.endswith(".c")}
    sdist = only(place.dist, "*.tar.gz")
    built = [(sdist, list_sdist(sdist), sources)]
    built += [(path, list_wheel(path), wheel_sources) for path in place.dist.glob("*.whl")]
    for path, there, expected in built:
        if there != expected:
            raise StepFailedError(
                f"{path.name} lacks {sorted(expected - there)[:9]}, and has besides "
                f"{sorted(there - expected)[:9]}; commit or remove them"
            )
    return f"{len(sources)} files in the source distribution, {len(wheel_sources)} in the wheel"


def check_metadata(place: Place) -> str:
    """The description can be shown, and every field is one that the index takes."""
    files = sorted([*place.dist.glob("*.tar.gz"), *place.dist.glob("*.whl")])
    run(program("twine", "twine"), "--no-color", "check", "--strict", *files)
    return f"twine has nothing to say of {len(files)} files"


def try_sdist(place: Place) -> str:
    """The tests run where nothing of the checkout is but the unpacked source distribution."""
    python = ROOT / ".venv/bin/python"
    if not python.exists():
        raise Unavailable("the tools of development are not set up (make .venv/.ready-dev)")
    unpacked = unpack(only(place.dist, "*.tar.gz"), place.work / "tested")
    said = run(
        *(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--no-header", *_TESTS),
        cwd=unpacked,
        env={"PYTHONPATH": str(unpacked / "src")},
    )
    return said.strip().splitlines()[-1]
