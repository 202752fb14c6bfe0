r"""
Replace characters that control a terminal, or that no screen shows, by JSON escapes.

For example, `ESC` becomes `\u001b`. This is readable, and inside JSON it means the same text.
"""

import re

# Characters that control a terminal (C0, DEL, C1), that end a line in some programs, halves of a
# character, and characters that no screen shows, with which two names may look alike or be read
# backwards. The latter are the Default_Ignorable_Code_Point of Unicode 16
# (https://www.unicode.org/Public/16.0.0/ucd/DerivedCoreProperties.txt) and the interlinear
# annotations, which are not shown either.
_NEVER = (
    "\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff"
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e00ff\U000e01f0-\U000e0fff"
)
# Joiners and variation selectors, which Arabic and Indic names, emoji and Japanese names need.
# After other characters they change nothing visible.
_JOINERS = "\u200c\u200d\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef"
# The characters after which they are kept: Arabic to Myanmar, Philippine to Mongolian, symbols,
# CJK, further Indic and Arabic, emoji.
_JOINED = (
    "\u0600-\u061b\u061d-\u109f\u1700-\u17b3\u17b6-\u180a\u1810-\u18af\u1900-\u1cff"
    "\u00a9\u00ae\u203c-\u205f\u2070-\u3163\u3165-\ua4cf\ua800-\uabff\uf900-\ufdff\ufe70-\ufefc"
    "\U00010a00-\U00011fff\U0001e900-\U0001faff\U00020000-\U0003ffff"
)
# A variation selector is also kept before a joiner, as in the emoji of a burning heart, and after a
# digit in a key cap.
_HARMFUL = (
    f"[{_NEVER}]|(?<![{_JOINED}])(?<!\ufe0f(?=\u200d))[{_JOINERS}](?!(?<=[0-9#*]\ufe0f)\u20e3)"
)
_HARMFUL_IN_LINES = f"(?!\n|\t|\r\n)(?:{_HARMFUL})"


def escape(text: str) -> str:
    """Return `text` with every character escaped that controls a terminal or is never shown."""
    if _is_plain(text):
        return text
    return re.sub(_HARMFUL, _escape_sign, text)


def escape_lines(text: str) -> str:
    """Return a document of several lines, escaped like `escape`, but with tabs and line breaks."""
    if _is_plain(text.replace("\n", "")):
        return text
    # A terminal needs no CR to begin the next line.
    return re.sub(_HARMFUL_IN_LINES, _escape_sign, text).replace("\r\n", "\n")


def escape_document(data: bytes) -> str:
    r"""Return `data` as text, escaped as by `escape_lines`; a byte that is not UTF-8 is `\x9b`."""
    return escape_lines(data.decode("utf-8", "backslashreplace"))


def _is_plain(text: str) -> bool:
    """Whether nothing in `text` needs an escape, which can be told without the long expressions."""
    # To compile these takes a thirtieth of the start, and most commands print nothing else.
    return text.isascii() and text.isprintable()


def _escape_sign(match: re.Match[str]) -> str:
    sign = match[0]
    code = ord(sign)
    if code < 0x10000:
        return f"\\u{code:04x}"
    # JSON writes such a character as two surrogates (RFC 8259, section 7).
    return f"\\u{0xD800 + (code - 0x10000 >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"
