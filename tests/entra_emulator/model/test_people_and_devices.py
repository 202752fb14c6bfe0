from entra_emulator.model.people_and_devices import derive_sid


def test_sid() -> None:
    """The security identifier is the one recorded for this ID."""
    recorded = "S-1-12-1-2750858758-1121401068-3973320332-1637682607"

    assert derive_sid("a3f6c606-38ec-42d7-8c0e-d4ecaf0d9d61") == recorded
