"""
Which disabled users still have licences, and so cost money?

    python idle_licences.py        # with AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET set

It needs the application permissions User.Read.All and LicenseAssignment.Read.All, or
Directory.Read.All for both.
"""

import os
import time
from collections import Counter

import httpx
import msal

GRAPH = "https://graph.microsoft.com/v1.0"
SCOPE = ["https://graph.microsoft.com/.default"]
MOST_ATTEMPTS = 5


class NoTokenError(Exception):
    """The identity platform gave no token; the text says why."""


def get_token(tenant_id, client_id, secret, http_client=None):
    """A token for Graph."""
    app = msal.ConfidentialClientApplication(
        client_id,
        authority=f"https://login.microsoftonline.com/{tenant_id}",
        client_credential=secret,
        http_client=http_client,
    )
    answer = app.acquire_token_for_client(SCOPE)
    if "access_token" not in answer:
        raise NoTokenError(answer["error_description"])
    return answer["access_token"]


def read_all(client, path, sleep=time.sleep):
    """Every record of a collection, page by page."""
    url = GRAPH + path
    while url:
        page = read(client, url, sleep)
        yield from page["value"]
        url = page.get("@odata.nextLink")


def read(client, url, sleep):
    """One page; who is told to wait waits, and asks again."""
    for _ in range(MOST_ATTEMPTS):
        try:
            answer = client.get(url)
        except httpx.TransportError:
            sleep(1)
            continue
        if answer.status_code not in {429, 503, 504}:
            answer.raise_for_status()
            return answer.json()
        sleep(int(answer.headers.get("Retry-After", 1)))
    raise TimeoutError(f"no answer after {MOST_ATTEMPTS} attempts: {url.partition('?')[0]}")


def count_idle_licences(client, sleep=time.sleep):
    """How many licences of each product disabled users have."""
    names = {
        sku["skuId"]: sku["skuPartNumber"] for sku in read_all(client, "/subscribedSkus", sleep)
    }
    users = read_all(client, "/users?$select=accountEnabled,assignedLicenses&$top=100", sleep)
    return Counter(
        names.get(licence["skuId"], licence["skuId"])
        for user in users
        if not user["accountEnabled"]
        for licence in user["assignedLicenses"]
    )


if __name__ == "__main__":
    names = ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET")
    token = get_token(*(os.environ[name] for name in names))
    with httpx.Client(headers={"Authorization": f"Bearer {token}"}) as client:
        for product, count in count_idle_licences(client).most_common():
            print(f"{count:6}  {product}")
