"""The files of the system that a program sees in a namespace in place of the machine's own."""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from entra_emulator.exec.hosts import list_hosts
from entra_emulator.exec.loopback import EMULATOR_ADDRESS
from entra_emulator.exec.trust import TrustFiles, find_system_bundles
from entra_emulator.private_files import write_file

_PUBLIC = 0o644
_FIRST_WORDS, _LONGEST_LINE = 10, 4_096

# Where the C library asks a daemon of the machine for names, which would tell real addresses.
_NAME_DAEMONS = ("/run/nscd", "/var/run/nscd")


class Binding(NamedTuple):
    """A file or folder that is seen in the place of another."""

    source: str
    target: str


def write_system_files(
    folder: Path, trust: TrustFiles, command: Sequence[str], environment: Mapping[str, str]
) -> list[Binding]:
    """
    Write the files into the folder.

    Args:
        folder: where they are written.
        trust: the files of trusted certificates.
        command: of the program, for the certificates that come with its Python.
        environment: the program's variables, for the certificates of its Java.
    """
    nothing = folder / "nothing"
    nothing.mkdir(mode=0o755)
    texts = {
        "/etc/hosts": _write_hosts(Path("/etc/hosts")),
        "/etc/resolv.conf": f"nameserver {EMULATOR_ADDRESS}\n",
        # Other sources of names are daemons of the machine, which know the real addresses.
        "/etc/nsswitch.conf": _ask_files_first(_read("/etc/nsswitch.conf")),
    }
    bindings = []
    for target, text in texts.items():
        source = folder / Path(target).name
        write_file(source, text.encode("utf-8", "surrogateescape"), mode=_PUBLIC)
        bindings.append(Binding(str(source), target))
    bindings += [Binding(str(nothing), target) for target in _NAME_DAEMONS]
    bundles = [*find_system_bundles(), *_find_python_bundles(command, environment)]
    bindings += [Binding(str(trust.bundle), str(path)) for path in bundles]
    bindings += [Binding(str(trust.java), str(path)) for path in _find_java_stores(environment)]
    return [one for one in bindings if os.path.exists(one.target)]  # noqa: PTH110  a text


def _ask_files_first(text: str) -> str:
    """The table of where names are looked up, with nothing but files and DNS for hosts."""
    return "".join(
        "hosts: files dns\n" if line.lstrip().startswith("hosts:") else line
        for line in text.splitlines(keepends=True)
    )


def _write_hosts(path: Path) -> str:
    """The machine's own table of hosts, with the emulator's in front and nowhere else."""
    hosts = list_hosts()
    kept = [f"{EMULATOR_ADDRESS} {' '.join(hosts)}"]
    for line in _read(str(path)).splitlines():
        address, *names = line.partition("#")[0].split() or [""]
        names = [name for name in names if name.lower() not in hosts]
        if address and names:
            kept.append(" ".join((address, *names)))
    return "\n".join(kept) + "\n"


def _find_python_bundles(command: Sequence[str], environment: Mapping[str, str]) -> Iterator[Path]:
    """The certificates of `certifi`, which Python's clients trust in place of the system's."""
    # The program may stand behind others, such as `env -i` or `timeout 60`.
    paths = [shutil.which(word, path=environment.get("PATH")) for word in command[:_FIRST_WORDS]]
    programs = [path for path in paths if path]
    programs += [interpreter for path in programs if (interpreter := _read_interpreter(path))]
    for place in dict.fromkeys(Path(path).parent.parent for path in programs):
        yield from place.glob("lib/python3*/site-packages/certifi/cacert.pem")


def _read_interpreter(script: str) -> str:
    """The interpreter that a script names in its first line; empty if it is another program."""
    try:
        with Path(script).open("rb") as file:
            first = file.readline(_LONGEST_LINE)
    except OSError:  # which may be executed, and not read
        return ""
    words = os.fsdecode(first[2:]).split() if first.startswith(b"#!") else []
    return words[0] if words else ""


def _find_java_stores(environment: Mapping[str, str]) -> Iterator[Path]:
    java = shutil.which("java", path=environment.get("PATH"))
    homes = [Path(java).resolve().parent.parent] if java else []
    if environment.get("JAVA_HOME"):
        homes.append(Path(environment["JAVA_HOME"]))
    stores = [home / "lib/security/cacerts" for home in homes]
    yield from dict.fromkeys(store.resolve() for store in stores if store.is_file())


def _read(path: str) -> str:
    try:
        return Path(path).read_text("utf-8", "surrogateescape")
    except FileNotFoundError:
        return ""
