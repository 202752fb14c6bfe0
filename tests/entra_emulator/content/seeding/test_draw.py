from entra_emulator.clock import format_iso
from entra_emulator.content.seeding.draw import Draw, format_moment


def test_draw() -> None:
    """Moments are those of the clock, and GUIDs are random ones of version 4."""
    for epoch in (0, 951_782_399, 1_451_606_400, 1_767_225_599):
        assert format_moment(epoch) == format_iso(epoch)
    guids = [Draw(seed, "x").guid() for seed in range(200)]
    assert len(set(guids)) == 200
    assert {guid[14] for guid in guids} == {"4"}
    assert {guid[19] for guid in guids} == set("89ab")
    draws = [Draw(0, str(number)).number(10) for number in range(3000)]
    assert all(240 < draws.count(digit) < 360 for digit in range(10))
