"""
An exchange without secrets and without anybody's name.

Whatever is not known to be harmless is replaced: names, addresses, numbers and IDs by pseudonyms,
secrets and tokens by one word. What stays is the services' own: paths and properties, operators,
permissions, error codes, fixed values, public IDs, times, numbers and truth values of known
properties.
"""

import re
from typing import Any
from urllib.parse import parse_qsl, quote_plus

import msgspec

from entra_emulator.errors.token_service import TOKEN_REFUSALS
from entra_emulator.traffic.recording import vocabulary
from entra_emulator.traffic.recording.address_redaction import replace_address, replace_condition
from entra_emulator.traffic.recording.pseudonyms import Pseudonyms
from entra_emulator.web.exchange import Exchange, Headers

REDACTED = "REDACTED"

# Members and fields that are secrets, whatever stands in them.
_SECRETS = frozenset(
    "access_token assertion client_assertion client_info client_secret code code_verifier "
    "customkeyidentifier device_code id_token key nonce password proof refresh_token secrettext "
    "temporaryaccesspass token user_code".split()
)
_DOTTED = re.compile(r"[\w.-]+", re.ASCII)

# Within an error, `code` says which one it is.
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.]{0,79}")
_OAUTH_ERRORS = frozenset(row.error for row in TOKEN_REFUSALS.values()) | frozenset(
    "access_denied authorization_declined authorization_pending expired_token slow_down "
    "temporarily_unavailable".split()
)
_METHODS = frozenset("DELETE GET HEAD OPTIONS PATCH POST PUT".split())

_TIME = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d{1,9})?Z)?", re.ASCII)
# Times that say something about a person.
_PERSONAL_TIMES = frozenset({"birthday", "employeehiredate", "employeeleavedatetime", "hiredate"})
_SOME_TIME = "2000-01-01T00:00:00Z"

# What a message quotes stands in quotation marks.
_MENTIONED = re.compile(r"'[^']*'|\"[^\"]*\"|[^'\"]+|['\"]")
_NUMBER = re.compile(r"[0-9]+")
_ERROR_NUMBER = re.compile(r"AADSTS([0-9]{4,8})\b")

# Headers whose values are words of the protocol, and those that have IDs in them.
_PROTOCOL = frozenset(
    "accept accept-encoding consistencylevel content-type date odata-version prefer "
    "preference-applied retry-after x-client-sku x-client-ver x-ms-resource-unit "
    "x-ms-throttle-information x-ms-throttle-limit-percentage x-ms-throttle-priority "
    "x-ms-throttle-scope".split()
)
_IDENTIFIERS = frozenset("client-request-id request-id x-ms-request-id".split())
_PROTOCOL_WORDS = frozenset(
    "ADAL Application Apr Aug CoreCLR Dec Desktop Feb Fri GMT IEEE Compatible JS Jan Java Jul Jun "
    "MSAL Mar May Mon NetCore Node Nov OData Oct PCL Python ReadWrite ResourceUnitLimitExceeded "
    "Sat Sep Sun Tenant Thu Tue Wed Write WriteLimitExceeded application br charset deflate "
    "encoded eventual false form full gzip high html identity js json low maxpagesize metadata "
    "minimal msal node none normal octet odata plain q representation return stream streaming "
    "text true urlencoded utf www x xml zstd".split()
)


