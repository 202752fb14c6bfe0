"""Text as people paste it: in any encoding, with quotation marks and invisible characters."""

import base64
import codecs
import os
import re

# UTF-32's mark for little-endian begins with UTF-16's, so it stands first.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What word processors, mail and wikis make of straight quotation marks is among them.
_QUOTES = {
    '"': '"',
    "'": "'",
    "`": "`",
    "“": "”",
    "”": "”",
    "„": "“",
    "‘": "’",  # noqa: RUF001  the typographic mark is meant
    "’": "’",  # noqa: RUF001  the typographic mark is meant
    "«": "»",
}
_BLOCK = rb"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----"
# Letters and marks by their category, and yet nothing is to be seen of them.
_BLANK_LETTERS = "\u034f\u115f\u1160\u2800\u3164\uffa0"
# The form that Entra ID gives every client secret it makes: three characters, a digit, Q, a tilde.
_FORM_OF_SECRETS = r"[\w.~-]{3}\dQ~[\w.~-]{20,}"


def decode_text(content: bytes) -> str:
    """
    Return the text of a file: UTF-8, or UTF-16 or UTF-32, with a byte order mark or without.

    Windows PowerShell 5 writes UTF-16 with its mark where output is redirected into a file.

    Raises:
        UnicodeDecodeError: It is none of them.
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content.decode(encoding)
    # No text has a NUL in it, and in UTF-16 every other byte of plain ASCII is one.
    high, low = content[::2].count(0), content[1::2].count(0)
    if (high + low) * 4 > len(content):
        return content.decode("utf-16-le" if low > high else "utf-16-be")
    return content.decode()


def encode_host(name: str) -> bytes:
    """
    Return the name of a host as DNS has it (RFC 5890).

    Raises:
        UnicodeError: It is none that a host can have: a part of it is empty, or too long.
    """
    if not name.isascii():
        return name.encode("idna")
    # What the codec does with ASCII, without its tables, whose loading every start would pay for.
    *parts, last = name.split(".")
    if len(last) > 63 or not all(0 < len(part) < 64 for part in parts):
        raise UnicodeError("a part of the name is empty or too long")
    return name.encode()


def find_pem(data: bytes) -> bytes | None:
    """Return the text of a PEM file in the form that OpenSSL writes; None if it is not PEM."""
    mark = b"-----BEGIN "
    if mark not in data:
        try:
            data = decode_text(data).encode()
        except UnicodeDecodeError:
            return None
        if mark not in data:
            return None
    # From a JSON file or a variable, line breaks come as two signs, and lines may be indented.
    if b"\n" not in data.strip() or b"-----\\n" in data:
        data = data.replace(b"\\r", b"").replace(b"\\n", b"\n")
    data = data.removeprefix(codecs.BOM_UTF8)
    return b"\n".join(line.strip() for line in data.splitlines())


def list_pem_blocks(text: bytes) -> list[tuple[bytes, bytes]]:
    """Return the blocks of PEM text in their order, each with its label, such as `CERTIFICATE`."""
    return [(match[1], match[0]) for match in re.finditer(_BLOCK, text, re.DOTALL)]


def decode_base64(data: bytes) -> bytes | None:
    """Return DER data that is written as plain base64; None if it is something else."""
    try:
        text = re.sub(r"\s", "", clean(decode_text(data)))
        decoded = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    # Keys and certificates are a sequence, whose tag this is (X.690, 8.9 and 8.14).
    return decoded if decoded[:1] == b"\x30" else None


def clean(text: str) -> str:
    """Return `text` without blanks, invisible characters and quotation marks around it."""
    text = _strip(text)
    while len(text) > 1 and _QUOTES.get(text[0]) == text[-1]:
        text = _strip(text[1:-1])
    return text


def name_flaw(text: str, *, blanks: bool = True) -> str | None:
    """
    Name what is wrong in the cleaned `text`: an invisible character, or a single quotation mark.

    Ordinary blanks are accepted if `blanks` is true. Otherwise, characters that only look like
    those of an ID (a typographic dash, quotation marks) are named too.
    """
    for place, character in enumerate(text, 1):
        if _is_invisible(character) and not (blanks and character == " "):
            return f"holds {_name(character)} at place {place}"
        if not blanks and (character in _QUOTES or _is_false_hyphen(character)):
            return f"holds {_name(character)} at place {place}"
    if text and (text[0] in _QUOTES) != (text[-1] in _QUOTES.values()):
        return "has a quotation mark at one end only"
    return None


def quote(value: str) -> str:
    """Return `value` as an error may repeat it: short, on one line, and never a client secret."""
    if re.search(_FORM_OF_SECRETS, value):
        return "(it looks like a client secret, so it is not shown)"
    shown = "".join(character if character.isprintable() else "\ufffd" for character in value)
    # The part before the @ of an address holds a password.
    return re.sub(r"(?<=//).*@", "…@", shown if len(shown) <= 400 else f"{shown[:400]}…")


def quote_for_shell(path: str | os.PathLike[str]) -> str:
    """Return a path, or a URL, for a command that is to be copied into a shell, or PowerShell."""
    text = os.fspath(path)
    if os.name == "nt":
        return f'"{text}"' if " " in text else text
    # A run that goes well prints no command.
    import shlex

    return shlex.quote(f"./{text}" if text.startswith("-") else text)


def _strip(text: str) -> str:
    start, end = 0, len(text)
    while start < end and _is_invisible(text[start]):
        start += 1
    while start < end and _is_invisible(text[end - 1]):
        end -= 1
    return text[start:end]


def _is_invisible(character: str) -> bool:
    if character.isascii():
        return character == " " or not character.isprintable()
    # `isprintable` is false for the categories Other and Separator: controls, marks of direction,
    # joiners, no-break blanks, the byte order mark.
    return not character.isprintable() or character in _BLANK_LETTERS or _is_selector(character)


def _is_selector(character: str) -> bool:
    """Whether it only says how the character before it is drawn."""
    return "\ufe00" <= character <= "\ufe0f"


def _is_false_hyphen(character: str) -> bool:
    return "\u2010" <= character <= "\u2015" or character in "\u2212\ufe58\ufe63\uff0d"


def _name(character: str) -> str:
    # A table of a megabyte, which a run that goes well needs not.
    import unicodedata

    name = unicodedata.name(character, "")
    return f"U+{ord(character):04X}{f' ({name})' if name else ''}"
