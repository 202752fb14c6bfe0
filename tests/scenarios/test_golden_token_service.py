"""
Every recorded answer of the real token service, beside the emulator's in the same situation.

A recording is compared in status, keys and their order, codes, and the shape of each text (GUIDs,
times and scrubbed values count as equal). What cannot agree is listed in ``tools/fidelity.toml``
with its reason, and shown to differ: an entry that is no longer needed fails.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest

from tests.entra_emulator.token_service.test_device_code import Device
from tests.support.emulator_probe import Answer, App, Probe, register
from tests.support.places import PUBLISHED
from tests.support.user_flows import AZURE_CLI, Client, holder, web_client
from tools.fidelity import RECORDED, deviations

FOLDER = PUBLISHED / "recordings"
HOSTS = ("login.microsoftonline.com", "login.windows.net")
DISCOVERY = (
    "api-version=1.1&authorization_endpoint="
    "https%3A%2F%2Flogin.microsoftonline.com%2Fcommon%2Foauth2%2Fv2.0%2Fauthorize"
)


class Recording(NamedTuple):
    """One recorded answer, and the name of the situation it was given in."""

    name: str
    situation: str
    entry: dict[str, Any]


def situation_of(entry: dict[str, Any]) -> str:
    """What was asked, and in which state of affairs, in a few words."""
    path, body = urlsplit(entry["url"]).path, entry["response_body"]
    if path.endswith("/discovery/instance"):
        return "instance of the test cloud" if "ppe" in entry["url"] else "instance"
    if path.endswith("/.well-known/openid-configuration"):
        shared = "organizations" in path
        return ("configuration" + " shared" * shared) if entry["status"] == 200 else "no tenant"
    if "/UserRealm/" in path:
        return "user realm"
    if path.endswith("/devicecode"):
        return "device code"
    if entry["status"] >= 400:
        codes = body.get("error_codes") or re.findall(r"AADSTS(\d+)", body["error_description"])
        return f"refusal {codes[0]}"
    return f"token by {entry['request_body']['grant_type'].rpartition(':')[2]}"


def load() -> list[Recording]:
    found = []
    for path in sorted(FOLDER.glob("*.jsonl")):
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            entry = json.loads(_unscrubbed(line))
            if urlsplit(entry["url"]).hostname in HOSTS:
                found.append(Recording(f"{path.stem}:{number}", situation_of(entry), entry))
    return found


def _unscrubbed(line: str) -> str:
    # The cassettes' scrubber replaced these words inside other words too.
    for scrubbed, word in (
        ("azure_azure_usernamename", "user"),
        ("azure_azure_username", "user"),
        ("azure_azure_password", "password"),
        ("12345678-1234-1234-1234-123456789012_discovery", "tenant_discovery"),
        ("invalid_12345678-1234-1234-1234-123456789012", "invalid_tenant"),
        ("discovery/instance?(any)", f"discovery/instance?{DISCOVERY}"),
    ):
        line = line.replace(scrubbed, word)
    return line


RECORDINGS = load()

DEVIATIONS = {row.situation: row.reason for row in deviations()}


@pytest.fixture(scope="module")
def stage(probe: Probe) -> dict[str, App]:
    """Applications in the states that the recordings were made in."""
    now = probe.emulator.clock.now()
    directory, tenant = probe.emulator.directory, probe.emulator.tenant
    forgotten = directory.applications.register(tenant, "Forgotten")
    old = directory.credentials.add_password(
        tenant, forgotten.app_id, start=now - 7200, end=now - 3600
    )
    return {
        "app": register(probe, "User.Read.All"),
        "expired": App(probe, tenant, forgotten.app_id, old.secret_text or ""),
    }


def ask_token(app: App, **changes: str | None) -> Answer:
    return app.probe.post(app.token_path, app.form(**changes))


def ask_instance(app: App, entry: dict[str, Any]) -> Answer:
    return app.probe.get(urlsplit(entry["url"])._replace(scheme="", netloc="").geturl())


def ask_pending(app: App, _: dict[str, Any]) -> Answer:
    return Device(desk(app)).poll(client_info=None)


def ask_by_device_code(app: App, _: dict[str, Any]) -> Answer:
    # Some recordings ask for an API of Azure's; the situation is the same with Graph.
    scope = "https://graph.microsoft.com/.default openid profile offline_access"
    device = Device(desk(app), scope)
    browser = device.open(holder(app.probe.emulator, "Global Administrator"))
    browser.press("accept")
    return device.poll()


def ask_by_refresh_token(app: App, entry: dict[str, Any]) -> Answer:
    client = web_client(app.probe)
    tokens = client.tokens(holder(app.probe.emulator, "Global Administrator"))
    scope = entry["request_body"]["scope"]
    return client.refresh(tokens["refresh_token"], scope=scope, client_info=None)


def desk(app: App) -> Client:
    """Azure CLI, as which the recordings were made: a public client of Microsoft's family."""
    return Client(app.probe, app.tenant, AZURE_CLI, "http://localhost")


Ask = Callable[[App, dict[str, Any]], Answer]

