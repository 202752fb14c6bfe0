"""Text of a server is shown in part, and as one line where it is no error's own text."""

from graphdaemon.received.text import quote, read_name, shorten


def test_a_long_text_is_shown_in_part_with_its_length() -> None:
    """A short one is shown as it is."""
    assert shorten("AADSTS7000215", 20) == "AADSTS7000215"
    assert shorten("x" * 2_001) == "x" * 2_000 + "… (2,001 characters)"


def test_an_answer_is_quoted_in_one_line_without_what_cannot_be_seen() -> None:
    """Escapes of a terminal, and characters that turn the direction of writing, are spelt out."""
    answer = b"\x1b[2J<html>\r\n  <p>Blocked\xe2\x80\xae by policy \xff</p>\x00"

    assert quote(answer) == "\\x1b[2J<html> <p>Blocked\\u202e by policy \ufffd</p>\\x00"


def test_a_long_answer_is_quoted_in_part() -> None:
    """However long it is, and however much of it is blank."""
    assert quote("x" * 300) == "x" * 200 + "…"
    assert quote(b" " * 10_000_000 + b"x") == "…"
    assert quote("\x00" * 300) == ("\\x00" * 50) + "…"
    assert quote(b"") == quote("  \r\n") == ""


def test_a_code_or_an_id_is_a_short_text_that_can_be_seen() -> None:
    """Anything else that stands in its place is left out."""
    assert read_name("Authorization_RequestDenied") == "Authorization_RequestDenied"
    values: tuple[object, ...] = ("", "a\x1b[2J", "x" * 101, 7, None, {}, True, ["a"])
    for value in values:
        assert read_name(value) is None
