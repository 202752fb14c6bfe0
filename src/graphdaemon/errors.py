"""
Every way this program can fail, and what each failure means to the caller.

    Error                 .code  .case  .hint  .exit_code
    ├── UsageError     2  what the caller asks for cannot be done like that; nothing was sent
    ├── SettingsError  3  a setting is missing or wrong: says which one and where it was read
    ├── IdentityError  4  the identity platform refused: .error  .error_codes  .correlation_id
    ├── GraphError     5  Graph answered, but not with what was asked:
    │                     .status  .graph_code  .request_id  .retry_after
    ├── NetworkError   6  no answer, or only part of one
    ├── OutputError    7  what was listed could not be written
    ├── StoreError     7  the database could not be read or written
    ├── UnprovedError  8  nothing proves that what was read is everything
    ├── DeleteGuardError  9  too much would be deleted at once
    ├── StoreLateError  11  the store is not in step with the directory
    └── CallerRefusedError  5  a protected API of one's own refuses a caller:
                          .status  .error  .challenge  .retry_after  .headers  .body

There is a class for whatever a caller may want to handle differently. Finer differences are in
`code`, one of the stable words in `CODES`. Every error can be copied and pickled, so that a job in
a process pool can raise it.
"""

from typing import ClassVar

EXIT_CODES = {
    0: "done and complete",
    1: "a bug in graphdaemon",
    2: "wrong usage of the command line",
    3: "a setting is missing or wrong",
    4: "the identity platform refused",
    5: "Graph refused, or an API of one's own",
    6: "no network, or an answer that broke off",
    7: "the store or the output could not be written",
    8: "the listing is not proved complete",
    9: "the delete guard stopped the run",
    10: "a report has findings that --fail-on or --within names",
    11: "the store is not in step: something is too old, or was never read",
    130: "interrupted by Ctrl-C",
    141: "whatever read the output closed it",
}