class Redaction:
    """
    Replaces what is secret or personal, everywhere in the same way.

    Args:
        key: of the pseudonyms; by default a random one that nobody keeps.
    """

    def __init__(self, key: bytes | None = None) -> None:
        self._names = Pseudonyms(key, vocabulary.list_public_ids())

    def redact(self, exchange: Exchange) -> Exchange:
        """The exchange as it may be kept."""
        return exchange._replace(
            # It tells only which requests came on one connection.
            connection=self._names.replace_text(exchange.connection),
            method=exchange.method if exchange.method in _METHODS else REDACTED,
            url=replace_address(self._names, exchange.url),
            request_headers=self._redact_headers(exchange.request_headers),
            request_body=self._redact_body(exchange.request_body),
            response_headers=self._redact_headers(exchange.response_headers),
            response_body=self._redact_body(exchange.response_body),
            caller={
                name: self._redact_value(name, value) for name, value in exchange.caller.items()
            },
        )

    def _redact_headers(self, headers: Headers) -> Headers:
        shown = ((name, self._redact_header(name, value)) for name, value in headers)
        return tuple((name, value) for name, value in shown if value is not None)

    def _redact_header(self, name: str, value: str) -> str | None:
        """The value of a header; None if it is left out."""
        if name in _PROTOCOL:
            # Numbers are versions, sizes, seconds and times here.
            kept = _PROTOCOL_WORDS | set(_NUMBER.findall(value))
            return self._names.replace_text(value, kept)
        if name in _IDENTIFIERS:
            return self._names.replace_text(value)
        if name == "user-agent":
            short = {number for number in _NUMBER.findall(value) if len(number) < 4}
            return self._names.replace_text(value, vocabulary.AGENTS | short)
        if name in {"location", "content-location"}:
            return replace_address(self._names, value)
        return None

    def _redact_body(self, body: bytes) -> bytes:
        if not body:
            return b""
        try:
            return msgspec.json.encode(self._redact_value("", msgspec.json.decode(body)))
        except (msgspec.DecodeError, UnicodeError):
            return self._redact_form(body)
        except RecursionError:
            return REDACTED.encode()

    def _redact_form(self, body: bytes) -> bytes:
        """The fields of a form; of anything else only that it was there."""
        try:
            fields = parse_qsl(body.decode("ascii"), strict_parsing=True, keep_blank_values=True)
        except ValueError:
            return REDACTED.encode()
        shown = (
            f"{quote_plus(self._redact_member(name))}={quote_plus(self._redact_text(name, value))}"
            for name, value in fields
        )
        return "&".join(shown).encode()

    def _redact_value(self, name: str, value: Any, *, error: bool = False) -> Any:
        """A JSON value that is the member of this name, or one of several in it."""
        if isinstance(value, str):
            return self._redact_text(name, value, error=error)
        if isinstance(value, list):
            return [self._redact_value(name, one, error=error) for one in value]
        if isinstance(value, dict):
            return self._redact_object(name, value, error=error)
        if isinstance(value, bool) or value is None or vocabulary.is_member(name):
            return value
        return int(self._names.replace_text(str(abs(int(value)))[:15]))

    def _redact_object(self, name: str, value: dict[str, Any], *, error: bool) -> dict[str, Any]:
        if name.lower() == "headers":
            # Those of a request within a batch.
            items = ((str(key), str(one)) for key, one in value.items())
            shown = ((key, self._redact_header(key.lower(), one)) for key, one in items)
            return {self._redact_member(key): one for key, one in shown if one is not None}
        error = error or name.lower() in {"error", "innererror"}
        return {
            self._redact_member(key): self._redact_value(key, one, error=error)
            for key, one in value.items()
        }

    def _redact_member(self, name: str) -> str:
        return name if vocabulary.is_member(name) else self._names.replace_text(name)

    def _redact_text(self, name: str, value: str, *, error: bool = False) -> str:
        """A text that is the member, or the field, of this name."""
        folded = name.lower()
        if error and folded == "code" and _CODE.fullmatch(value):
            return value
        if folded in _SECRETS or _holds_token(value):
            return REDACTED if value else ""
        if _is_plain(folded, value):
            return value
        if _TIME.fullmatch(value):
            return _SOME_TIME if folded in _PERSONAL_TIMES else value
        if folded == "@odata.type":
            return replace_condition(self._names, value)
        if folded in {"scope", "scp", "roles"}:
            return " ".join(map(self._redact_scope, value.split(" ")))
        if folded in {"message", "error_description"}:
            return self._redact_message(value)
        if folded == "url" or value.startswith(("https://", "http://")):
            return replace_address(self._names, value)
        return self._names.replace_text(value)

    def _redact_scope(self, value: str) -> str:
        if vocabulary.is_fixed("scope", value):
            return value
        return replace_address(self._names, value.removesuffix("/.default")) + (
            "/.default" if value.endswith("/.default") else ""
        )

    def _redact_message(self, value: str) -> str:
        """What a service says: its own words stay, and none of what it quotes."""
        kept = vocabulary.list_sentences() | set(_ERROR_NUMBER.findall(value))
        return "".join(
            self._names.replace_text(part, () if part[0] in "'\"" else kept)
            for part in _MENTIONED.findall(value)
        )


def _holds_token(value: str) -> bool:
    """Whether a JWT is in the text, as a whole or within something else."""
    return any(
        word.startswith(("ey", "ew")) and word.count(".") > 1 for word in _DOTTED.findall(value)
    )


def _is_plain(name: str, value: str) -> bool:
    """Whether the text is one of a fixed set for the member of this name in small letters."""
    if name == "error":
        return value in _OAUTH_ERRORS
    if name == "method":
        return value in _METHODS
    return vocabulary.is_fixed(name, value) or vocabulary.is_code(name, value)
