"""An examination asks for its token as it is told to."""

from typing import Any

from graphdaemon.doctor import examine
from graphdaemon.doctor.state import Examination
from graphdaemon.errors import IdentityError
from graphdaemon.settings.read import read_settings
from tests.support.run_command import WriteParameters


def test_an_examination_uses_the_fetch_it_is_given(parameters: WriteParameters) -> None:
    """The core takes its token from whoever calls it."""

    def fetch(*_: object) -> Any:
        raise IdentityError("no", code="client_disabled", hint="Ask.")

    examination = Examination(lambda: read_settings(parameters(), {}), fetch=fetch)
    try:
        results = {one.check.name: one.finding for one in examine(examination)}
    finally:
        examination.close()

    advice = results["token"].advice
    assert advice is not None
    assert advice.code == "client_disabled"
