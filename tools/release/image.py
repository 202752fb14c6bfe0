"""The container image, and the base that it needs."""

from __future__ import annotations

import os
import shutil

from tools.release.step import ROOT, VERSION, Place, StepFailedError, Unavailable, run

_CONTAINERFILE = ROOT / "deploy/container/Containerfile"


def make_image(place: Place) -> str:
    """
    Build the image of deploy/container, and write it as an OCI archive.

    The variable BASE names another base than the Containerfile's. IMAGE_OPTIONS are options of
    `podman build`, such as a folder to mount where the builder needs a proxy's certificate.
    """
    engine = shutil.which("podman") or shutil.which("buildah")
    if engine is None:
        raise Unavailable("neither podman nor buildah is installed")
    base = os.environ.get("BASE")
    _find_base(engine, base)
    name = f"localhost/graphdaemon:{VERSION}"
    build = "build" if engine.endswith("podman") else "bud"
    run(
        # By chroot alone: a builder in a container has no right to make containers itself.
        *(engine, build, "--isolation=chroot", "--tag", name),
        *("--timestamp", os.environ["SOURCE_DATE_EPOCH"]),
        *(["--build-arg", f"BASE={base}"] if base else []),
        *os.environ.get("IMAGE_OPTIONS", "").split(),
        *("--file", _CONTAINERFILE, ROOT),
    )
    path = place.dist / f"graphdaemon-{VERSION}.oci.tar"
    path.unlink(missing_ok=True)
    run(engine, "push", "--quiet", name, f"oci-archive:{path}:{VERSION}")
    return f"{path.name}; {_try(engine, name)}"


def _try(engine: str, name: str) -> str:
    if not engine.endswith("podman"):
        return "not run: buildah only builds"
    try:
        said = run(engine, "run", "--rm", "--read-only", "--network=none", name, "--version")
    except StepFailedError as error:
        return f"not run: this machine runs no container ({str(error).splitlines()[-1]})"
    if VERSION not in said:
        raise StepFailedError(f"the image says {said!r} when asked for its version")
    return "it runs, from a file system that nothing can be written to"


def _find_base(engine: str, base: str | None) -> None:
    if base is None:
        text = _CONTAINERFILE.read_text("utf-8")
        base = text.partition("ARG BASE=")[2].split()[0]
    try:
        run(engine, "image", "inspect", base) if engine.endswith("podman") else run(
            engine, "inspect", "--type", "image", base
        )
    except StepFailedError:
        try:
            run(engine, "pull", "--quiet", base)
        except StepFailedError as error:
            reason = str(error).splitlines()[-1]
            raise Unavailable(f"its base {base} cannot be had here: {reason}") from error
