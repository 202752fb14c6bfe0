"""The emulator beside recorded answers of the real services."""

import json
from typing import Any

import pytest

from tests.support.emulator_probe import Answer, App, Probe, register
from tests.support.places import PUBLISHED

FOLDER = PUBLISHED / "recordings"

# The transport's own, and what a cassette's scrubber or an emulator on one machine changes.
IGNORED = {
    "connection",
    "content-encoding",
    "content-length",
    "content-security-policy-report-only",
    "set-cookie",
    "transfer-encoding",
    # Azure CLI's cassettes leave it out; every other recording has it.
    "client-request-id",
}


@pytest.fixture(scope="module")
def app(probe: Probe) -> App:
    return register(probe, "User.Read.All")


@pytest.fixture(scope="module")
def token(app: App) -> str:
    return app.token()


def load(name: str) -> list[Any]:
    path = FOLDER / name
    if not path.is_file():
        pytest.skip("the recordings are not beside this checkout (../shared/data)")
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def find(name: str, part: str, status: int, *, last: bool = True) -> Any:
    records = load(name)
    found = [r for r in records if part in r["url"] and r["status"] == status]
    return found[-1 if last else 0]


def names(headers: dict[str, str]) -> set[str]:
    lowered = {name.lower() for name in headers}
    # Later recordings have x-ms-srs; x-ms-request-id is scrubbed in kubelogin's.
    return lowered - IGNORED - {"x-ms-srs", "x-ms-request-id"}


def same_headers(answer: Answer, record: Any) -> bool:
    return names(answer.headers) == names(record["response_headers"])


def test_configuration(app: App) -> None:
    """The discovery document has the recorded keys in order, its fixed values, its headers."""
    record = find("kubelogin.jsonl", "/v2.0/.well-known/openid-configuration", 200)
    path = f"/{app.tenant.id}/v2.0/.well-known/openid-configuration"
    answer = app.probe.get(path, client_request_id="x")
    expected, document = record["response_body"], answer.json()

    assert list(document) == list(expected)
    fixed = {k for k, v in expected.items() if "https://" not in str(v)} - {"tenant_region_scope"}
    assert {k: document[k] for k in fixed} == {k: expected[k] for k in fixed}
    assert same_headers(answer, record)


def test_instance(app: App) -> None:
    """Instance discovery of the public cloud says what the real one says."""
    record = find("kubelogin.jsonl", "/common/discovery/instance", 200)
    answer = app.probe.get(record["url"].removeprefix("https://login.microsoftonline.com"))

    assert list(answer.json()) == list(record["response_body"])
    assert answer.json()["metadata"] == record["response_body"]["metadata"]


def test_wrong_secret(app: App) -> None:
    """A wrong secret is refused with the recorded status, keys, text and headers."""
    record = find("kubelogin.jsonl", "/oauth2/v2.0/token", 401)
    answer = app.probe.post(app.token_path, app.form(client_secret="x"), x_client_sku="MSAL.Go")
    expected, content = record["response_body"], answer.json()

    assert list(content) == list(expected)
    assert same_headers(answer, record)
    assert content["error"] == expected["error"]
    # Line breaks until 2023, blanks since 2024; the app's ID is scrubbed with its quotes.
    sentence = expected["error_description"].partition("\r\n")[0].partition("added to app")[0]
    assert content["error_description"].startswith(sentence)


def test_list(app: App, token: str) -> None:
    """A filtered list has the recorded headers and key order."""
    record = find("azure-cli.jsonl", "/v1.0/users?$filter=userPrincipalName", 200)
    answer = app.get("/v1.0/users?$filter=userPrincipalName%20eq%20'x'", token)

    assert list(answer.json()) == list(record["response_body"])
    assert same_headers(answer, record)
    unit = record["response_headers"]["x-ms-resource-unit"]
    assert answer.headers["x-ms-resource-unit"] == unit


def test_user(app: App, token: str) -> None:
    """A single user has the recorded headers and key order."""
    record = find("azure-cli.jsonl", "/v1.0/users/example@example.com", 200)
    answer = app.get("/v1.0/users/li.zhou@contoso.example", token)

    assert list(answer.json()) == list(record["response_body"])
    assert same_headers(answer, record)


def test_missing_object(app: App, token: str) -> None:
    """A missing object has the recorded envelope, headers and text."""
    record = find("azure-cli.jsonl", "/v1.0/servicePrincipals/", 404)
    key = record["url"].rpartition("/")[2]
    answer = app.get(f"/v1.0/users/{key}", token)
    expected, error = record["response_body"]["error"], answer.json()["error"]

    assert list(error) == list(expected)
    assert list(error["innerError"]) == list(expected["innerError"])
    assert (error["code"], error["message"]) == (expected["code"], expected["message"])
    assert same_headers(answer, record)
