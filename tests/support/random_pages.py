"""Pages as Graph sends them, as it never does, and broken: drawn in a row from a seed."""

from __future__ import annotations

import json
import random

SPACES = ("", "", "", "", " ", "\n", "\r\n", "\t ", "  ")
TEXTS = (
    '"Adele Vance"',
    '""',
    '"Žofie"',
    '"日本語"',
    '"😀"',
    r'"a\"b"',
    r'"\\"',
    r'"\u00e9"',
    r'"\ud83d\ude00"',
    r'"\/\b\f\n\r\t"',
    '"id"',
    '"\x7f"',
    '"{[}],:"',
    '"12345678"',
    '"1234567"',
    '"eight\\nlong"',
    r'"\\\\\\\\"',
    '"' + "x" * 300 + '"',
    '"\u07ff\u0800\uffff\U00010000\U0010ffff"',
)
NUMBERS = ("0", "-0", "7", "-12", "1.5", "1e3", "1E-7", "2.5e+10", "1e999", "9" * 400, "-0.0")
WORDS = ("true", "false", "null")
# What is not JSON, or not in the place where it is put.
WRONG = (
    r'"\ud800"',
    "01",
    "-",
    "1.",
    ".5",
    "1e",
    "+1",
    "NaN",
    "Infinity",
    "tru",
    "nul",
    "True",
    "'a'",
    '"\x01"',
    '"\t"',
    r'"\x"',
    r'"\u12"',
    r'"\u12g4"',
    '"',
    "",
    "[1,]",
    "{,}",
    '{"a"}',
    '{"a":1,}',
    "{1:2}",
    "]",
    "}",
    "/**/1",
    "undefined",
)
NAMES = (
    '"id"',
    '"value"',
    '"displayName"',
    '"@odata.nextLink"',
    '"@odata.count"',
    '""',
    '"x"',
    r'"\u0069d"',
)
BYTES = (
    b"\xff",
    b"\xc0\x80",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\xe2\x82",
    b"\x00",
    b"\xef\xbb\xbf",
    b'"',
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\n",
    b" ",
    b"\x1f",
    b"0",
    b"\xc3",
)


class RandomPages:
    """
    Draws pages.

    Args:
        seed: The same seed draws the same pages.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def draw(self) -> bytes:
        """The next page: half of them as they should be, the others changed in a place or three."""
        page = self._envelope().encode("utf-8", "surrogatepass")
        if self._random.random() < 0.5:
            return page
        for _ in range(self._random.choice((1, 1, 1, 2, 3))):
            page = self._change(page)
        return page

    def _envelope(self) -> str:
        chance = self._random.random
        value = self._list(self._records())
        members = [('"value"', value)] if chance() < 0.97 else []
        if chance() < 0.1:
            members.append(('"value"', self._value(2) if chance() < 0.5 else "[]"))
        if chance() < 0.5:
            members.append(
                (
                    '"@odata.nextLink"',
                    self._pick(('"https://x/y?a=1"', r'"https:\/\/x"', "null", "7")),
                )
            )
        if chance() < 0.2:
            members.append(
                (
                    '"@odata.count"',
                    self._pick(("7", "0", "-1", "1.0", "1e2", "null", '"7"', "9" * 20)),
                )
            )
        if chance() < 0.2:
            members.append(('"@odata.deltaLink"', self._pick(('"https://x/d"', "null", "[]"))))
        if chance() < 0.1:
            members.append(
                (self._pick((r'"v\u0061lue"', '"id"', '"x"', r'"\ud800"')), self._value(3))
            )
        self._random.shuffle(members)
        space = self._space
        return space() + self._object(members) + space()

    def _records(self) -> list[str]:
        kind = self._random.random()
        count = self._random.choice((0, 1, 1, 2, 3, 8))
        return [self._record() if kind < 0.9 else self._value(2) for _ in range(count)]

    def _record(self) -> str:
        members = [(self._name(), self._value(3)) for _ in range(self._random.randrange(4))]
        if self._random.random() < 0.95:
            members.insert(self._random.randrange(len(members) + 1), ('"id"', self._key()))
        return self._object(members)

    def _key(self) -> str:
        guid = f"{self._random.getrandbits(128):032x}"
        guid = "-".join((guid[:8], guid[8:12], guid[12:16], guid[16:20], guid[20:]))
        if self._random.random() < 0.9:
            return f'"{guid}"'
        return self._pick(
            (
                json.dumps(guid.upper()),
                '"7"',
                '""',
                "null",
                "7",
                f'"{guid[:-1]}g"',
                f'"{guid[1:]}-"',
                f'"\\u0061{guid[1:]}"',
                f'"{guid[:-1]}"',
                f'"{guid}_{guid}"',
                '"00000000-0000-0000-0000-000000000000"',
                '"ž2345678-0000-0000-0000-00000000000"',
                "{}",
                r'"\ud800"',
            )
        )

    def _value(self, depth: int) -> str:
        kind = self._random.random()
        if depth and kind < 0.12:
            return self._list([self._value(depth - 1) for _ in range(self._random.randrange(3))])
        if depth and kind < 0.25:
            count = self._random.randrange(3)
            return self._object([(self._name(), self._value(depth - 1)) for _ in range(count)])
        if kind < 0.26:
            levels = self._pick(("3", "97", "98", "99", "100", "101", "150"))
            return "[" * int(levels) + "]" * int(levels)
        return self._pick(TEXTS if kind < 0.7 else NUMBERS if kind < 0.9 else WORDS)

    def _name(self) -> str:
        return self._pick(NAMES if self._random.random() < 0.3 else TEXTS[:9])

    def _object(self, members: list[tuple[str, str]]) -> str:
        space = self._space
        return (
            "{" + ",".join(f"{space()}{n}{space()}:{space()}{v}{space()}" for n, v in members) + "}"
        )

    def _list(self, items: list[str]) -> str:
        return "[" + ",".join(f"{self._space()}{item}{self._space()}" for item in items) + "]"

    def _space(self) -> str:
        return self._pick(SPACES) if self._random.random() < 0.1 else ""

    def _change(self, page: bytes) -> bytes:
        at = self._random.randrange(len(page) + 1)
        to = min(len(page), at + self._random.choice((0, 1, 1, 2, 9)))
        kind = self._random.randrange(7)
        if kind == 0:
            return page[:at]
        if kind == 1:
            return page[at:]
        if kind == 2:
            return page[:at] + page[to:]
        if kind == 3:
            return page[:to] + page[at:]
        if kind == 4:
            return page[:at] + self._pick(WRONG).encode() + page[to:]
        if kind == 5:
            return page[:at] + bytes([self._random.randrange(256)]) + page[to:]
        return page[:at] + self._random.choice(BYTES) + page[to:]

    def _pick(self, texts: tuple[str, ...]) -> str:
        return self._random.choice(texts)
