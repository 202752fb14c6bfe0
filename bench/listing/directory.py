"""
A directory on disk, so prepared that any range of it is served for next to nothing.

The users stand in one file in the order of their names, as the JSON that Graph sends by default,
with a comma between; a second file says where each begins. A page is a slice of the first.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import random
import re
from array import array
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

SEED = 6
DOMAIN = "contoso.example"
PROPERTIES = (
    *("businessPhones", "displayName", "givenName", "jobTitle", "mail", "mobilePhone"),
    *("officeLocation", "preferredLanguage", "surname", "userPrincipalName", "id"),
)
"""What a user has, in this order, as Graph shows it where nothing is selected."""

_CHUNK = 20_000
_NAME = re.compile(rb'"userPrincipalName":"([^"]*)"')
_ID = re.compile(rb'"id": ?"([0-9a-f-]{36})"')

_GIVEN = (
    "Megan Alex Irvin Pradeep Lidia Grady Johanna Jürgen Käthe Björn Zoé François Anaïs José "
    "María Łukasz Małgorzata Şule Анна Дмитрий Γιώργος Ελένη 太郎 さくら 秀英 민준 محمد فاطمة "
    "דוד प्रिया Nguyễn"
).split()
_SURNAMES = (
    "Bowen Wilber Gupta Holloway Archie Cline O'Neil Müller Groß Schäfer Lefèvre d'Aubigné Noël "
    "Núñez García Peña Wójcik Święcicki Öztürk Кузнецова Щербаков Παπαδόπουλος 佐藤 鈴木 欧阳 "
    "김 الحسن כהן शर्मा Trần Đặng"
).split()
_TITLES = (
    "Marketing Manager|Retail Manager|Software Engineer II|Sr. Program Manager|Leiter Qualität|"
    'VP "Special" Projects|Director R&D / {Ops}, [EMEA]|営業部長|Chargé d\'affaires'
).split("|")
_OFFICES = ("18/2111", "131/1104", "98/2202", "25/1B", "Zürich HB", "東京/5F")
# What the names are spelled with in addresses: a few letters begin most of them, as everywhere.
_LOGINS = (
    "alex anna adele bianca carlos christie debra diego emily enrico grady henrietta irvin isaiah "
    "johanna joni jose jurgen lee lidia lynne maria megan miriam mohamed nestor patti pradeep raul "
    "sasha svc taro wei xiu yuki zoe"
).split()
_FAMILIES = (
    "archie bowen cline dangelo garcia gupta holloway ivanov kim lefevre li lorenz muller nunez "
    "oneil ozturk pena sato sayers schafer sharma suzuki tran wang wilber yildirim"
).split()


class Directory:
    """
    The users in a folder, mapped into memory.

    Args:
        folder: Where ``build`` has put them.

    Attributes:
        total: How many there are.
    """

    def __init__(self, folder: Path) -> None:
        with (folder / "users.json").open("rb") as file:
            self._users = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._starts = array("Q")
        self._starts.frombytes((folder / "starts").read_bytes())
        self.total = len(self._starts) - 1

    def slice(self, start: int, stop: int) -> bytes:
        """The users from ``start`` to before ``stop``, with commas between."""
        return self._users[self._starts[start] : self._starts[stop] - 1] if start < stop else b""

    def name(self, at: int) -> str:
        """The userPrincipalName of the user at ``at``."""
        found = _NAME.search(self._users, self._starts[at], self._starts[at + 1])
        assert found is not None
        return found[1].decode()

    def find(self, low: str | None, high: str | None) -> tuple[int, int]:
        """Where the users are whose names lie between two, both included; None is open."""
        everybody = range(self.total)
        start = 0 if low is None else bisect_left(everybody, low.casefold(), key=self.name)
        stop = self.total
        if high is not None:
            stop = bisect_right(everybody, high.casefold(), key=self.name)
        return start, max(start, stop)

    def ids(self) -> set[bytes]:
        """The ID of everybody, packed."""
        return find_ids(memoryview(self._users))


def find_ids(text: bytes | memoryview | mmap.mmap) -> set[bytes]:
    """The IDs in some JSON, however it is laid out; packed, since there may be a million."""
    return {bytes.fromhex(found[1].replace(b"-", b"").decode()) for found in _ID.finditer(text)}


def open_directory(data: Path, total: int) -> Directory:
    """The directory of ``total`` users below ``data``; built if it is not there."""
    folder = data / f"users-{total}-{_edition()}"
    if not (folder / "starts").exists():
        build(folder, total)
    return Directory(folder)


def build(folder: Path, total: int) -> None:
    """Write a directory: the same one for the same number, whoever builds it where."""
    folder.mkdir(parents=True, exist_ok=True)
    draw = random.Random(f"{SEED} {total}")
    starts = array("Q", [0])
    with (folder / "users.json").open("wb") as file:
        for users in _chunks(draw, sorted(_draw_names(draw, total))):
            for length in map(len, users):
                starts.append(starts[-1] + length + 1)
            file.write(b",".join(users) + b",")
    # Last: what is there is whole.
    (folder / "starts").write_bytes(starts.tobytes())


def _edition() -> str:
    """Changes with what is drawn, so that no directory of another kind is taken for this one."""
    return hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:8]


def _draw_names(draw: random.Random, total: int) -> Iterator[str]:
    """Names as directories have them: a few are very common, and get numbers."""
    given = draw.choices(_LOGINS, list(_weights(len(_LOGINS))), k=total)
    families = draw.choices(_FAMILIES, list(_weights(len(_FAMILIES))), k=total)
    seen: Counter[str] = Counter()
    for one, other in zip(given, families, strict=True):
        name = f"{one}.{other}"
        seen[name] += 1
        yield f"{name}{seen[name] if seen[name] > 1 else ''}@{DOMAIN}"


def _weights(kinds: int) -> Iterator[float]:
    return (1 / (5 + kind * 7 % kinds) for kind in range(kinds))


def _chunks(draw: random.Random, names: list[str]) -> Iterator[list[bytes]]:
    for start in range(0, len(names), _CHUNK):
        yield [_write_user(draw, name) for name in names[start : start + _CHUNK]]


def _write_user(draw: random.Random, name: str) -> bytes:
    """One user as Graph shows it where nothing is selected, in its order."""
    chance, given, surname = draw.random(), draw.choice(_GIVEN), draw.choice(_SURNAMES)
    number = int(chance * 8_999_999) + 1_000_000
    phone = f"+1 425 555 {number % 10_000:04d}"
    user = {
        "businessPhones": [] if chance < 0.35 else [phone],
        "displayName": f"{given} {surname}" + (" (Contractor \\ Ext.)" if chance > 0.98 else ""),
        "givenName": given,
        "jobTitle": draw.choice(_TITLES) if chance > 0.25 else None,
        "mail": name if chance < 0.9 else None,
        "mobilePhone": phone if chance < 0.3 else None,
        "officeLocation": draw.choice(_OFFICES) if chance > 0.2 else None,
        "preferredLanguage": "en-US" if chance < 0.7 else None,
        "surname": surname,
        "userPrincipalName": name,
        "id": _write_id(draw.getrandbits(128)),
    }
    return json.dumps(user, ensure_ascii=False, separators=(",", ":")).encode()


def _write_id(bits: int) -> str:
    text = f"{bits:032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-8{text[17:20]}-{text[20:]}"
