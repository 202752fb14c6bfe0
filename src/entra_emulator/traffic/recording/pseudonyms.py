"""
Pseudonyms: the same for the same word, digits or ID wherever it stands, and no way back.

Texts are replaced word by word, so that what belongs together stays together: the pseudonym of
`ann.lee@contoso.com` consists of those of Ann, Lee and Contoso, in the same order, whatever the
case of its letters. Nothing of a text is left but its ASCII punctuation, and a few words that are
in everybody's addresses.
"""

import hmac
import re
import secrets
import unicodedata
from collections.abc import Collection

# Letters with accents and of any script are one word with those beside them.
_PARTS = re.compile(
    r"(?P<guid>[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})"
    r"|(?P<hex>[0-9a-fA-F]{32})"
    r"|(?P<word>[A-Za-z\x80-\U0010ffff]+)"
    r"|(?P<digits>[0-9]+)"
)
_PHONE = re.compile(r"\+?[0-9 ()./-]{6,}")
_DIGIT = re.compile(r"[0-9]")

# In the addresses of every tenant, or of every guest.
_COMMON = frozenset("com ext onmicrosoft smtp".split())

_CONSONANTS, _VOWELS = "bdfgklmnprstvz", "aeiou"
_ROUNDS = 8


class Pseudonyms:
    """
    The pseudonyms of one recording.

    Args:
        key: by default a random one that is forgotten with the object; then nobody can tell whose
            pseudonym one is, and those of two recordings have nothing in common.
        public: IDs that are the same in every tenant and stay as they are, in small letters.
    """

    def __init__(self, key: bytes | None = None, public: Collection[str] = ()) -> None:
        self._key = key or secrets.token_bytes(32)
        self._public = frozenset(public)
        self._words: dict[str, str] = {}
        self._taken: set[str] = set()
        self._texts: dict[str, str] = {}

    def replace_text(self, text: str, kept: Collection[str] = ()) -> str:
        """
        The text with a pseudonym for each of its words, digits and IDs.

        Args:
            text: anything.
            kept: words that stay as they are, spelt like this.
        """
        if kept:
            return self._replace(text, kept)
        known = self._texts.get(text)
        if known is None:
            known = self._texts[text] = self._replace(text, ())
        return known

    def replace_guid(self, guid: str) -> str:
        """The pseudonym of an ID; a public one stays."""
        folded = guid.lower()
        if folded in self._public:
            return guid
        digest = self._draw("guid", folded)[:16].hex()
        # The digit of the version is that of random IDs (RFC 9562), as Entra's are.
        parts = (digest[:8], digest[8:12], f"4{digest[13:16]}", f"a{digest[17:20]}", digest[20:])
        return "-".join(parts)

    def replace_link(self, token: str) -> str:
        """The pseudonym of a page or delta token: the same for the same one, and of no use."""
        return f"token-{self._draw('link', token).hex()[:24]}"

    def _replace(self, text: str, kept: Collection[str]) -> str:
        text = unicodedata.normalize("NFC", text)
        if not kept and _PHONE.fullmatch(text) and _DIGIT.search(text):
            return self._replace_phone(text)

        def replace(match: re.Match[str]) -> str:
            part = match[0]
            if part in kept:
                return part
            if match["guid"]:
                return self.replace_guid(part)
            if match["hex"]:
                hyphens = "-".join((part[:8], part[8:12], part[12:16], part[16:20], part[20:]))
                return self.replace_guid(hyphens).replace("-", "")
            return self._replace_digits(part) if match["digits"] else self._replace_word(part)

        return _PARTS.sub(replace, text)

    def _replace_word(self, word: str) -> str:
        folded = word.casefold()
        if folded in _COMMON:
            return word
        made = self._words.get(folded)
        if made is None:
            made = self._words[folded] = self._make_word(folded)
        if word.isupper() and len(word) > 1:
            return made.upper()
        return made if word[0].islower() else made.capitalize()

    def _make_word(self, folded: str) -> str:
        # Another one if two words would get the same: two people must not become one.
        attempt, word = 0, ""
        while not word or word in self._taken or word in _COMMON:
            digest = self._draw(f"word {attempt}", folded)
            word = "".join(
                _CONSONANTS[digest[2 * n] % len(_CONSONANTS)]
                + _VOWELS[digest[2 * n + 1] % len(_VOWELS)]
                # Longer ones when the short ones are used up.
                for n in range(min(3 + attempt // 10, 16))
            )
            attempt += 1
        self._taken.add(word)
        return word

    def _replace_phone(self, text: str) -> str:
        rest = iter(self._replace_digits("".join(_DIGIT.findall(text))))
        return _DIGIT.sub(lambda _: next(rest), text)

    def _replace_digits(self, digits: str) -> str:
        """As many digits; different ones for different ones of the same length."""
        size = len(digits)
        if size == 1:
            order = sorted("0123456789", key=lambda one: self._draw("digit", one))
            return order[int(digits)]
        # A Feistel network over the two halves (NIST SP 800-38G has the same form).
        left, right = digits[: size // 2], digits[size // 2 :]
        for turn in range(_ROUNDS):
            number = int.from_bytes(self._draw(f"digits {size} {turn}", right))
            mixed = (_number(left) + number) % 10 ** len(left)
            left, right = right, _spell(mixed, len(left))
        return left + right

    def _draw(self, use: str, text: str) -> bytes:
        return hmac.digest(self._key, f"{use}\0{text}".encode("utf-8", "surrogatepass"), "sha256")


# Python refuses to convert thousands of digits at once, since that takes long.
_LONGEST = 1000


def _number(digits: str) -> int:
    return int(digits[:_LONGEST])


def _spell(number: int, size: int) -> str:
    return str(number % 10**_LONGEST).zfill(size)[:size]
