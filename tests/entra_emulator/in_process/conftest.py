import pytest

from entra_emulator.server.emulator import Emulator
from tests.support.in_process_token import get_token


@pytest.fixture
def bearer(entra: Emulator) -> dict[str, str]:
    """The header of a caller who may list users."""
    return {"Authorization": f"Bearer {get_token(entra)}"}
