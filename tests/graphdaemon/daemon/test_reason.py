"""Why something failed, as it is told and kept."""

from graphdaemon.daemon.reason import describe_error, make_reason
from graphdaemon.errors import SettingsError
from graphdaemon.store.leases import LeaseError


def test_an_error_is_told_and_kept_without_what_is_secret() -> None:
    """Somebody else's words may quote what they refuse."""
    error = SettingsError("refused: client_secret=abc123", code="setting_invalid", hint="Mend it.")

    words = "refused: client_secret=[redacted]"
    assert make_reason(error) == LeaseError("setting_invalid", words, "Mend it.")
    assert describe_error(error) == {
        "code": "setting_invalid",
        "message": words,
        "hint": "Mend it.",
    }