CODES = {
    "internal": "A bug in graphdaemon; the log has the place.",
    "option_invalid": "An option, or two together, cannot be carried out; it is named.",
    "findings": "A report has findings of the rules that --fail-on or --within names.",
    "origin_foreign": "An address is not of the configured origin, where alone the token goes.",
    "query_invalid": "The JMESPath expression cannot be read, or does not fit a record.",
    "package_missing": "What is asked for needs a package that is not installed.",
    "namespaces_unavailable": "This system has no namespaces for this user to run a program in.",
    "program_not_started": "The program to be run is absent, or the system does not run it.",
    "no_settings": "No settings file was found, and the environment does not hold the settings.",
    "settings_unreadable": "The settings file exists and cannot be read.",
    "settings_malformed": "The settings file is not JSON (or not TOML); line and column are named.",
    "setting_unknown": "A key that graphdaemon does not know; the nearest known one is named.",
    "setting_placeholder": "A placeholder of the sample file was left in.",
    "setting_invalid": "A value has the wrong type or form.",
    "setting_missing": "A setting that is always needed is absent.",
    "tenant_repeated": "Two files of a folder of tenants have the same name but for its ending.",
    "authority_ambiguous": "None or several of authority, oidc_authority and tenant are given.",
    "credential_missing": "There is nothing to prove the app's identity with.",
    "credential_ambiguous": "Credentials are given that exclude each other.",
    "private_key_unreadable": "The private key file is absent or cannot be read.",
    "private_key_encrypted": "The private key is encrypted, and the passphrase absent or wrong.",
    "private_key_malformed": "The private key file holds no usable key.",
    "certificate_mismatch": "Thumbprint, certificate and private key do not belong together.",
    "certificate_malformed": "The certificate file holds no usable certificate.",
    "rotation_impossible": "This kind of credential cannot be rotated from here.",
    "rotation_busy": "Another rotation of the same key is under way.",
    "rotation_unproved": "The new certificate was added, and is not accepted yet.",
    "secret_unreadable": "The file or keyring entry with the secret or passphrase cannot be read.",
    "keyring_unusable": "The operating system has no keyring that can be used.",
    "assertion_unavailable": "The platform gave no token to prove the app's identity with.",
    "vault_refused": "The key vault did not sign.",
    "managed_identity_absent": "This machine has no managed identity, or not the one configured.",
    "managed_identity_unsupported": "Managed identities of this platform cannot be used.",
    "cache_key_missing": "The shared token cache has no key to be encrypted with.",
    "ca_file_unreadable": "The CA file is absent or holds no certificate.",
    "secret_wrong": "The identity platform does not accept the client secret.",
    "secret_expired": "The client secret has expired.",
    "client_unknown": "The tenant does not know this client ID.",
    "client_disabled": "The application is disabled in this tenant.",
    "tenant_unknown": "The identity platform does not know this tenant.",
    "scope_invalid": "The scope is not of the form {App ID URI}/.default.",
    "resource_unknown": "The tenant does not know the API that the scope names.",
    "certificate_refused": "The identity platform does not accept the certificate's signature.",
    "client_public": "The app is registered as a public client, which has no credential.",
    "assertion_refused": "The identity platform does not accept the federated token.",
    "resource_disabled": "The API that the scope names is disabled in this tenant.",
    "assignment_missing": "The API gives tokens only to apps with a role of it; this has none.",
    "access_blocked": "A Conditional Access policy blocks the app.",
    "sign_in_failed": "Nobody was signed in who could register an app.",
    "az_unusable": "Azure CLI is not installed, not signed in, or gave no token.",
    "file_foreign": "A file is in the way that graphdaemon has not written.",
    "file_unwritable": "A settings file or a key file cannot be written.",
    "paths_conflict": "Two options name the same file, which one of them would overwrite.",
    "registration_ambiguous": "Several apps carry the tag that should name one.",
    "credential_unproved": "The app's credential was added, and is not accepted yet.",
    "directory_behind": "The directory did not know in time what was just made.",
    "consent_pending": "Consent was not visible within the time given.",
    "clock_wrong": "This machine's clock is wrong, so that signed assertions are outside their "
    "time.",
    "identity_refused": "The identity platform refused for another reason; its words are given.",
    "identity_unavailable": "The identity platform is overloaded or out of order.",
    "identity_unreadable": "The authority answered with something that is no answer of its kind.",
    "token_refused": "Graph does not accept the token (401), not even a new one.",
    "permission_missing": "The token lacks the app role that the call needs (403).",
    "licence_missing": "The tenant has no licence for this part of Graph.",
    "not_found": "Graph has no such object or path (404).",
    "request_refused": "Graph refused the request as it was put (another 4xx, or 501).",
    "throttled": "Graph asked to wait (429), and still did after every attempt.",
    "graph_unavailable": "Graph failed (5xx), and still did after every attempt.",
    "answer_foreign": "A firewall or proxy answered in the place of Graph.",
    "page_malformed": "Graph's answer is not the JSON that was asked for.",
    "link_foreign": "A next link points away from the configured Graph; it was not followed.",
    "budget_file_unusable": "The file of the shared throttle budget cannot be made or written.",
    "journal_busy": "Another run uses the journal.",
    "journal_mismatch": "The journal is that of another listing.",
    "journal_unusable": "The journal cannot be read or written.",
    "listing_overdue": "The listing took longer than it was allowed to.",
    "host_unknown": "The host name could not be resolved.",
    "connection_failed": "No connection could be made.",
    "connection_lost": "The connection broke before or during the answer.",
    "timed_out": "The host did not answer in time.",
    "limit_exceeded": "An answer was larger, longer or slower than the limit that is named.",
    "address_invalid": "An address is none that a request can be sent to.",
    "tls_untrusted": "The server's certificate is not trusted.",
    "output_failed": "The output could not be written: no room, no place, or a value unfit for it.",
    "store_url_invalid": "The store's URL cannot be read, or is of no kind that is known.",
    "store_missing": "There is no store at the place that is named, or no folder for one.",
    "store_busy": "Another process writes to the store, or syncs the same collection.",
    "store_full": "There is no room for the store.",
    "store_gone": "The database cannot be reached, or its connection or its disk failed.",
    "store_newer": "The store was written by a newer graphdaemon.",
    "store_readonly": "This user may not write the store.",
    "store_refused": "The database does not let this user in.",
    "store_unreadable": "What is named as the store is something else, or damaged.",
    "store_late": "Something in the store is older than it may be, or was never in step.",
    "store_failed": "The database refused something for another reason; its words are given.",
    "listing_unproved": "Nothing proves that the listing is complete; the reason is given.",
    "delete_guard": "More rows would be deleted from the store at once than is allowed.",
    "feed_undelivered": "Changes were committed, and the change feed could not be delivered.",
    "proxy_invalid": "A variable names no proxy that can be used; it and the part are named.",
    "proxy_refused": "The proxy did not let the connection through.",
    "bearer_missing": "A request to a protected API carries no bearer token (401).",
    "bearer_invalid": "A protected API does not accept the token (401); the case says why.",
    "caller_forbidden": "A protected API accepts the token, and its caller may not do this (403).",
    "keys_unavailable": "A protected API cannot fetch the keys that tokens are checked with (503).",
}


class Error(Exception):
    """
    Any failure that graphdaemon can explain.

    Args:
        message: What happened, to what, with which value; never a secret, token or page link.
        code: One of `CODES`.
        hint: The next step, as one sentence in the imperative.
        case: The key in the table of diagnoses, where it is finer than the code.

    Attributes:
        listing: The record of the listing that this failure ended, if it ended one.
    """

    listing: object = None
    exit_code: ClassVar[int] = 1

    def __init__(
        self, message: str, *, code: str, hint: str | None = None, case: str | None = None
    ) -> None:
        assert code in CODES, f"{code} is not a documented code"
        super().__init__(message)
        self.code = code
        self.hint = hint
        self.case = case or code

    def __reduce__(self) -> tuple[object, ...]:
        # By itself Python makes a copy by calling the class with `args`, which has no `code`.
        return _make_empty, (type(self), self.args), self.__dict__


