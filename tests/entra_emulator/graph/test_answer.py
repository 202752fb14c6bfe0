from tests.support.graph_users import SUCCESS_TYPE, Ask


def test_list_headers(get: Ask) -> None:
    """A list answers with the recorded headers and its cost."""
    headers = get("/users").headers

    expected = {
        "cache-control": "no-cache",
        "content-type": SUCCESS_TYPE,
        "odata-version": "4.0",
        "strict-transport-security": "max-age=31536000",
        "vary": "Accept-Encoding",
        "x-ms-resource-unit": "2",
        "client-request-id": headers["request-id"],
    }
    assert headers | expected == headers
    assert headers["x-ms-ags-diagnostic"].startswith('{"ServerInfo":{"DataCenter":')
    assert {"server", "etag"}.isdisjoint(headers)


def test_client_request_id(get: Ask) -> None:
    """The caller's own request ID comes back beside the service's."""
    headers = get("/users", client_request_id="mine").headers

    assert headers["client-request-id"] == "mine"
    assert headers["request-id"] != "mine"


def test_no_metadata(get: Ask) -> None:
    """`odata.metadata=none` drops the context and keeps the next link, on which PnP CLI relies."""
    answer = get("/users?$top=1", Accept="application/json; odata.metadata=none")

    assert list(answer.json()) == ["@odata.nextLink", "value"]
    assert answer.headers["content-type"].startswith("application/json;odata.metadata=none;")
