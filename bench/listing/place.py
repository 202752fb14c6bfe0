"""Where a client runs: the server it asks, its settings, and a home of its own."""

from __future__ import annotations

import base64
import json
import os
import shutil
import ssl
from collections.abc import Iterator
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from bench.listing.identity import CLIENT_ID, SECRET, TENANT

_NODE_MODULES = Path(__file__).parent.parent.parent / "tests/peers/node/node_modules"
_SCOPES = ["https://graph.microsoft.com/.default"]


class Place(NamedTuple):
    """
    One server, and a folder for those who ask it.

    Attributes:
        port: Where the server listens.
        server: Its process.
        data: Where directories, certificates and peers are kept.
        folder: Where clients write; gone at the end.
        users: How many the directory has.
    """

    port: int
    server: int
    data: Path
    folder: Path
    users: int

    @property
    def url(self) -> str:
        """The server's address."""
        return f"https://localhost:{self.port}"

    @property
    def ca_file(self) -> Path:
        """Whom to trust."""
        return self.data / "ca.pem"

    def home(self, name: str) -> Path:
        """The folder that ``name`` has to itself."""
        return self.folder / name.replace(" ", "-")

    def forget(self, name: str) -> None:
        """Let ``name`` begin as on its first day."""
        shutil.rmtree(self.home(name), ignore_errors=True)

    def environment(self, home: Path, *, bundle: bool) -> dict[str, str]:
        """
        What a client finds around it, and nothing else.

        Args:
            home: Its home.
            bundle: Whether to tell it of the authorities that everybody trusts, and ours.
        """
        # PYTHONPATH, to measure another checkout with this bench.
        names = ("PATH", "LANG", "PYTHONPATH")
        kept = {name: os.environ[name] for name in names if name in os.environ}
        everybody = str(self.data / "bundle.pem")
        trust = {"REQUESTS_CA_BUNDLE": everybody, "SSL_CERT_FILE": everybody} if bundle else {}
        return {
            **kept,
            **trust,
            # Node has the others built in.
            "NODE_EXTRA_CA_CERTS": str(self.ca_file),
            "AZURE_CORE_COLLECT_TELEMETRY": "0",
            "HOME": str(home),
            "XDG_CACHE_HOME": str(home / "cache"),
            "BENCH_GRAPH": self.url,
            "BENCH_AUTHORITY": f"{self.url}/{TENANT}",
            "BENCH_TENANT": TENANT,
            "BENCH_CLIENT_ID": CLIENT_ID,
            "BENCH_SECRET": SECRET,
            "BENCH_CA": str(self.ca_file),
            "BENCH_NODE_MODULES": str(_NODE_MODULES),
            "BENCH_ADDRESSES": str(self.folder / "addresses"),
            "BENCH_LOOP": str(home / "loop"),
            "BENCH_CHAINS": "16",
        }

    def parameters(self, home: Path, *, cached: bool) -> Path:
        """A settings file for our command, with or without a token cache that outlives it."""
        path = home / "parameters.json"
        settings: dict[str, Any] = {
            "authority": f"{self.url}/{TENANT}",
            "client_id": CLIENT_ID,
            "scope": _SCOPES,
            "secret": SECRET,
            "endpoint": f"{self.url}/v1.0/users",
            "ca_file": str(self.ca_file),
        }
        if cached:
            settings |= {
                "token_cache": "file",
                "token_cache_folder": str(home / "tokens"),
                "token_cache_key_file": str(_make_key(home)),
            }
        path.write_text(json.dumps(settings))
        path.chmod(0o600)
        return path

    def write_addresses(self) -> int:
        """Follow the chain once, for those who cannot: a file with each page's address."""
        addresses = list(_follow(self))
        (self.folder / "addresses").write_text("\n".join(addresses))
        for name, where in (("curl", ""), ("curl-parallel", 'output = "/dev/null"\n')):
            head = 'silent\nfail\nfail-early\ngloboff\nheader = "Authorization: Bearer x"\n'
            urls = "".join(f'url = "{address}"\n{where}' for address in addresses)
            (self.folder / name).write_text(head + urls)
        return len(addresses)

    def counts(self) -> dict[str, int]:
        """How many tokens were issued, and how often Graph was asked."""
        line = _connect(self)
        line.request("GET", "/bench/counts")
        counts: dict[str, int] = json.loads(line.getresponse().read())
        line.close()
        return counts


def _make_key(home: Path) -> Path:
    path = home / "cache.key"
    if not path.exists():
        path.write_bytes(base64.b64encode(os.urandom(32)))
        path.chmod(0o600)
    return path


def _connect(place: Place) -> HTTPSConnection:
    context = ssl.create_default_context(cafile=place.ca_file)
    return HTTPSConnection("localhost", place.port, context=context)


def _follow(place: Place) -> Iterator[str]:
    line = _connect(place)
    link: str | None = f"{place.url}/v1.0/users?$top=999"
    while link:
        yield link
        parts = urlsplit(link)
        target = f"{parts.path}?{parts.query}"
        headers = {"Authorization": "Bearer x", "Accept-Encoding": "identity"}
        line.request("GET", target, headers=headers)
        head = line.getresponse().read().partition(b',"value":[')[0]
        link = json.loads(head + b"}").get("@odata.nextLink")
    line.close()
