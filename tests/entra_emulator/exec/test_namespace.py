"""Real programs in real namespaces; skipped, with the reason, where there are none."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.exec_run import (
    make_command,
    make_environment,
    need,
    run_exec,
    run_python,
    start_exec,
)

METHOD = "namespace"

LIST_USERS = """
import json, os, urllib.parse, urllib.request
authority = "https://login.microsoftonline.com/" + os.environ["AZURE_TENANT_ID"]
form = {
    "grant_type": "client_credentials",
    "client_id": os.environ["AZURE_CLIENT_ID"],
    "client_secret": os.environ["AZURE_CLIENT_SECRET"],
    "scope": "https://graph.microsoft.com/.default",
}
def fetch(url, body=None, **headers):
    with urllib.request.urlopen(urllib.request.Request(url, body, headers)) as answer:
        return json.load(answer)
form = urllib.parse.urlencode(form).encode()
token = fetch(authority + "/oauth2/v2.0/token", form)["access_token"]
page = fetch("https://graph.microsoft.com/v1.0/users?$top=5", Authorization="Bearer " + token)
print(len(page["value"]), page["@odata.nextLink"][:43])
"""


@pytest.fixture
def service() -> Iterator[tuple[int, list[bytes]]]:
    """A service that every address of this machine leads to: its port, and what reached it."""
    received: list[bytes] = []
    with socket.create_server(("", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    received.append(connection.recv(100))
                    connection.sendall(b"from outside")

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1], received
        listener.shutdown(socket.SHUT_RDWR)


def test_a_program_meets_the_tenant_at_microsofts_addresses() -> None:
    """Without a setting: names of hosts, certificates, and credentials in AZURE_ variables."""
    done = run_python(METHOD, LIST_USERS)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "5 https://graph.microsoft.com/v1.0/users?$top\n"


def test_a_program_without_variables_meets_it_too() -> None:
    """The system's own certificates and table of hosts stand for the emulator's."""
    code = (
        "import urllib.request as u\n"
        "url = 'https://login.microsoftonline.us/common/v2.0/.well-known/openid-configuration'\n"
        "print(u.urlopen(url).status)"
    )

    done = run_exec(METHOD, "env", "-i", sys.executable, "-c", code)

    assert (done.returncode, done.stdout) == (0, "200\n"), done.stderr


def test_the_machine_has_a_managed_identity() -> None:
    """At the address that the metadata service has in Azure, on port 80."""
    code = (
        "import urllib.request as u\n"
        "url = 'http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01'\n"
        "url += '&resource=https://graph.microsoft.com'\n"
        "print(u.urlopen(u.Request(url, headers={'Metadata': 'true'})).read()[:17])"
    )

    assert run_python(METHOD, code).stdout == 'b\'{"access_token":"\'\n'


TRY = """
import json, socket, sys
for address, port, kind in json.loads(sys.argv[1]):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, getattr(socket, kind)) as tried:
        tried.settimeout(20)
        try:
            tried.connect((address, port))
            tried.send(b"out")
            print(tried.recv(100))
        except OSError as error:
            print(type(error).__name__)
"""


def try_out(targets: list[tuple[str, int, str]], *options: str) -> subprocess.CompletedProcess[str]:
    """Let a program in a namespace try each address, port and kind of socket."""
    return run_exec(METHOD, sys.executable, "-c", TRY, json.dumps(targets), options=options)


def own_addresses() -> list[str]:
    """Addresses by which this machine reaches itself, besides its loopback."""
    addresses = []
    for family, elsewhere in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect((elsewhere, 9))
            except OSError:
                continue
            addresses.append(probe.getsockname()[0])
    return addresses


def test_no_packet_reaches_another_address(service: tuple[int, list[bytes]]) -> None:
    """Not even this machine, where something listens: each is refused at once, and said."""
    port, received = service
    addresses = ["192.0.2.1", "8.8.8.8", "2001:db8::1", "127.0.0.1", "::1", *own_addresses()]
    targets = [(one, port, kind) for one in addresses for kind in ("SOCK_STREAM", "SOCK_DGRAM")]

    done = try_out(targets)

    assert done.stdout.splitlines() == ["ConnectionRefusedError"] * len(targets)
    assert received == []
    for address in addresses:
        own = "localhost" if address in {"127.0.0.1", "::1"} else address
        target = f"[{own}]:{port}" if ":" in own else f"{own}:{port}"
        assert done.stderr.count(f"tried to reach {target} and was refused") == 1, done.stderr


def test_the_namespace_has_no_other_way_out() -> None:
    """One interface, the loopback, and no abstract socket of the machine's."""
    with socket.socket(socket.AF_UNIX) as outside:
        outside.bind(f"\0graphdaemon-test-{os.getpid()}")
        outside.listen()
        code = (
            "import json, socket\n"
            "with socket.socket(socket.AF_UNIX) as tried:\n"
            f"    code = tried.connect_ex('\\0graphdaemon-test-{os.getpid()}')\n"
            "print(json.dumps([socket.if_nameindex(), code]))"
        )
        done = run_python(METHOD, code)

    assert json.loads(done.stdout) == [[[1, "lo"]], 111]


