"""Other people's clients through `emulator exec`: no setting of any of them names the emulator."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from graphdaemon.auth.key_files import make_key_pair
from tests.support.exec_run import METHODS, run_exec
from tests.support.places import ROOT

EXAMPLES = ROOT / "examples"
SECRET = "pretend-secret-of-the-sample"
TENANT = f"""
[seed]
users = 120

[[applications]]
displayName = "Sample"
secret = "{SECRET}"
certificates = ["sample.crt"]
permissions = ["User.Read.All"]
"""

LIST_BY_SDK = """
import asyncio, sys
from azure.identity.aio import DefaultAzureCredential
from msgraph import GraphServiceClient

async def main():
    async with DefaultAzureCredential() as credential:
        client = GraphServiceClient(credential)
        page, count = await client.users.get(), 0
        while page:
            count += len(page.value)
            link = page.odata_next_link
            page = await client.users.with_url(link).get() if link else None
    print(count)

asyncio.run(main())
"""

LIST_BY_AIOHTTP = """
import asyncio, aiohttp, os, urllib3
from azure.identity.aio import DefaultAzureCredential

URL = "https://graph.microsoft.com/v1.0/users"

async def main():
    async with DefaultAzureCredential() as credential:
        token = (await credential.get_token("https://graph.microsoft.com/.default")).token
    headers = {"Authorization": "Bearer " + token}
    async with aiohttp.ClientSession(headers=headers) as session, session.get(URL) as answer:
        print(len((await answer.json())["value"]))
    print(len(urllib3.PoolManager().request("GET", URL, headers=headers).json()["value"]))

asyncio.run(main())
"""

ASK_AS_MACHINE = """
from azure.identity import ManagedIdentityCredential
print(ManagedIdentityCredential().get_token("https://graph.microsoft.com/.default").token[:3])
"""

CURL = r"""
token=$(curl -sS "https://login.microsoftonline.com/$AZURE_TENANT_ID/oauth2/v2.0/token" \
  -d grant_type=client_credentials -d client_id="$AZURE_CLIENT_ID" \
  --data-urlencode client_secret="$AZURE_CLIENT_SECRET" \
  -d scope=https://graph.microsoft.com/.default | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
curl -sS 'https://graph.microsoft.com/v1.0/users/$count' \
  -H "Authorization: Bearer $token" -H 'ConsistencyLevel: eventual'
"""


@pytest.mark.parametrize("method", METHODS)
def test_msgraph_sdk_lists_with_the_default_credential(method: str) -> None:
    """Microsoft's own client follows every next link."""
    done = run_exec(method, sys.executable, "-c", LIST_BY_SDK)

    assert (done.returncode, done.stdout) == (0, "250\n"), done.stderr


def test_clients_that_heed_no_proxy_are_led_by_namespaces() -> None:
    """aiohttp and urllib3 by themselves."""
    done = run_exec("namespace", sys.executable, "-c", LIST_BY_AIOHTTP)

    assert done.stdout == "100\n100\n", done.stderr


@pytest.mark.parametrize("method", METHODS)
def test_the_managed_identity_of_the_machine_is_used(method: str) -> None:
    options = ("--credential", "managed-identity")

    done = run_exec(method, sys.executable, "-c", ASK_AS_MACHINE, options=options)

    assert done.stdout == "eyJ\n", done.stderr


@pytest.mark.parametrize("method", METHODS)
def test_curl_lists(method: str) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")

    done = run_exec(method, "sh", "-c", CURL)

    assert (done.returncode, done.stdout) == (0, "250"), done.stderr


@pytest.fixture
def tenant(tmp_path: Path) -> dict[str, str]:
    """A tenant file with the samples' application, and the IDs that it always has."""
    pem, der = make_key_pair("sample")
    (tmp_path / "server.pem").write_text(pem)
    (tmp_path / "sample.crt").write_text(re.findall(r"-----BEGIN CERT[^~]*", pem)[0])
    (tmp_path / "tenant.toml").write_text(TENANT)
    show = "import json, os; print(json.dumps([os.environ[n] for n in os.sys.argv[1:]]))"
    names = ("AZURE_TENANT_ID", "AZURE_CLIENT_ID")
    options = ("--tenant", tmp_path / "tenant.toml")
    done = run_exec("proxy", sys.executable, "-c", show, *names, options=options)
    assert done.returncode == 0, done.stderr
    tenant_id, client_id = json.loads(done.stdout)
    thumbprint = x509.load_der_x509_certificate(der).fingerprint(hashes.SHA1()).hex()
    return {"tenant_id": tenant_id, "client_id": client_id, "thumbprint": thumbprint.upper()}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", ["secret", "certificate"])
def test_the_classic_samples_run_with_microsofts_hosts(
    tmp_path: Path, tenant: dict[str, str], kind: str, method: str
) -> None:
    """Their `parameters.json` has only the blanks filled in."""
    (folder,) = EXAMPLES.glob(f"*-WithC{kind[1:]}" if kind == "certificate" else "*-WithSecret")
    text = (folder / "parameters.json").read_text("utf-8")
    for blank, value in {
        "Enter_the_Tenant_Id_Here": tenant["tenant_id"],
        "your_client_id": tenant["client_id"],
        "Enter_the_Client_Secret_Value_Here": SECRET,
        "Enter_the_Certificate_Thumbprint_Here": tenant["thumbprint"],
    }.items():
        text = text.replace(blank, value)
    (tmp_path / "parameters.json").write_text(text)
    assert "https://login.microsoftonline.com/" in text
    (sample,) = folder.glob("*.py")

    done = run_exec(
        method,
        sys.executable,
        sample,
        tmp_path / "parameters.json",
        options=("--tenant", tmp_path / "tenant.toml"),
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Graph API call result: ")
    assert done.stdout.count('"userPrincipalName"') == 100
