"""Planted secrets and names, in every place of an exchange and in every form, are not kept."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entra_emulator.traffic.recording.lines import write_entry
from entra_emulator.traffic.recording.redaction import REDACTED, Redaction
from entra_emulator.web.exchange import Exchange
from tests.support.logged_calls import GRAPH, exchange
from tests.support.name_search import SHORTEST, find_names, list_forms

KEY = b"k" * 32
GUID = "6e7b768e-07e2-4810-8459-485f84f8f204"
SECRET = "Hush8Q~Quiet.Nobody_May-Know"
TOKEN = "eyJhbGciOiJub25lIn0.eyJ1cG4iOiJRdWlsbGZlYXRoZXIifQ.c2lnbmF0dXJl"
PLANTED = (
    "Quillfeather",
    "Zsófia",
    "山田太郎",
    "Zsófia Quillfeather",
    GUID,
    SECRET,
    TOKEN,
    "555-0109",
)

PERSON = {
    "@odata.type": "#microsoft.graph.user",
    "id": GUID,
    "displayName": "Zsófia Quillfeather",
    "givenName": "Zsófia",
    "surname": "Quillfeather",
    "mail": "zsófia.quillfeather@quillfeather.example",
    "userPrincipalName": "zsofia_quillfeather.example#EXT#@contoso.onmicrosoft.com",
    "proxyAddresses": ["SMTP:quillfeather@contoso.com"],
    "businessPhones": ["+1 425 555-0109"],
    "onPremisesImmutableId": base64.b64encode(b"Quillfeather").decode(),
    "onPremisesDistinguishedName": "CN=Quillfeather,OU=山田太郎",
    "aboutMe": "<b>&#81;uillfeather</b> 山田太郎",
    "userType": "Member",
    "accountEnabled": True,
    "createdDateTime": "2020-01-01T00:00:00Z",
    "employeeHireDate": "1999-04-05T00:00:00Z",
    f"extension_{GUID.replace('-', '')}_quillfeather": 42,
    "Quillfeather": {"nested": ["Zsófia", {"Zsófia": None}]},
}


def keep(one: Exchange) -> bytes:
    return write_entry(Redaction(KEY).redact(one))


PLACES: dict[str, Exchange] = {
    "an answer": exchange(answer={"value": [PERSON]}),
    "an escaped answer": exchange()._replace(
        response_body=json.dumps({"value": [PERSON]}, ensure_ascii=True).encode()
    ),
    "a body": exchange("PATCH", f"/v1.0/users/{GUID}", body=PERSON),
    "a path": exchange(target=f"/v1.0/users/{quote('zsófia@quillfeather.example')}/memberOf"),
    "a filter": exchange(target="/v1.0/users?$filter=" + quote("displayName eq 'Quillfeather'")),
    "a search": exchange(target='/v1.0/users?$search="displayName:Quillfeather"'),
    "links": exchange(
        answer={
            "@odata.context": f"{GRAPH}/v1.0/$metadata#users('{GUID}')/Quillfeather",
            "@odata.nextLink": f"{GRAPH}/v1.0/users?$skiptoken={SECRET}",
            "@odata.deltaLink": f"{GRAPH}/v1.0/users/delta?$deltatoken={TOKEN}",
            "@odata.id": f"{GRAPH}/v2/{GUID}/directoryObjects/{GUID}",
        }
    ),
    "headers": exchange(
        sent={
            "authorization": f"Bearer {TOKEN}",
            "cookie": f"session={SECRET}",
            "user-agent": "Quillfeather-Sync/1.0 (zsófia@quillfeather.example)",
            "client-request-id": "quillfeather",
            "prefer": "odata.maxpagesize=5, Quillfeather",
            "x-forwarded-for": "Quillfeather",
            "referer": "https://quillfeather.example",
            "accept": f"application/json;{SECRET}",
            "x-client-sku": "Quillfeather",
            "quillfeather": "x",
        },
        received={
            "location": f"{GRAPH}/v1.0/users/{GUID}",
            "set-cookie": SECRET,
            "www-authenticate": f'Bearer realm="{GUID}"',
            "x-ms-throttle-scope": f"Tenant_Application/ReadWrite/{GUID}/{GUID}",
            "x-ms-ags-diagnostic": "Quillfeather",
        },
    ),
    "a token request": exchange(
        "POST",
        f"https://login.microsoftonline.com/{GUID}/oauth2/v2.0/token",
        {
            "token_type": "Bearer",
            "expires_in": 3599,
            "access_token": TOKEN,
            "refresh_token": SECRET,
        },
        body=(
            f"client_id={GUID}&client_secret={quote(SECRET)}&client_assertion={TOKEN}"
            f"&username=zs%C3%B3fia%40quillfeather.example&password={quote(SECRET)}"
            f"&scope=api%3A%2F%2F{GUID}%2F.default&code={SECRET}&grant_type=password"
        ).encode(),
    ),
    "a refusal": exchange(
        answer={
            "error": {
                "code": "Request_ResourceNotFound",
                "message": f"Resource 'zsófia@quillfeather.example' ({GUID}) does not exist, "
                "Quillfeather.",
                "innerError": {"request-id": GUID, "client-request-id": "Quillfeather"},
            }
        },
        status=404,
    ),
    "a token refusal": exchange(
        "POST",
        "https://login.microsoftonline.com/quillfeather.example/oauth2/v2.0/token",
        {
            "error": "invalid_client",
            "error_description": f"AADSTS7000215: Invalid client secret for app '{GUID}'.",
            "trace_id": GUID,
            "claims": json.dumps({"upn": "Quillfeather"}),
        },
        status=401,
        body=b"grant_type=client_credentials",
    ),
    "a new secret": exchange(
        "POST",
        f"/v1.0/applications/{GUID}/addPassword",
        {"secretText": SECRET, "hint": SECRET[:3], "displayName": "Quillfeather"},
        body={"passwordCredential": {"displayName": "Quillfeather"}},
    ),
    "a batch": exchange(
        "POST",
        "/v1.0/$batch",
        {
            "responses": [
                {
                    "id": "1",
                    "status": 200,
                    "headers": {"Location": "x"},
                    "body": {"value": [PERSON]},
                },
                {"id": "2", "status": 200, "body": base64.b64encode(b"Quillfeather").decode()},
            ]
        },
        body={
            "requests": [
                {
                    "id": "quillfeather",
                    "method": "GET",
                    "url": "/users?$filter=surname eq 'Quillfeather'",
                    "headers": {"Authorization": f"Bearer {TOKEN}", "Prefer": "Quillfeather"},
                    "body": PERSON,
                }
            ]
        },
    ),
    "who calls": exchange(
        caller={"appid": GUID, "tid": GUID, "oid": GUID, "roles": ["Quillfeather.Read"]}
    ),
    "no JSON": exchange()._replace(response_body="<p>Zsófia Quillfeather</p>".encode()),
    "a picture": exchange()._replace(response_body=b"\xff\xd8" + "Quillfeather".encode("utf-16")),
    "cut JSON": exchange()._replace(response_body=b'{"displayName":"Quillfea'),
    "a form of its own": exchange()._replace(response_body=b"Quillfeather=Quillfeather&a=b"),
    "a text": exchange()._replace(response_body=b'"Quillfeather"'),
    "another host": exchange(target="https://quillfeather.example/Quillfeather"),
    "a method": exchange("QUILLFEATHER"),
    "too deep": exchange()._replace(response_body=b"[" * 900 + b'"Quillfeather"' + b"]" * 900),
}


@pytest.mark.parametrize("place", PLACES)
def test_nothing_planted_is_kept(place: str) -> None:
    assert find_names(PLANTED, keep(PLACES[place])) == []


def test_the_search_finds() -> None:
    """The search itself finds a name in each of the forms in which it could have been kept."""
    for form in list_forms("Quillfeather"):
        if len(form) >= SHORTEST:
            assert find_names(["Quillfeather"], b"before " + form + b" after"), form


WORDS = st.sampled_from(PLANTED)
HARMLESS = st.none() | st.booleans() | st.integers(0, 999)
TEXTS = st.builds("{}{}{}".format, st.sampled_from(["", " ", "x:", "'", '"']), WORDS, st.just("!"))
NAMES = TEXTS | st.sampled_from(
    "displayName mail value error code message scope roles url id @odata.type headers claims key "
    "@odata.context method userType appRoles password body requests".split()
)
CONTENTS = st.recursive(
    HARMLESS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


@given(CONTENTS, st.lists(st.tuples(NAMES, TEXTS), max_size=4), TEXTS)
def test_nothing_planted_is_kept_anywhere(content: Any, headers: Any, text: str) -> None:
    """Whatever the form of the JSON, wherever the names stand, and whatever the headers are."""
    # An error's code is a word of the service.
    one = exchange(target=f"/v1.0/users/{quote(text)}?$filter={quote(text)}", answer=content)
    if '"code"' in json.dumps(content):
        one = one._replace(response_body=b"")
    one = one._replace(request_headers=tuple((name.lower(), value) for name, value in headers))
    assert find_names(PLANTED, keep(one)) == []


def test_one_person() -> None:
    """The same pseudonyms in path, filter, body, answer, link and batch; in upper case, too."""
    redaction = Redaction(KEY)
    user = {"id": GUID, "displayName": "Ann Lee", "mail": "ann.lee@contoso.com", "surname": "Lee"}
    whole = json.loads(redaction.redact(exchange(answer={"value": [user]})).response_body)
    (shown,) = whole["value"]
    path = redaction.redact(exchange(target="/v1.0/users/ANN.LEE%40contoso.com")).url
    by_id = redaction.redact(exchange(target=f"/v1.0/users/{GUID.upper()}")).url
    condition = redaction.redact(exchange(target="/v1.0/users?$filter=surname eq 'Lee'")).url
    batch = {"requests": [{"id": "1", "method": "GET", "url": f"/users/{GUID}"}]}
    body = json.loads(redaction.redact(exchange("POST", "/v1.0/$batch", body=batch)).request_body)

    assert path.rpartition("/")[2].lower() == shown["mail"]
    assert by_id.rpartition("/")[2] == shown["id"]
    assert f"'{shown['surname']}'" in condition
    assert body["requests"][0]["url"] == f"/users/{shown['id']}"
    assert shown["displayName"].split()[1] == shown["surname"]
    assert shown["mail"].startswith(".".join(shown["displayName"].lower().split()))


def test_what_is_kept() -> None:
    """What the services say themselves can be read, and so what went wrong."""
    redaction = Redaction(KEY)
    error = {
        "error": {
            "code": "Authorization_RequestDenied",
            "message": "Insufficient privileges to complete the operation.",
        }
    }
    refusal = redaction.redact(
        exchange(
            target="/v1.0/users?$select=id,accountEnabled&$top=5",
            answer=error,
            status=403,
            sent={"user-agent": "python-requests/2.31.0", "consistencylevel": "eventual"},
            received={
                "retry-after": "17",
                "date": "Mon, 30 Nov 2026 17:17:41 GMT",
                "content-type": "application/json; odata.metadata=minimal; charset=utf-8",
            },
        )
    )
    form = b"grant_type=client_credentials&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default"
    token = redaction.redact(
        exchange(
            "POST",
            "https://login.microsoftonline.com/common/oauth2/v2.0/token",
            {
                "error": "invalid_client",
                "error_description": "AADSTS7000215: Invalid client secret provided.",
                "error_codes": [7000215],
            },
            body=form,
        )
    )

    assert refusal.url == f"{GRAPH}/v1.0/users?$select=id,accountEnabled&$top=5"
    assert json.loads(refusal.response_body) == error
    assert dict(refusal.request_headers)["user-agent"] == "python-requests/2.31.0"
    assert dict(refusal.response_headers)["retry-after"] == "17"
    assert dict(refusal.response_headers)["date"] == "Mon, 30 Nov 2026 17:17:41 GMT"
    assert "charset=utf-8" in dict(refusal.response_headers)["content-type"]
    assert refusal.caller["roles"] == ["User.Read.All"]
    assert token.request_body == form
    assert json.loads(token.response_body)["error_codes"] == [7000215]
    assert "AADSTS7000215: Invalid client secret provided." in token.response_body.decode()


def test_values_of_properties() -> None:
    """Fixed values, times and truth values stay; secrets are one word, birthdays one day."""
    person = json.loads(Redaction(KEY).redact(PLACES["an answer"]).response_body)["value"][0]
    assert person["userType"] == "Member"
    assert person["accountEnabled"] is True
    assert person["createdDateTime"] == "2020-01-01T00:00:00Z"
    assert person["employeeHireDate"] == "2000-01-01T00:00:00Z"
    assert person["@odata.type"] == "#microsoft.graph.user"
    secret = json.loads(Redaction(KEY).redact(PLACES["a new secret"]).response_body)
    assert secret["secretText"] == REDACTED