def _make_empty(kind: type[Error], arguments: tuple[object, ...]) -> Error:
    """Make an error with its message alone: the first half of a copy."""
    return kind.__new__(kind, *arguments)


class UsageError(Error):
    """What the caller asks for cannot be done like that; nothing was sent."""

    exit_code = 2


class SettingsError(Error):
    """A setting is missing or wrong; nothing was sent anywhere."""

    exit_code = 3


class IdentityError(Error):
    """
    The identity platform did not issue a token.

    Attributes:
        error: The OAuth error, such as `invalid_client`, which Microsoft keeps stable.
        error_codes: AADSTS numbers, such as 7000215, which say more, and may change.
        correlation_id: The number by which Microsoft's support finds the request.
    """

    exit_code = 4

    def __init__(
        self,
        message: str,
        *,
        code: str,
        hint: str | None = None,
        case: str | None = None,
        error: str | None = None,
        error_codes: tuple[int, ...] = (),
        correlation_id: str | None = None,
    ) -> None:
        super().__init__(message, code=code, hint=hint, case=case)
        self.error = error
        self.error_codes = error_codes
        self.correlation_id = correlation_id


class GraphError(Error):
    """
    Graph answered, but not with what was asked for.

    Attributes:
        status: The HTTP status.
        graph_code: Graph's own error code, such as `Authorization_RequestDenied`, if it gave one.
        request_id: The ID by which Microsoft's support finds the request.
        retry_after: The seconds that Graph asked to wait, if it did; 0 or more.
    """

    exit_code = 5

    def __init__(
        self,
        message: str,
        *,
        code: str,
        status: int,
        hint: str | None = None,
        case: str | None = None,
        graph_code: str | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, code=code, hint=hint, case=case)
        self.status = status
        self.graph_code = graph_code
        self.request_id = request_id
        self.retry_after = retry_after


class NetworkError(Error):
    """No answer came, or only part of one."""

    exit_code = 6


class OutputError(Error):
    """The output could not be written; what is written so far is not everything."""

    exit_code = 7


class UnprovedError(Error):
    """
    A listing has reached its end, or its time is over, and nothing proves that it is complete.

    `listing` is its record.
    """

    exit_code = 8

    def __init__(
        self, message: str, *, code: str, hint: str | None = None, listing: object = None
    ) -> None:
        super().__init__(message, code=code, hint=hint)
        self.listing = listing


class FindingsError(Error):
    """A report, on a program or on a directory, has findings that the caller forbids."""

    exit_code = 10


class StoreError(Error):
    """The store could not be read or written; what it held before, it still holds."""

    exit_code = 7


class DeleteGuardError(Error):
    """
    More would be deleted from the store at once than is allowed; nothing was.

    Attributes:
        gone: How many rows would go.
        first: The first of them, each its ID and, where it has one, its name.
    """

    exit_code = 9

    def __init__(
        self,
        message: str,
        *,
        code: str,
        hint: str | None = None,
        gone: int = 0,
        first: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message, code=code, hint=hint)
        self.gone = gone
        self.first = first


class StoreLateError(Error):
    """Something in the store is not in step with the directory: it is too old, or never was."""

    exit_code = 11


class CallerRefusedError(Error):
    """
    A protected API refuses a caller; the message is the `error_description` of the answer.

    Attributes:
        status: The HTTP status: 400, 401, 403 or 503.
        error: The error of RFC 6750 or of a claims challenge, such as `invalid_token`, or None.
        challenge: The value of the header `WWW-Authenticate`, or None.
        retry_after: The seconds after which the same request may succeed, or None.
        headers: The headers of the answer to the caller, each a name and a value.
        body: Its body, a JSON object; `content` is the same as a dict.
    """

    exit_code = 5

    def __init__(
        self,
        message: str,
        *,
        code: str,
        status: int,
        hint: str | None = None,
        case: str | None = None,
        error: str | None = None,
        challenge: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, code=code, hint=hint, case=case)
        self.status = status
        self.error = error
        self.challenge = challenge
        self.retry_after = retry_after

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The headers of the answer to the caller."""
        headers = [("Content-Type", "application/json"), ("Cache-Control", "no-store")]
        if self.challenge is not None:
            headers.append(("WWW-Authenticate", self.challenge))
        if self.retry_after is not None:
            headers.append(("Retry-After", str(max(1, round(self.retry_after)))))
        return headers

    @property
    def body(self) -> bytes:
        """The body of the answer to the caller, a JSON object."""
        import json

        return json.dumps(self.content).encode()

    @property
    def content(self) -> dict[str, str]:
        """What the body says: `error`, `error_description`, `code` (the case) and `hint`."""
        said = {"error": self.error or self.code, "error_description": str(self), "code": self.case}
        return said | ({"hint": self.hint} if self.hint else {})


class OutputClosedError(Exception):
    """
    The program that read the output (`head`, say) has closed it, so there is nothing left to do.

    This is no `Error`: nothing failed that anybody needs to be told.
    """
