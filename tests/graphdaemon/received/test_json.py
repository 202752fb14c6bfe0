"""JSON of a server is decoded, with a bound to its depth, or refused as what it is."""

import json

import pytest

from graphdaemon.received.json import DEEPEST, TooDeepError, check_depth, decode, decode_object

OBJECTS = b'{"a":' * DEEPEST + b"1" + b"}" * DEEPEST
LISTS = b"[" * DEEPEST + b"]" * DEEPEST


@pytest.mark.parametrize("text", [OBJECTS, LISTS], ids=["objects", "lists"])
def test_a_text_as_deep_as_allowed_is_decoded_and_one_deeper_is_not(text: bytes) -> None:
    """Whether it is lists or objects."""
    assert decode(text) is not None
    with pytest.raises(TooDeepError):
        decode(b"[" + text + b"]")


@pytest.mark.parametrize("levels", [1_000, 1_000_000])
def test_depth_beyond_all_measure_is_an_error_of_decoding(levels: int) -> None:
    """Closed or not."""
    for text in (b"[" * levels, b'{"a":' * levels, b"[" * levels + b"]" * levels):
        with pytest.raises(ValueError, match="nested"):
            decode(text)


def test_brackets_within_strings_are_not_depth() -> None:
    """Names of users may have any number of them that nobody closes."""
    names = ["[Sales", "{", "}", "]", '"[', "\\[", "[{" * DEEPEST]
    text = json.dumps([{"displayName": name} for name in names * DEEPEST]).encode()

    check_depth(text)
    assert len(decode(text)) == len(names) * DEEPEST


def test_a_string_without_an_end_is_looked_through_once() -> None:
    """Each of its escaped quotation marks could be taken for the beginning of a string."""
    check_depth(b"[" * (DEEPEST - 1) + b'"' + b'\\"[' * 1_000_000)


def test_depth_in_another_encoding_is_an_error_of_decoding() -> None:
    """Python guesses UTF-16 by its first bytes."""
    with pytest.raises(ValueError, match="nested"):
        decode(("[" * 100_000).encode("utf-16"))


def test_an_object_is_a_dict_and_anything_else_is_none() -> None:
    """Also what is no JSON at all, or has a number that Python does not read."""
    assert decode_object(b'{"a": 1}') == {"a": 1}
    for text in (b"", b"[]", b"1", b"\xff", b"{", b"[" * 200, b'{"a": ' + b"1" * 5_000 + b"}"):
        assert decode_object(text) is None
