"""Each credential is checked."""

from tests.support.client_app import App
from tests.support.doctor_states import report_of
from tests.support.run_command import Command, WriteParameters


def test_every_one_of_several_credentials_is_tried(
    command: Command, parameters: WriteParameters, app: App
) -> None:
    """A spare that would fail when it is needed is found before that."""
    credentials = [{"secret": app.secret}, {"secret": "wrong"}]

    code, report = report_of(command, parameters(secret=None, credentials=credentials))

    assert code == 0
    assert (report["first"]["check"], report["first"]["case"]) == ("credentials", "secret_wrong")
