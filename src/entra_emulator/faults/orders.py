"""Orders to plan a fault, as they stand in fault files and in requests to the control API."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from entra_emulator.faults.fault import Fault


class FaultFileError(ValueError):
    """A fault file that cannot be followed; the text says where and why."""


# The fields of `Fault` are repeated here, so that an order in a file is one flat table.
class FaultOrder(msgspec.Struct, forbid_unknown_fields=True):
    """
    Which requests are to fail, and how.

    The next `count` requests fail, or all during `seconds`. `route` and `chance` are those of
    `FaultPlan`, the other fields those of `Fault`.
    """

    count: int | None = None
    seconds: float | None = None
    route: str | None = None
    chance: float = 1.0
    seed: int | None = None
    kind: str = "outage"
    code: int | None = None
    retry_after: int | None = None
    html: bool = False
    status: int | None = None
    error: str | None = None
    after: bool = False
    delay: float | None = None
    jitter: float | None = None
    when: str | None = None
    framing: str | None = None
    rate: float | None = None
    lag: float | None = None

    def fault(self) -> Fault:
        """
        The fault that is ordered.

        Raises:
            ValueError: see `Fault`.
        """
        plan = {"count", "seconds", "route", "chance", "seed"}
        return Fault(**{k: v for k, v in msgspec.structs.asdict(self).items() if k not in plan})


class _File(msgspec.Struct, forbid_unknown_fields=True):
    fault: list[dict[str, Any]]


def read_orders(path: Path) -> list[FaultOrder]:
    """
    The orders in a fault file: TOML with `[[fault]]` tables, or JSON with a list named `fault`.

    Raises:
        FaultFileError: it is neither, or an order makes no sense.
        OSError: it cannot be read.
    """
    content = path.read_bytes()
    try:
        if path.suffix == ".json":
            loaded = msgspec.json.decode(content)
        else:
            loaded = tomllib.loads(content.decode())
        entries = msgspec.convert(loaded, _File).fault
    except (ValueError, RecursionError) as error:
        raise FaultFileError(f"{path}: {error}") from error
    return [_read_order(path, number, entry) for number, entry in enumerate(entries, 1)]


def _read_order(path: Path, number: int, entry: Mapping[str, Any]) -> FaultOrder:
    for key in entry:
        if key not in FaultOrder.__struct_fields__:
            known = ", ".join(FaultOrder.__struct_fields__)
            raise FaultFileError(f"{path}: fault {number}: no key is named {key!r}; use {known}")
    try:
        order = msgspec.convert(entry, FaultOrder)
        order.fault()  # now, so that a wrong file is refused before the emulator runs
    except ValueError as error:
        raise FaultFileError(f"{path}: fault {number}: {error}") from error
    return order
