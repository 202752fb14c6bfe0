"""Packages for Debian's and Red Hat's kinds of systems, by nfpm."""

from __future__ import annotations

import gzip
import json
import os
import platform
import re
import shutil
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from tools.release.bundle import HOME, write_launcher, write_system_configuration
from tools.release.step import PYTHON, ROOT, TAG, VERSION, Place, program, run

_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}
_MAINTAINER = "The graphdaemon authors <noreply@graphdaemon.example>"
# With the version of Python that the compiled parts are for: it is what has to be there.
_RELEASE = f"1.{TAG}"
_COMPLETIONS = {
    "bash": "usr/share/bash-completion/completions/graphdaemon",
    "zsh": "usr/share/zsh/site-functions/_graphdaemon",
    "fish": "usr/share/fish/vendor_completions.d/graphdaemon.fish",
}
_UNITS = ("graphdaemon.service", "graphdaemon-nightly.service", "graphdaemon-nightly.timer")
_RELOAD = "#!/bin/sh\nif [ -d /run/systemd/system ]; then systemctl daemon-reload || true; fi\n"
_STOP = """\
#!/bin/sh
# An upgrade goes on working with what is there until it is restarted; only a removal stops it.
case "$1" in
    remove|0) [ ! -d /run/systemd/system ] || systemctl disable --now {units} || true ;;
esac
"""


def make_packages(place: Place) -> list[Path]:
    """Write a .deb and a .rpm for this kind of machine and this version of Python."""
    nfpm = program("nfpm", "nfpm")
    files = place.work / "files"
    shutil.rmtree(files, ignore_errors=True)
    _write_files(files, place.work / "tree")
    settings = place.work / "nfpm.json"
    settings.write_text(json.dumps(_describe(place, files), indent=2))
    for kind in ("deb", "rpm"):
        run(nfpm, "package", "--config", settings, "--packager", kind, "--target", place.dist)
    return sorted([*place.dist.glob("*.deb"), *place.dist.glob("*.rpm")])


def _write_files(folder: Path, tree: Path) -> None:
    """Lay out what stands in the system besides the tree."""
    for name in ("usr/bin", "usr/lib/systemd/system", "usr/share/doc/graphdaemon"):
        (folder / name).mkdir(parents=True)
    write_launcher(folder / "usr/bin/graphdaemon")
    write_system_configuration(folder / "tree")
    for unit in _UNITS:
        shutil.copy(ROOT / "deploy/systemd" / unit, folder / "usr/lib/systemd/system")
    manual = folder / "usr/share/man/man1"
    manual.mkdir(parents=True)
    for page in (ROOT / "docs/man").iterdir():
        _compress(page.read_text("utf-8"), manual / f"{page.name}.gz")
    documents = folder / "usr/share/doc/graphdaemon"
    _compress((ROOT / "CHANGELOG.md").read_text("utf-8"), documents / "changelog.gz")
    _compress(_changelog_of_package(), documents / "changelog.Debian.gz")
    shutil.copy(ROOT / "LICENSE", documents / "copyright")
    shutil.copy(ROOT / "README.md", documents)
    shutil.copytree(ROOT / "deploy", documents / "examples")
    for shell, name in _COMPLETIONS.items():
        path = folder / name
        path.parent.mkdir(parents=True)
        path.write_text(run(tree / "bin/python3", "-I", "-m", "graphdaemon", "completion", shell))
    (folder / "reload.sh").write_text(_RELOAD)
    services = " ".join(unit for unit in _UNITS if "nightly.service" not in unit)
    (folder / "stop.sh").write_text(_STOP.format(units=services))


def _compress(text: str, target: Path) -> None:
    target.write_bytes(gzip.compress(text.encode(), mtime=0))


def _changelog_of_package() -> str:
    """What changed in how it is packaged: nothing that would not be a new version."""
    date = format_datetime(datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), UTC))
    return (
        f"graphdaemon ({VERSION}-{_RELEASE}) stable; urgency=medium\n\n"
        f"  * Version {VERSION}; changelog.gz says what is new.\n\n -- {_MAINTAINER}  {date}\n"
    )


def _describe(place: Place, files: Path) -> dict[str, Any]:
    moment = datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), UTC).isoformat()
    library = _glibc_needed(place.work / "tree")
    return {
        "name": "graphdaemon",
        "version": VERSION,
        "release": _RELEASE,
        "arch": _MACHINES.get(platform.machine(), platform.machine()),
        "platform": "linux",
        "section": "admin",
        "priority": "optional",
        "maintainer": _MAINTAINER,
        "description": (
            "List and keep in step a Microsoft Entra ID directory\n"
            "As an app with no user signed in; with a pretend tenant to try it on."
        ),
        "homepage": "https://github.com/graphdaemon/graphdaemon",
        "license": "MIT",
        "mtime": moment,
        "umask": 0o022,
        "contents": _list_contents(place.work / "tree", files, moment),
        "scripts": {
            "postinstall": str(files / "reload.sh"),
            "preremove": str(files / "stop.sh"),
            "postremove": str(files / "reload.sh"),
        },
        "overrides": {
            "deb": {"depends": [PYTHON, "ca-certificates", f"libc6 (>= {library})"]},
            "rpm": {"depends": [PYTHON, "ca-certificates", f"glibc >= {library}"]},
        },
        "deb": {"compression": "xz"},
        "rpm": {"compression": "zstd", "summary": "List a Microsoft Entra ID directory as an app"},
    }


def _list_contents(tree: Path, files: Path, moment: str) -> list[dict[str, Any]]:
    """Every file with its place, in the order of their names."""
    kept = [
        (path, f"{HOME}/{path.relative_to(tree)}")
        for path in sorted((tree / "lib").rglob("*"))
        if path.is_file()
    ]
    kept += [(path, f"/{path.relative_to(files)}") for path in sorted((files / "usr").rglob("*"))]
    kept.append((files / "tree/pyvenv.cfg", f"{HOME}/pyvenv.cfg"))
    rows: list[dict[str, Any]] = [
        {
            "src": str(source),
            "dst": target,
            "file_info": {
                "mode": 0o755 if target == "/usr/bin/graphdaemon" else 0o644,
                "mtime": moment,
            },
        }
        for source, target in kept
        if source.is_file()
    ]
    folders = [("/etc/graphdaemon", 0o755), ("/etc/graphdaemon/tenants", 0o700)]
    rows += [
        {"dst": name, "type": "dir", "file_info": {"mode": mode, "mtime": moment}}
        for name, mode in folders
    ]
    rows.append(
        {
            "src": f"/usr/bin/{PYTHON}",
            "dst": f"{HOME}/bin/python3",
            "type": "symlink",
            "file_info": {"mtime": moment},
        }
    )
    return rows


def _glibc_needed(tree: Path) -> str:
    """The newest C library that a compiled part was built against, by the names of its tags."""
    versions = [
        (int(major), int(minor))
        for path in tree.rglob("*.dist-info/WHEEL")
        for major, minor in _oldest_of_each(path.read_text("utf-8"))
    ]
    return ".".join(map(str, max(versions, default=(2, 17))))


def _oldest_of_each(text: str) -> list[tuple[str, str]]:
    """A wheel for several C libraries runs on the oldest of them."""
    found = re.findall(r"manylinux_(\d+)_(\d+)_", text)
    return [min(found, key=lambda one: (int(one[0]), int(one[1])))] if found else []
