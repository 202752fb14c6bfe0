"""Every string of a stored document can be read by the database."""

import pytest

from graphdaemon.store.document_text import make_text
from graphdaemon.store.rows import Row, Staged
from graphdaemon.store.store import Store
from tests.support.store_fixtures import load_users, read_documents, row

NO_TEXTS = (rb"a\u0000b", rb"a\ud800b", rb"\uDE00", rb"\ud83d\ud83d\ude00", rb"\\\u0000")
MENDED = (r"a\ufffdb", r"a\ufffdb", r"\ufffd", r"\ufffd\ud83d\ude00", r"\\\ufffd")
TEXTS = (rb"\ud83d\ude00", rb"\\u0000", rb"\\ud800", rb"\u0041\"\\", "O'Nöil\t😀".encode())


@pytest.mark.parametrize(("sent", "kept"), list(zip(NO_TEXTS, MENDED, strict=True)))
def test_what_is_no_character_is_replaced(sent: bytes, kept: str) -> None:
    assert make_text(b'{"id":"a","x":"' + sent + b'"}') == f'{{"id":"a","x":"{kept}"}}'


@pytest.mark.parametrize("sent", TEXTS)
def test_every_other_text_is_kept_to_the_letter(sent: bytes) -> None:
    """A pair of surrogates is one character, and behind two backslashes nothing is escaped."""
    assert make_text(b'{"x":"' + sent + b'"}') == '{"x":"' + sent.decode() + '"}'


@pytest.mark.parametrize("sent", NO_TEXTS)
def test_one_odd_object_keeps_no_view_from_being_queried(store: Store, sent: bytes) -> None:
    """However it came into the store; and told again, it is no change."""
    odd = b'{"id":"b","displayName":"' + sent + b'"}'
    load_users(store, row("a", displayName="Ana"), Row("c", odd))
    with store.change(1, "users", "round") as change:
        change.stage([Staged("b", odd)])
        for pairs in change.differing():
            change.put([Row(pair.id, odd) for pair in pairs])
    with store.change(1, "users", "round") as change:
        change.stage([Staged("b", odd), Staged("c", odd)])
        assert list(change.differing()) == []

    rows = store.database.fetch("SELECT id FROM users WHERE \"displayName\" = 'Ana'")
    assert rows == [("a",)]
    names = store.database.fetch('SELECT "displayName" FROM users ORDER BY id')
    assert "\ufffd" in names[1][0]
    assert names[1] == names[2]
    assert len(read_documents(store)) == 3


def test_a_value_of_another_type_keeps_no_view_from_being_queried(store: Store) -> None:
    """Its object is shown all the same, and what has the right type of it."""
    load_users(
        store,
        row("a", displayName="Ana", accountEnabled=True, employeeOrgData={"division": "x"}),
        row("b", displayName=7, accountEnabled="perhaps", employeeOrgData="text"),
        row("c", displayName="Cy", accountEnabled=[2], assignedLicenses=3),
    )

    rows = store.database.fetch("SELECT * FROM users WHERE \"displayName\" IN ('Ana', 'Cy')")
    assert sorted(line[1] for line in rows) == ["a", "c"]
    enabled = store.database.fetch('SELECT id FROM users WHERE "accountEnabled"')
    assert enabled[0] == ("a",)
