"""`graphdaemon token`: what the token says, and the token itself only when asked for."""

import json
import re
from pathlib import Path

from entra_emulator.server.emulator import Emulator
from graphdaemon.diagnosis.token_claims import (
    read_claims,
)
from tests.support.client_app import App
from tests.support.run_command import Command, Run, WriteParameters
from tests.support.scripted_server import ScriptedServer, json_answer
from tests.support.tenant_folder import TenantFolder
from tests.support.unsigned_tokens import make_token


def test_each_claim_has_its_sentence(
    command: Command, parameters: WriteParameters, app: App, emulator: Emulator
) -> None:
    """Roles, audience, expiry in words, tenant, app, how it proved itself, version, CAE."""
    outcome = command("token", parameters())

    out = outcome.out.decode()
    assert outcome.code == 0
    for pattern in (
        r"^roles +User\.Read\.All +what the app may do in the whole tenant",
        r"^aud +https://graph\.microsoft\.com +for Microsoft Graph of the public cloud",
        r"^exp +\d+ +expires in \d+ (day|hour|minute)",
        rf"^tid +{emulator.tenant.id} +the tenant",
        rf"^appid +{app.client_id} +the app",
        r"^appidacr +1 +the app proved who it is with a secret",
        r"^ver +1\.0 ",
        r"^xms_cc +cp1 +may be revoked before it expires",
        r"^idtyp +app +an app's own token, with no user",
    ):
        assert re.search(pattern, out, re.MULTILINE), pattern
    assert out.startswith("roles ")
    assert "eyJ" not in out


def test_a_certificate_is_told_from_a_secret(
    command: Command, parameters: WriteParameters, app: App, tmp_path: Path
) -> None:
    """The token itself says which kind of credential was used."""
    key = tmp_path / "app.pem"
    key.write_text(app.pem)
    key.chmod(0o600)

    outcome = command("token", parameters(secret=None, private_key_file=str(key)))

    assert b"with a certificate or a federated credential" in outcome.out


def test_raw_prints_the_token_and_nothing_else(run: Run, parameters: WriteParameters) -> None:
    """Ready for a pipe: one line on stdout, nothing on stderr."""
    done = run("token", parameters(), "--raw")

    assert (done.returncode, done.stderr) == (0, "")
    assert read_claims(done.stdout.strip()) is not None
    assert done.stdout.count("\n") == 1


def test_json_is_the_claims(command: Command, parameters: WriteParameters) -> None:
    """As the token has them, with the time of expiry as the client counts it."""
    shown = json.loads(command("token", parameters(), "--json").out)

    assert shown["claims"]["roles"] == ["User.Read.All"]
    assert abs(shown["expires_at"] - shown["claims"]["exp"]) < 10
    assert shown["jwt"] is True


def test_raw_and_json_exclude_each_other(command: Command, parameters: WriteParameters) -> None:
    """Nothing is asked for before that is said."""
    assert command("token", parameters(), "--raw", "--json").code == 2


def test_an_opaque_token_is_admitted(
    command: Command, scripted: ScriptedServer, tmp_path: Path
) -> None:
    """Tokens need not be JWTs; only the expiry is known then."""
    outcome = command("token", scripted.write_parameters(tmp_path))

    assert (outcome.code, outcome.err) == (0, "")
    assert b"not a JWT" in outcome.out
    assert b"token-1" not in outcome.out


def test_a_token_without_roles_says_so_first(
    command: Command, scripted: ScriptedServer, tmp_path: Path
) -> None:
    """Absent means none; that is the commonest trouble, so it comes first."""
    scripted.token_answer = json_answer({"expires_in": 3599, "access_token": make_token()})

    outcome = command("token", scripted.write_parameters(tmp_path))

    assert (
        outcome.out.decode().splitlines()[0].split(None, 1)[1].startswith("absent: the app holds")
    )


def test_a_refusal_is_the_commands_own(command: Command, parameters: WriteParameters) -> None:
    """The same words and exit code as everywhere."""
    outcome = command("token", parameters(secret="wrong"))

    assert (outcome.code, outcome.out) == (4, b"")
    assert "AADSTS7000215" in outcome.err
    assert outcome.err.splitlines()[-1].startswith("Try: ")


def test_every_tenant_has_its_section(command: Command, fleet: TenantFolder) -> None:
    """The exit code is that of the first that failed, and what failed is told with its name."""
    done = command("token", "--tenants", fleet.path)

    out = done.out.decode()
    sections = {part.partition(":")[0]: part for part in out.split("\n\n") if part.strip()}
    assert sections.keys() == {"contoso", "fabrikam"}
    for name, section in sections.items():
        assert fleet.tenants[name].id in section
    assert "eyJ" not in out
    assert done.code == 3
    assert "2 of 4 tenants failed: corrupt, denied" in done.err


def test_json_has_a_member_for_each_tenant(command: Command, fleet: TenantFolder) -> None:
    """A tenant has its claims or its error."""
    done = command("token", "--tenants", fleet.path, "--json")

    told = json.loads(done.out)
    assert told["exit_code"] == done.code == 3
    assert told["tenants"]["contoso"]["claims"]["tid"] == fleet.tenants["contoso"].id
    assert told["tenants"]["denied"]["error"]["code"] == "secret_wrong"
    assert told["tenants"]["denied"].keys() == {"error"}


def test_raw_is_the_token_of_one_app(command: Command, fleet: TenantFolder) -> None:
    """Nobody could tell whose a bare token is."""
    assert command("token", "--tenants", fleet.path, "--raw").code == 2