SITUATIONS: dict[str, Ask] = {
    "instance": ask_instance,
    "instance of the test cloud": ask_instance,
    "configuration": lambda app, _: app.probe.get(
        f"/{app.tenant.id}/v2.0/.well-known/openid-configuration"
    ),
    "configuration shared": lambda app, _: app.probe.get(
        "/organizations/v2.0/.well-known/openid-configuration"
    ),
    "no tenant": lambda app, _: app.probe.get(
        "/12345678-1234-1234-1234-123456789012/v2.0/.well-known/openid-configuration"
    ),
    "user realm": lambda app, _: app.probe.get("/common/UserRealm/x?api-version=1.0"),
    "device code": lambda app, _: app.probe.post(
        f"/{app.tenant.id}/oauth2/v2.0/devicecode",
        {"client_id": AZURE_CLI, "scope": "https://graph.microsoft.com/.default offline_access"},
    ),
    "token by client_credentials": lambda app, _: ask_token(
        app, scope="https://graph.microsoft.com/.default openid profile offline_access"
    ),
    "token by device_code": ask_by_device_code,
    "token by refresh_token": ask_by_refresh_token,
    "token by password": lambda app, _: ask_token(app, grant_type="password"),
    "token by saml1_1-bearer": lambda app, _: ask_token(
        app, grant_type="urn:ietf:params:oauth:grant-type:saml1_1-bearer"
    ),
    "refusal 7000222": lambda app, _: ask_token(app),
    "refusal 7000215": lambda app, _: ask_token(app, client_secret="x"),
    "refusal 7000216": lambda app, _: ask_token(app, client_secret=None),
    "refusal 7000218": lambda app, _: ask_token(
        app, grant_type="authorization_code", client_secret=None, code="x", redirect_uri="https://x"
    ),
    "refusal 900144": lambda app, _: ask_token(app, grant_type=None),
    "refusal 90014": lambda app, _: ask_token(app, scope=None),
    "refusal 500011": lambda app, _: ask_token(app, scope="api://nobody/.default"),
    "refusal 1002012": lambda app, _: ask_token(app, scope="all-apis"),
    "refusal 70011": lambda app, _: ask_token(app, scope="mail.send user.read"),
    "refusal 70016": ask_pending,
    "refusal 50034": lambda app, _: ask_token(app, grant_type="password"),
    "refusal 50076": lambda app, _: ask_token(app, grant_type="password"),
}


def differences(entry: dict[str, Any], answer: Answer) -> list[str]:
    """Where the two answers disagree."""
    expected, got = entry["response_body"], answer.json()
    found = []
    if answer.status != entry["status"]:
        found.append(f"status {answer.status}, recorded {entry['status']}")
    # A body quoted in an issue is often cut behind the text: then only what is there counts.
    quoted = "note" in entry or "quoted" in str(entry.get("recorded", ""))
    keys = [key for key in got if key not in OPTIONAL and (key in expected or not quoted)]
    wanted = [key for key in expected if key not in OPTIONAL]
    if "kubelogin" in entry["source"]:
        # Its scrubber writes every body anew, keys in alphabetical order.
        keys, wanted = sorted(keys), sorted(wanted)
    if keys != wanted:
        found.append(f"keys {keys}, recorded {list(expected)}")
    found += [
        f"{key}: {got[key]!r}, recorded {expected[key]!r}"
        for key in expected.keys() & got.keys()
        if not same_shape(key, expected[key], got[key])
    ]
    return found


# Added to the real documents in late 2021, and absent from older recordings; or, with foci, told to
# Microsoft's own family of clients only.
OPTIONAL = {"foci", "kerberos_endpoint"}
_VALUE = re.compile(
    r"''?\[REDACTED\]''?|'[^']*'|\{\w+\}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\*\*\*"
    r"|REDACTED\([^)]*\)|api://nobody|Contoso"
)
FREE = {
    "access_token",
    "correlation_id",
    "client_info",
    "device_code",
    "expires_in",
    "ext_expires_in",
    "interval",
    "id_token",
    "message",
    "refresh_token",
    "scope",
    "tenant_region_scope",
    "timestamp",
    "trace_id",
    "user_code",
    "verification_uri",
}


def same_shape(key: str, expected: Any, got: Any) -> bool:
    if key in FREE:
        # A cassette's polling interval is what its playback wants, fractions included.
        number = isinstance(expected, int | float) and isinstance(got, int | float)
        return number or type(expected) is type(got)
    if key == "error_description":
        return normalise(expected) == normalise(got)
    if isinstance(expected, str) and expected.startswith("https://"):
        return isinstance(got, str) and urlsplit(got).scheme == "https"
    return bool(expected == got)


def normalise(text: str) -> str:
    """A description without trace data, and with every value replaced by a mark."""
    bare = re.split(r"\s+Trace ID:", text)[0].strip().rstrip(".")
    return _VALUE.sub("<value>", bare)


@pytest.mark.skipif(not RECORDINGS, reason="the recordings are not beside this checkout")
@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda one: f"{one.name}-{one.situation}")
def test_recorded_answer(stage: dict[str, App], recording: Recording) -> None:
    """The emulator answers as recorded, or differs for a reason that is written down."""
    app = stage["expired" if recording.situation == "refusal 7000222" else "app"]
    ask = SITUATIONS[recording.situation]

    found = differences(recording.entry, ask(app, recording.entry))

    if recording.situation in DEVIATIONS:
        assert found, "this deviation is none any more"
    else:
        assert found == []


@pytest.mark.skipif(not RECORDINGS, reason="the recordings are not beside this checkout")
def test_the_page_counts_the_recordings() -> None:
    """The fidelity page says how many recorded answers there are, and how many differ."""
    differing = sum(recording.situation in DEVIATIONS for recording in RECORDINGS)

    assert {"answers": len(RECORDINGS), "differ": differing} == RECORDED
