"""Text that was piped or pasted, whatever wrote it."""

import pytest

from graphdaemon.cli.pasted_text import decode_pasted


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_each_encoding_of_a_shell_is_read(encoding: str) -> None:
    """With a byte order mark or without."""
    assert decode_pasted("AADSTS50034: não existe".encode(encoding)) == "AADSTS50034: não existe"


def test_a_stray_byte_hides_nothing_else() -> None:
    """It is replaced."""
    assert decode_pasted(b"AADSTS50034 \xff end") == "AADSTS50034 � end"
