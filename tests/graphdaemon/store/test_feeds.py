"""How far a feed was delivered."""

from graphdaemon.store.feeds import move_feed, read_feed
from graphdaemon.store.store import Store, open_store


def test_a_feed_goes_on_where_it_was(store: Store, store_url: str) -> None:
    """Each for itself, and for each collection and tenant."""
    assert read_feed(store, "stdout", 1, "users") == 0
    move_feed(store, "stdout", 1, "users", 3)
    move_feed(store, "stdout", 1, "users", 7)
    move_feed(store, "webhook", 1, "users", 5)

    with open_store(store_url) as again:
        assert read_feed(again, "stdout", 1, "users") == 7
        assert read_feed(again, "stdout", 1, "groups") == 0
        assert read_feed(again, "stdout", 2, "users") == 0
        assert read_feed(again, "webhook", 1, "users") == 5
