"""Fault files."""

from pathlib import Path

import pytest

from entra_emulator.clock import Clock
from entra_emulator.faults.orders import FaultFileError
from entra_emulator.faults.schedule import Faults

TOML = """
[[fault]]
kind = "status"
status = 429
retry_after = 2
route = "GET /users*"
chance = 0.5
seed = 7

[[fault]]
kind = "latency"
delay = 0.05
seconds = 60
"""


def test_file(tmp_path: Path) -> None:
    """A file of faults is followed, in TOML or JSON."""
    (tmp_path / "faults.toml").write_text(TOML)
    (tmp_path / "faults.json").write_text('{"fault": [{"kind": "reset", "count": 3}]}')
    faults = Faults(Clock(at=100))
    faults.load(tmp_path / "faults.toml")
    faults.load(tmp_path / "faults.json")

    described = [plan.describe() for plan in faults.plans()]
    assert [(plan["fault"]["kind"], plan["left"], plan["until"]) for plan in described] == [
        ("status", None, None),
        ("latency", None, 160),
        ("reset", 3, None),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[fault]", "Expected ']]'"),
        ("[fault]", "Expected `array`"),
        ("[[faults]]", "unknown field `faults`"),
        ("[[fault]]\n[[fault]]\nstatsu = 503", "fault 2: no key is named 'statsu'; use code, "),
        ("[[fault]]\nkind = 'fire'", "fault 1: 'fire' is no kind of fault; there are outage"),
        ("[[fault]]\nstatus = 503", "fault 1: of outage one can say code, retry_after, html, not"),
        ("[[fault]]\nkind = 'status'\nstatus = 418", "fault 1: 418 is none of 429, 500"),
        ("[[fault]]\nkind = 'status'\nstatus = '503'", "fault 1: Expected `int | null`"),
        ("[[fault]]\nkind = 'reset'\nwhen = 'never'", "when is before or during or after, not"),
        ("[[fault]]\nkind = 'drip'\nrate = 0.5", "fault 1: rate is 1 or more"),
        ("[[fault]]\nchance = 2.0", "fault 1: a chance is above 0"),
        ("[[fault]]\ncount = 1\nseconds = 1", "fault 1: say count or seconds"),
    ],
)
def test_wrong_file(tmp_path: Path, text: str, message: str) -> None:
    """A file that cannot be followed says which fault and why, and plans nothing."""
    path = tmp_path / "faults.toml"
    path.write_text(text)
    faults = Faults(Clock(at=0))

    with pytest.raises(FaultFileError, match=r"faults\.toml") as failure:
        faults.load(path)
    assert message in str(failure.value)
    assert faults.plans() == []


def test_a_file_without_an_end_is_refused() -> None:
    """A name may lead to a device by mistake."""
    with pytest.raises(FaultFileError, match="/dev/zero: this has more than"):
        Faults(Clock(at=0)).load(Path("/dev/zero"))
