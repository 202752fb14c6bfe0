"""Text as people have it: what is read as meant, and what is named."""

import shlex

import pytest

from graphdaemon.settings.text import (
    clean,
    decode_text,
    encode_host,
    name_flaw,
    quote,
    quote_for_shell,
)

ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
UNSEEN = {
    "no-break blank": "\u00a0",
    "soft hyphen": "\u00ad",
    "zero width space": "\u200b",
    "zero width non-joiner": "\u200c",
    "left-to-right mark": "\u200e",
    "left-to-right embedding": "\u202a",
    "narrow no-break blank": "\u202f",
    "word joiner": "\u2060",
    "ideographic blank": "\u3000",
    "Hangul filler": "\u3164",
    "variation selector": "\ufe0f",
    "byte order mark": "\ufeff",
    "NUL": "\0",
    "line separator": "\u2028",
}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_text_is_read_whatever_wrote_it(encoding: str) -> None:
    """With a byte order mark and without."""
    assert decode_text("a~Zürich secret".encode(encoding)) == "a~Zürich secret"


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"\xfe\x80", b"\xc3", b"abc\xff"])
def test_what_is_no_text_is_not_guessed_at(content: bytes) -> None:
    with pytest.raises(UnicodeDecodeError):
        decode_text(content)


@pytest.mark.parametrize("sign", UNSEEN.values(), ids=UNSEEN.keys())
def test_what_cannot_be_seen_is_taken_off_the_ends_and_named_within(sign: str) -> None:
    """Around a value it came with the clipboard; within it nobody can say what was meant."""
    assert clean(f"{sign}abc {sign}\r\n") == "abc"
    assert clean(f"{sign}'{sign}abc'") == "abc"
    assert f"U+{ord(sign):04X}" in (name_flaw(f"a{sign}bc") or "")
    assert "at place 2" in (name_flaw(f"a{sign}bc") or "")


@pytest.mark.parametrize(
    "quoted",
    ['"abc"', "'abc'", "`abc`", "“abc”", "„abc“", "‘abc’", "«abc»", "’abc’", " \"'abc'\" "],  # noqa: RUF001
)
def test_quotation_marks_around_a_value_are_taken_off(quoted: str) -> None:
    """`docker run --env-file` and cmd.exe keep them, word processors bend them."""
    assert clean(quoted) == "abc"


@pytest.mark.parametrize("text", ['"abc', "abc'", "“abc"])
def test_a_quotation_mark_at_one_end_is_named(text: str) -> None:
    """It may be part of the value, or what is left of a value that was cut."""
    assert clean(text) == text
    assert name_flaw(text) == "has a quotation mark at one end only"


def test_what_only_looks_like_an_id_is_named() -> None:
    """Word processors make a dash of a hyphen."""
    assert name_flaw("11111111-2222", blanks=False) is None
    assert name_flaw("11111111\u20132222", blanks=False) == "holds U+2013 (EN DASH) at place 9"
    assert name_flaw("11111111 2222", blanks=False) == "holds U+0020 (SPACE) at place 9"
    assert name_flaw('1111"1111', blanks=False) == "holds U+0022 (QUOTATION MARK) at place 5"


def test_signs_within_a_secret_may_be_meant() -> None:
    """A blank, letters of any language, quotation marks."""
    assert name_flaw("s\"e'c ré漢t–") is None  # noqa: RUF001
    assert clean("s\"e'ct") == "s\"e'ct"


def test_an_error_repeats_no_client_secret_and_no_password() -> None:
    """Where a value is repeated somebody may have put another than was asked for."""
    assert "8Q~" not in quote("abc8Q~0123456789012345678901234567890123")
    assert quote("https://me:p/a@ss@login.example/x") == "https://…@login.example/x"
    assert quote("west\x1b[31m") == "west\ufffd[31m"
    assert len(quote("a" * 1000)) == 401
    assert quote("contoso.example") == "contoso.example"


@pytest.mark.parametrize("name", ["p.json", "my p.json", "it's.json", "$(id).json", "-p.json", "ü"])
def test_a_path_in_a_command_stays_one_word_and_no_option(name: str) -> None:
    """A shell reads it as the path that it is; a dash at its beginning is no option's."""
    assert shlex.split(f"chmod 600 {quote_for_shell(name)}")[2].removeprefix("./") == name
    assert not quote_for_shell(name).startswith("-")


@pytest.mark.parametrize(
    "name", ["graph.microsoft.com", "localhost", "a.b.", "10.0.0.1", "x" * 63, "bücher.example", ""]
)
def test_the_name_of_a_host_is_encoded_as_python_does(name: str) -> None:
    """Without the codec's tables, which only names with other letters need."""
    assert encode_host(name) == name.encode("idna")


@pytest.mark.parametrize("name", ["a..b", ".a", "x" * 64, f"{'x' * 64}.example", "ü..b"])
def test_a_name_that_no_host_can_have_is_refused(name: str) -> None:
    """The error is the codec's own kind, which callers know."""
    with pytest.raises(UnicodeError):
        encode_host(name)
