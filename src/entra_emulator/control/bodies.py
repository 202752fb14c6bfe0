"""
What requests to the control API say: their bodies, and the query of the audit log.

Each refuses unknown fields: a misspelt one would have no effect, and nobody would notice. What a
type cannot say of a value stands beside it for the description alone (`openapi.json`), and is
checked by whoever reads it.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from entra_emulator.content.life import MOST_RATE
from entra_emulator.faults.throttle import SIZES

# A mistyped number must not fill the disk.
MOST_OBJECTS = 1_000_000
# The year 3000: later times have no printable date, or no token could expire after them.
LATEST = 32_503_680_000

# Times by their common form, of years that are certain to lie between the limits in every zone.
_DAYS = r"((0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31)"
_TIME = (
    r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
)
_MOMENT = rf"^(19[89][0-9]|2[0-8][0-9]{{2}})-{_DAYS}T{_TIME}$"

_Number = Annotated[int, Meta(ge=0)]
_Amount = Annotated[int, Meta(ge=0, le=MOST_OBJECTS)]


class NoFields(msgspec.Struct, forbid_unknown_fields=True):
    """A body without any field."""


class ClockTime(msgspec.Struct, forbid_unknown_fields=True):
    """The time to set: ISO 8601, or seconds since 1970."""

    at: (
        Annotated[float, Meta(ge=0, lt=LATEST)]
        | Annotated[str, Meta(extra_json_schema={"pattern": _MOMENT})]
        | None
    ) = None


class ClockMove(msgspec.Struct, forbid_unknown_fields=True):
    """How far to move the clock; negative moves it back."""

    seconds: Annotated[float, Meta(gt=-LATEST, lt=LATEST)]


class Refilling(msgspec.Struct, forbid_unknown_fields=True):
    """What to fill the directory with; by default what the emulator was started with."""

    users: _Amount | None = None
    groups: _Amount | None = None
    devices: _Amount | None = None
    seed: int | None = None


class LifeOrder(msgspec.Struct, forbid_unknown_fields=True):
    """Changes per second, or a rate such as `300/m`, and the seed that chooses them."""

    rate: (
        Annotated[float, Meta(gt=0, le=MOST_RATE)]
        | Annotated[str, Meta(extra_json_schema={"pattern": r"^[1-9][0-9]{0,2}/[smhd]$"})]
    )
    seed: int = 0


class LimitChange(msgspec.Struct, forbid_unknown_fields=True):
    """Settings of the limits to change; those left out stay. No size goes by the users again."""

    enabled: bool | None = None
    size: Annotated[str, Meta(extra_json_schema={"enum": ["", *SIZES]})] | None = None
    scale: Annotated[float, Meta(gt=0)] | None = None


class AuditQuery(msgspec.Struct, forbid_unknown_fields=True):
    """
    Which entries of the audit log to list.

    Args:
        app: the application's ID.
        service: `token` or `graph`.
        verdict: `allowed` or `refused`.
        text: stands in one of its fields, in any case of letters.
        before: only entries with smaller numbers.
        after: only entries with greater numbers; the oldest of them.
        limit: the most entries.
    """

    app: str = ""
    service: str = ""
    verdict: Literal["", "allowed", "refused"] = ""
    text: str = ""
    before: _Number | UnsetType = UNSET
    after: _Number | UnsetType = UNSET
    limit: _Number = 100
