"""Requests in the administrator's name."""

from graphdaemon.registration.admin_graph import fill


def test_only_known_places_are_filled() -> None:
    """Braces of other people's stay."""
    value = {"a": ["{client_id}", "{other}", 1, None], "b": "x{principal}y"}

    assert fill(value, {"client_id": "c", "principal": "p"}) == {
        "a": ["c", "{other}", 1, None],
        "b": "xpy",
    }
