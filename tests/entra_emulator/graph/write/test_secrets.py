from tests.support.graph_applications import ask, code, install, make
from tests.support.graph_writer import Writer


def test_secret_on_creation(writer: Writer) -> None:
    """A secret that is made with its application is shown in that answer only."""
    made = make(writer, passwordCredentials=[{"displayName": "first"}])
    install(writer, made["appId"])
    secret = made["passwordCredentials"][0]["secretText"]

    assert code(ask(writer, made["appId"], client_secret=secret)) == 0
    shown = writer.get(f"/applications/{made['id']}")["passwordCredentials"][0]
    assert (shown["displayName"], shown["secretText"]) == ("first", None)
    patched = writer.patch(f"/applications/{made['id']}", {"passwordCredentials": []})
    assert "read-only" in patched.message
