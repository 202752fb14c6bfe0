"""
Build everything that is shipped into dist/, twice, and try it; say what could not be done here.

``python -m tools.release`` ends with 0 where nothing failed: what this machine lacks is listed with
its reason. Publishing is no part of it: .github/workflows/release.yml does that.
"""

from __future__ import annotations

import filecmp
import hashlib
import os
import shutil
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tools.release import bundle, distributions, image, system_packages, trials
from tools.release.step import ROOT, Place, StepFailedError, Unavailable, date_of_source

_FIRST = Place(ROOT / "build/release/first", ROOT / "dist")
_SECOND = Place(ROOT / "build/release/second", ROOT / "build/release/second/dist")

# What is built twice and compared.
_BUILDS: dict[str, Callable[[Place], list[Path]]] = {
    "source distribution and wheels": distributions.build,
    "tree of all that is needed": lambda place: [bundle.make_tree(place)],
    "list of what is in it": bundle.write_bill_of_materials,
    "single file": bundle.make_single_file,
    "packages for systems": system_packages.make_packages,
}
_CHECKS: dict[str, Callable[[Place], str]] = {
    "files in them": distributions.check_files,
    "description": distributions.check_metadata,
    "tests of the source distribution": distributions.try_sdist,
    "uv tool install": trials.try_uv,
    "pipx install": trials.try_pipx,
    "single file, tried": trials.try_single_file,
    ".deb, tried": trials.try_debian,
    ".rpm, tried": trials.try_red_hat,
}


def main() -> int:
    """Do every step; 1 if one that can be done here failed."""
    os.environ["SOURCE_DATE_EPOCH"] = date_of_source()
    # The order of what is in a set is part of what Python compiles.
    os.environ["PYTHONHASHSEED"] = "0"
    os.umask(0o022)
    for place in (_FIRST, _SECOND):
        shutil.rmtree(place.work, ignore_errors=True)
        shutil.rmtree(place.dist, ignore_errors=True)
        place.work.mkdir(parents=True)
        place.dist.mkdir(parents=True)
    missing: list[str] = []
    failed: list[str] = []
    for title, build in _BUILDS.items():
        _take(title, partial(_build_twice, build), missing, failed)
    for title, check in _CHECKS.items():
        _take(title, partial(check, _FIRST), missing, failed)
    _take("container image", partial(image.make_image, _FIRST), missing, failed)
    _take("container image, run", partial(image.try_image, _FIRST), missing, failed)
    _write_sums(_FIRST.dist)
    print(f"\nin {_FIRST.dist.relative_to(ROOT)}/:")
    for path in sorted(_FIRST.dist.iterdir()):
        print(f"  {path.stat().st_size / 1e6:7.1f} MB  {path.name}")
    for title, lines in (("could not be done here", missing), ("failed", failed)):
        print("\n".join([f"\n{title}:", *(f"  {line}" for line in lines or ["nothing"])]))
    return bool(failed)


def _take(title: str, step: Callable[[], str], missing: list[str], failed: list[str]) -> None:
    """Take a step, and say how it ended."""
    print(f"{title}: ", end="", flush=True)
    try:
        print(step())
    except Unavailable as reason:
        missing.append(f"{title}: {reason}")
        print("not here")
    except (StepFailedError, ValueError, OSError) as error:
        failed.append(f"{title}: {error}")
        print("FAILED")


def _build_twice(build: Callable[[Place], list[Path]]) -> str:
    first, second = build(_FIRST), build(_SECOND)
    differing = [
        one.name for one, other in zip(first, second, strict=True) if not _is_same(one, other)
    ]
    if differing:
        raise StepFailedError(f"two builds differ in {', '.join(differing)}")
    return f"{_name(first)}; a second build is the same to the byte"


def _is_same(one: Path, other: Path) -> bool:
    if one.is_file():
        return filecmp.cmp(one, other, shallow=False)
    names = [
        sorted(str(path.relative_to(tree)) for path in tree.rglob("*") if path.is_file())
        for tree in (one, other)
    ]
    if names[0] != names[1]:
        return False
    _, mismatches, errors = filecmp.cmpfiles(one, other, names[0], shallow=False)
    return not mismatches and not errors


def _name(paths: list[Path]) -> str:
    return ", ".join(path.name for path in paths)


def _write_sums(dist: Path) -> None:
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
        for path in sorted(dist.iterdir())
    ]
    (dist / "SHA256SUMS").write_text("".join(lines))


if __name__ == "__main__":
    sys.exit(main())