def test_a_program_cannot_leave_the_namespace() -> None:
    """It sees no process outside, whose network it could enter; a new one of its own has no way."""
    code = (
        "import ctypes, os, socket\n"
        "seen = filter(str.isdigit, os.listdir('/proc'))\n"
        "networks = {os.readlink(f'/proc/{one}/ns/net') for one in seen}\n"
        "ctypes.CDLL(None).unshare(0x10000000 | 0x40000000)\n"
        "with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as tried:\n"
        "    print(len(networks), tried.connect_ex(('192.0.2.1', 9)) != 0)\n"
    )

    assert run_python(METHOD, code).stdout == "1 True\n"


def test_names_of_other_hosts_are_refused_and_said_once() -> None:
    """Whether the C library asks, or the program itself, wherever it thinks a name server is."""
    code = (
        "import socket\n"
        "for name in ('example.com', 'example.com', 'graph.microsoft.com', 'localhost'):\n"
        "    try: print(socket.getaddrinfo(name, 443, type=socket.SOCK_STREAM)[0][4][0])\n"
        "    except OSError as error: print(error.args[0] == socket.EAI_NONAME)\n"
    )

    done = run_python(METHOD, code)

    lines = done.stdout.splitlines()
    assert lines[:3] == ["True", "True", "127.0.0.2"]
    assert lines[3] in {"127.0.0.1", "::1"}
    assert done.stderr.count("asked for example.com") == done.stderr.count("\n") == 1


@pytest.mark.parametrize("named", ["localhost:{port}", "127.0.0.1"])
def test_an_allowed_service_is_reached(service: tuple[int, list[bytes]], named: str) -> None:
    """By either address of the loopback, with what it answers; without a port, every service is."""
    port, received = service
    targets = [("127.0.0.1", port, "SOCK_STREAM"), ("::1", port, "SOCK_STREAM")]

    done = try_out(targets, "--allow", named.format(port=port))

    assert done.stdout == "b'from outside'\nb'from outside'\n"
    assert received == [b"out", b"out"]


def test_an_allowed_service_that_is_not_there_breaks_off() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    done = try_out([("127.0.0.1", port, "SOCK_STREAM")], "--allow", f"localhost:{port}")

    assert done.stdout in {"ConnectionResetError\n", "b''\n"}


def test_an_ordinary_user_has_no_more_rights_inside() -> None:
    """Here one that a user namespace makes of the caller, whoever that is."""
    need(METHOD)
    if shutil.which("unshare") is None:
        pytest.skip("util-linux is not installed")
    look = (
        "import os\n"
        "rows = dict(line.split(':') for line in open('/proc/self/status'))\n"
        "print(os.getuid(), rows['CapEff'].strip())"
    )
    done = subprocess.run(
        [
            *("unshare", "--user", "--map-user=1234", "--map-group=1234", "--"),
            *make_command(METHOD, sys.executable, "-c", f"{look}\n{LIST_USERS}"),
        ],
        env=make_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert done.stdout.splitlines() == [
        "1234 0000000000000000",
        "5 https://graph.microsoft.com/v1.0/users?$top",
    ], done.stderr


def test_the_programs_files_and_variables_are_its_own(tmp_path: Path) -> None:
    """Standard input, a file that was handed over, folder and variables arrive."""
    read, write = os.pipe()
    os.write(write, b"handed over")
    os.close(write)
    code = (
        "import os, sys\n"
        f"print(sys.stdin.read(), os.read({read}, 99).decode(), os.getcwd())\n"
        "print(ascii(os.environ['MINE']))\n"
    )
    done = run_exec(
        METHOD,
        sys.executable,
        "-c",
        code,
        variables={"MINE": "kept \udcff"},
        input="given",
        cwd=tmp_path,
        pass_fds=[read],
    )
    os.close(read)

    assert done.returncode == 0, done.stderr
    assert done.stdout == f"given handed over {tmp_path}\n'kept \\udcff'\n"


def test_processes_that_a_program_leaves_end_with_it() -> None:
    """Even one that has left its group and its parent: it cannot outlive the tenant."""
    left = "(setsid sleep 1000 >/dev/null 2>&1 &); exit 5"

    assert run_exec(METHOD, "sh", "-c", left).returncode == 5


def test_the_machine_itself_is_not_changed() -> None:
    """What is bound over the system's files is seen in the namespace alone."""
    before = Path("/etc/hosts").read_bytes()
    with start_exec(METHOD, "sh", "-c", "cat /etc/hosts; read wait") as process:
        assert process.stdout is not None
        assert "graph.microsoft.com" in process.stdout.readline()
        assert Path("/etc/hosts").read_bytes() == before
        assert "mount_point" not in Path("/proc/self/mounts").read_text()


def test_a_system_without_namespaces_says_so(tmp_path: Path) -> None:
    """Exit code 2, the reason and the other way; nothing of the program has run."""
    need(METHOD)
    limited = (
        "import pathlib, os; pathlib.Path('/proc/sys/user/max_net_namespaces').write_text('0')"
    )
    command = make_command(METHOD, "touch", str(tmp_path / "ran"))
    script = f"{limited}; os.execv({command[0]!r}, {command!r})"
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--", sys.executable, "-c", script],
        env=make_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert done.returncode == 2
    assert done.stderr == (
        "Error: This system does not let the program run in namespaces of its own (the limit of "
        "user.max_user_namespaces, or of another kind, is reached).\n"
        "Try: Use --method proxy, which leads the program through a proxy. The program must "
        "observe the proxy variables.\n"
    )
    assert not (tmp_path / "ran").exists()
