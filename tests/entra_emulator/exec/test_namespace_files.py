"""The files that stand for the system's own."""

from __future__ import annotations

import sys
from pathlib import Path

from entra_emulator.exec.namespace_files import Binding, write_system_files
from entra_emulator.exec.trust import TrustFiles


def bind(folder: Path, *command: str, **variables: str) -> dict[str, str]:
    folder.mkdir(exist_ok=True)
    trust = TrustFiles(folder / "trusted.pem", folder / "added.pem", folder / "trusted.jks")
    bindings = write_system_files(folder, trust, command, variables)
    assert all(isinstance(one, Binding) for one in bindings)
    return {target: source for source, target in bindings}


def test_hosts_lead_to_the_emulator_and_names_come_from_files(tmp_path: Path) -> None:
    bound = bind(tmp_path / "run", "true")

    assert Path(bound["/etc/hosts"]).read_text().startswith("127.0.0.2 login.microsoftonline.com ")
    assert Path(bound["/etc/resolv.conf"]).read_text() == "nameserver 127.0.0.2\n"
    if "/etc/nsswitch.conf" in bound:
        rows = Path(bound["/etc/nsswitch.conf"]).read_text().splitlines()
        assert [row for row in rows if row.startswith("hosts:")] == ["hosts: files dns"]


def test_certificates_of_the_programs_own_python_are_replaced(tmp_path: Path) -> None:
    """Whether the Python, a script of it, or a program before it is named."""
    bundle = tmp_path / "venv/lib/python3.11/site-packages/certifi/cacert.pem"
    bundle.parent.mkdir(parents=True)
    bundle.touch()
    folder = tmp_path / "venv/bin"
    folder.mkdir()
    (folder / "python").symlink_to(sys.executable)
    script = tmp_path / "script"
    script.write_text(f"#!{folder}/python -I\n")
    script.chmod(0o755)

    commands = ([f"{folder}/python"], [str(script)], ["/usr/bin/env", "-i", str(script)])
    for number, command in enumerate(commands):
        bound = bind(tmp_path / str(number), *command, PATH="/usr/bin:/bin")
        assert bound[str(bundle)].endswith("trusted.pem")


def test_certificates_of_its_java_are_replaced(tmp_path: Path) -> None:
    store = tmp_path / "java/lib/security/cacerts"
    store.parent.mkdir(parents=True)
    store.touch()

    bound = bind(tmp_path / "run", "true", PATH="", JAVA_HOME=str(tmp_path / "java"))

    assert bound[str(store)].endswith("trusted.jks")
