"""Rows drawn at random, with all that a cell of CSV can be about."""

from __future__ import annotations

import json
import random
from typing import Any

_SIGNS = "ab'=+-@\uff1d\uff20 ,;\"\\/\t\r\n\x1f\x00é\u4e2d\U0001f600"
_PLAIN = "ab'=+-@\uff1d\uff20 ,;é\u4e2d\U0001f600"


class RandomRows:
    """Draws the columns of a table and its pages; the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._draws = random.Random(seed)

    def draw_columns(self) -> list[int]:
        """Return of which kind the values of each column are."""
        return [self._draws.randint(0, 4) for _ in range(self._draws.randint(1, 4))]

    def draw_page(self, kinds: list[int]) -> bytes:
        """Return the body of a page of up to five records."""
        rows = [
            {f"c{at}": self._draw_value(kind) for at, kind in enumerate(kinds) if self._is(0.9)}
            for _ in range(self._draws.randint(1, 5))
        ]
        spaced = self._is(0.2)
        separators = (", ", ": ") if spaced else (",", ":")
        return json.dumps(
            {"value": rows}, ensure_ascii=self._is(0.3), separators=separators
        ).encode()

    def _is(self, likelihood: float) -> bool:
        return self._draws.random() < likelihood

    def _draw_text(self) -> str:
        signs = _SIGNS if self._is(0.3) else _PLAIN
        return "".join(self._draws.choice(signs) for _ in range(self._draws.choice((0, 1, 2, 5))))

    def _draw_value(self, kind: int) -> Any:
        match kind:
            case 0:
                return self._draw_text() if self._is(0.8) else None
            case 1:
                return self._draws.choice(["x", "y, z", "=1", None])
            case 2:
                return [self._draw_text() for _ in range(self._draws.randint(0, 2))]
            case 3:
                nested = {"a": self._draw_text()}
                return self._draws.choice([None, True, 1.5, -3, nested, []])
            case _:
                return self._draw_text() if self._is(0.5) else self._draws.choice([1, None, "null"])
