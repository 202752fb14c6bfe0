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


def test_a_secret_of_which_only_the_start_is_said_ends_two_years_from_the_request(
    writer: Writer,
) -> None:
    path = f"/applications/{make(writer)['id']}/addPassword"
    now = writer.post(path, {}).json()["startDateTime"][:10]
    for start in ("2020-02-03T04:05:06Z", f"{int(now[:4]) + 1}-01-01T00:00:00Z"):
        secret = writer.post(path, {"passwordCredential": {"startDateTime": start}}).json()

        assert secret["startDateTime"] == start
        assert secret["endDateTime"][:10] >= f"{int(now[:4]) + 2}{now[4:]}".replace(
            "-02-29", "-02-28"
        )
        assert secret["endDateTime"][:4] in {str(int(now[:4]) + 2), str(int(now[:4]) + 3)}
