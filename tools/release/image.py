"""The container image, and the base that it needs."""

from __future__ import annotations

import os
import shutil

from tools.release.step import ROOT, VERSION, Place, StepFailedError, Unavailable, run

_CONTAINERFILE = ROOT / "deploy/container/Containerfile"
_NAME = f"localhost/graphdaemon:{VERSION}"


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
    build = "build" if engine.endswith("podman") else "bud"
    run(
        # By chroot alone: a builder in a container has no right to make containers itself.
        *(engine, build, "--isolation=chroot", "--tag", _NAME),
        *("--timestamp", os.environ["SOURCE_DATE_EPOCH"]),
        *(["--build-arg", f"BASE={base}"] if base else []),
        *os.environ.get("IMAGE_OPTIONS", "").split(),
        *("--file", _CONTAINERFILE, ROOT),
    )
    path = place.dist / f"graphdaemon-{VERSION}.oci.tar"
    path.unlink(missing_ok=True)
    run(engine, "push", "--quiet", _NAME, f"oci-archive:{path}:{VERSION}")
    return path.name


def try_image(place: Place) -> str:
    """The image runs from a file system that nothing can be written to, without a network."""
    engine = shutil.which("podman")
    if engine is None:
        raise Unavailable("podman is not installed, and buildah only builds")
    # One of an earlier build may still be there under the same name.
    if not any(place.dist.glob("*.oci.tar")):
        raise Unavailable("there is no image of this build")
    try:
        said = run(engine, "run", "--rm", "--read-only", "--network=none", _NAME, "--version")
    except StepFailedError as error:
        raise Unavailable(f"this machine runs no container: {_last_line(error)}") from error
    if VERSION not in said:
        raise StepFailedError(f"the image says {said!r} when asked for its version")
    return "runs from a file system that nothing can be written to"


def image_exists(engine: str, name: str) -> bool:
    """Whether an image is on this machine."""
    words = ("image", "inspect") if engine.endswith("podman") else ("inspect", "--type", "image")
    try:
        run(engine, *words, name)
    except StepFailedError:
        return False
    return True


def _find_base(engine: str, base: str | None) -> None:
    if base is None:
        base = _CONTAINERFILE.read_text("utf-8").partition("ARG BASE=")[2].split()[0]
    if image_exists(engine, base):
        return
    try:
        run(engine, "pull", "--quiet", base)
    except StepFailedError as error:
        raise Unavailable(f"its base {base} cannot be had here: {_last_line(error)}") from error


def _last_line(error: StepFailedError) -> str:
    return str(error).splitlines()[-1]
