"""Who is compared: how each is started, and what it needs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from bench.listing import names
from bench.listing.identity import CLIENT_ID, SECRET, TENANT
from bench.listing.peers import PEERS
from bench.listing.place import Place

_SCRIPTS = Path(__file__).parent / "client"
_COMMAND = [sys.executable, "-m", "graphdaemon"]

Command = Callable[[Place, Path], list[str]]
"""How something is started, in a home of its own."""


class Client(NamedTuple):
    """
    One way to list everybody.

    Attributes:
        name: What the table calls it.
        command: How it is started.
        output: The file in its home that holds the users afterwards; empty if there is none.
        fresh: It finds nothing of an earlier run.
        bundle: It reads the authorities that everybody trusts from a file, as it does by default.
        peer: What has to be installed for it.
        before: What is run once beforehand, such as signing in.
        once: One run is enough, it takes that long.
    """

    name: str
    command: Command
    output: str = "output"
    fresh: bool = False
    bundle: bool = True
    peer: str = ""
    before: tuple[Command, ...] = ()
    once: bool = False


def find_absent(clients: Iterable[Client]) -> dict[str, str]:
    """Who cannot take part, and why."""
    return {client.name: why for client in clients if (why := _find_obstacle(client))}


def _find_obstacle(client: Client) -> str:
    if not client.peer:
        return ""
    if not PEERS[client.peer].program.exists():
        return f"not installed (python -m bench.listing.peers {client.peer})"
    if not names.are_ours():
        return "has Microsoft's names built in, and unshare is not possible here"
    return ""


def _ours(*options: str, cached: bool = True) -> Command:
    def command(place: Place, home: Path) -> list[str]:
        settings = place.parameters(home, cached=cached)
        files = ["--output", str(home / "users.ndjson"), "--proof", str(home / "proof.json")]
        listing = ["list", "users", str(settings), "--format", "ndjson"]
        return [*_COMMAND, *listing, *files, *options]

    return command


def _in_python(command: Command) -> Command:
    """The same without the compiled part."""
    return lambda place, home: ["env", "GRAPHDAEMON_COMPILED=0", *command(place, home)]


def _curl(*options: str, config: str = "curl") -> Command:
    def command(place: Place, _home: Path) -> list[str]:
        trust = ["--cacert", str(place.ca_file)]
        return ["curl", "--http1.1", *trust, *options, "--config", str(place.folder / config)]

    return command


def _script(name: str, *options: str, peer: str = "") -> Command:
    python = str(PEERS[peer].program) if peer else sys.executable
    return lambda _place, _home: [python, str(_SCRIPTS / name), *options]


def _program(peer: str, *words: str) -> Command:
    return lambda _place, _home: [str(PEERS[peer].program), *words]


def _parallel(number: int) -> tuple[str, ...]:
    return ("--parallel", "--parallel-immediate", "--parallel-max", str(number))


OURS = Client("graphdaemon", _ours(), "users.ndjson", bundle=False)
OURS_IN_PYTHON = OURS._replace(
    name="graphdaemon, nothing compiled", command=_in_python(OURS.command)
)
NO_TOKEN = OURS._replace(name="graphdaemon, no token yet", command=_ours(cached=False))
FIRST = NO_TOKEN._replace(name="graphdaemon, first time", fresh=True)
HELP = Client("graphdaemon --help", lambda _place, _home: [*_COMMAND, "--help"], "")
CHAINS = Client("bare loop, 16 chains", _script("chains.py"), bundle=False)

TWENTY_LINES = Client("http.client and msgspec, one hour", _script("twenty_lines.py"))
CURL = Client("curl --compressed", _curl("--compressed"), bundle=False)
CURL_RAW = CURL._replace(
    name="curl, left compressed", command=_curl("--header", "Accept-Encoding: gzip"), output=""
)
CURL_PLAIN = CURL._replace(name="curl, asking for no compression", command=_curl())
CURL_16 = CURL._replace(
    name="curl --compressed, 16 at a time",
    command=_curl("--compressed", *_parallel(16), config="curl-parallel"),
    output="",
)

# As many as we have chains.
CURL_32 = CURL_16._replace(
    name="curl --compressed, 32 at a time",
    command=_curl("--compressed", *_parallel(32), config="curl-parallel"),
)
THREADS = Client("36 prefixes: http.client, msgspec", _script("thread_prefixes.py"), bundle=False)
AIOHTTP = Client(
    "36 prefixes: aiohttp, orjson",
    _script("aiohttp_prefixes.py", peer="aiohttp"),
    bundle=False,
    peer="aiohttp",
)
GO = Client("36 prefixes: Go", _program("go"), bundle=False, peer="go")
PYREQWEST = Client(
    "pyreqwest, msgspec",
    _script("pyreqwest_chain.py", peer="pyreqwest"),
    bundle=False,
    peer="pyreqwest",
)
PARALLEL = (THREADS, AIOHTTP, GO)
"""Who divides the directory as most would, by the first letter; nothing vouches for that."""

SAMPLE = Client("official sample with a loop", _script("sample.py"))
SAMPLE_KEPT = Client("official sample with one Session", _script("sample.py", "--session"))
SDK = Client(
    "msgraph-sdk",
    _script("msgraph_sdk.py", peer="msgraph-sdk"),
    peer="msgraph-sdk",
    once=True,
)
NODE = Client(
    "microsoft-graph-client for Node",
    lambda _place, _home: ["node", str(_SCRIPTS / "graph_client.mjs")],
    peer="node",
)
O365 = Client("O365", _script("o365_client.py", peer="o365"), peer="o365")
OFFICE365 = Client(
    "Office365-REST-Python-Client",
    _script("office365_client.py", peer="office365"),
    peer="office365",
)
AZ = Client(
    "az ad user list",
    _program("az", "ad", "user", "list", "--output", "json"),
    peer="az",
    before=(
        _program(
            "az",
            *("login", "--service-principal", "--allow-no-subscriptions"),
            *("--username", CLIENT_ID, "--password", SECRET, "--tenant", TENANT),
        ),
    ),
    once=True,
)
M365 = Client(
    "m365 entra user list",
    _program("m365", "entra", "user", "list", "--output", "json"),
    peer="m365",
    before=(
        _program("m365", "cli", "config", "set", "--key", "disableTelemetry", "--value", "true"),
        _program(
            "m365",
            *("login", "--authType", "secret", "--appId", CLIENT_ID),
            *("--tenant", TENANT, "--secret", SECRET),
        ),
    ),
    once=True,
)
LIBRARIES = (NODE, O365, OFFICE365)
"""What pages of 999 can be asked of."""
COMMANDS = (AZ, M365)
"""What asks for pages of 100, always."""
