"""The audit log: what it remembers."""

from __future__ import annotations

from entra_emulator.audit import Activity, Audit, Entry, NewestOf, SignIn


def test_the_oldest_is_forgotten() -> None:
    """The log holds so many, and numbers go on."""
    audit = Audit(size=3)
    for number in range(1, 6):
        app = "a" if number % 2 else "b"
        at = 1_800_000_000 + number
        audit.note(Entry(0, at, "graph", "GET", "/v1.0/users", app_id=app, status=200))

    assert [entry.number for entry in audit.entries()] == [5, 4, 3]
    assert audit.find(1) is None
    assert audit.find(4) == audit.entries(app="B")[0]
    assert audit.apps() == ["a", "b"]
    assert audit.entries()[0].describe()["at"].startswith("2027-01-15T08:00:05.0000000Z")


def test_the_newest_items_are_kept_and_their_numbers_go_on_when_they_are_forgotten() -> None:
    items = NewestOf[str](2)
    for word in ("one", "two", "three"):
        items.note(word)
    assert items.list_all() == [(2, "two"), (3, "three")]

    items.clear()
    items.note("four")
    assert items.list_all() == [(4, "four")]


def test_clearing_the_log_forgets_sign_ins_and_changes_too() -> None:
    audit = Audit()
    audit.activities.note(Activity(1.0, "tenant", {}))
    audit.sign_ins.note(SignIn._make([""] * len(SignIn._fields)))

    audit.clear()
    assert (audit.activities.list_all(), audit.sign_ins.list_all()) == ([], [])
