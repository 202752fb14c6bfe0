"""
Every way in which this program can fail, and what each failure means to the caller.

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

There is a class for each kind of failure that a caller may want to handle differently. Finer
differences are in `code`, one of the stable words in `CODES`. Every error can be copied and
pickled, so a job in a process pool can raise it.
"""

from typing import ClassVar

EXIT_CODES = {
    0: "done and complete",
    1: "a bug in graphdaemon",
    2: "wrong usage of the command line",
    3: "a setting is missing or wrong",
    4: "the identity platform refused",
    5: "Graph or your own API refused",
    6: "no network, or an incomplete answer",
    7: "the store or the output could not be written",
    8: "the listing is not proved complete",
    9: "the delete guard stopped the run",
    10: "a report has findings that --fail-on or --within forbids",
    11: "the store is not up to date: something in it is too old, or was never read",
    130: "interrupted by Ctrl-C",
    141: "the program that read the output closed it",
}

CODES = {
    "internal": "A bug in graphdaemon. The log shows where.",
    "option_invalid": "An option, or a combination of two, is not possible. The message names it.",
    "client_closed": "The program used a client of the library after it had closed it.",
    "findings": "A report has findings that --fail-on or --within forbids.",
    "origin_foreign": "An address is at another origin than the configured one.",
    "query_invalid": "The JMESPath expression cannot be read, or does not fit a record.",
    "package_missing": "The command needs a package that is not installed.",
    "namespaces_unavailable": "This system does not let this user run a program in namespaces.",
    "program_not_started": "The program does not exist, or the system refuses to run it.",
    "no_settings": "There is no settings file, and no settings in the environment.",
    "settings_unreadable": "The settings file exists but cannot be read.",
    "settings_malformed": "The settings file is not valid JSON or TOML. The message says where.",
    "setting_unknown": "A setting is unknown. The message suggests the closest one.",
    "setting_placeholder": "The settings still contain a placeholder of the sample file.",
    "setting_invalid": "The value of a setting has the wrong type or form.",
    "setting_missing": "A required setting is missing.",
    "tenant_repeated": "Two files of tenants have the same name, and differ only in the ending.",
    "authority_ambiguous": "Not exactly one of authority, oidc_authority and tenant is given.",
    "credential_missing": "The settings contain no credential to prove the app's identity.",
    "credential_ambiguous": "The settings contain credentials that exclude each other.",
    "private_key_unreadable": "The private key file does not exist or cannot be read.",
    "private_key_encrypted": "The private key is encrypted, and the passphrase is missing or "
    "wrong.",
    "private_key_malformed": "The private key file contains no usable key.",
    "certificate_mismatch": "Thumbprint, certificate and private key do not belong together.",
    "certificate_malformed": "The certificate file contains no usable certificate.",
    "rotation_impossible": "graphdaemon cannot rotate this kind of credential.",
    "rotation_busy": "Another process is rotating the same key.",
    "rotation_unproved": "The new certificate was added, but is not accepted yet.",
    "secret_unreadable": "The file or keyring entry with a secret cannot be read.",
    "keyring_unusable": "The operating system has no usable keyring.",
    "assertion_unavailable": "The platform did not provide the token that proves the app's "
    "identity.",
    "vault_refused": "The key vault did not sign.",
    "managed_identity_absent": "This machine has no managed identity, or not the one in the "
    "settings.",
    "managed_identity_unsupported": "The managed identities of this platform are not supported.",
    "cache_key_missing": "There is no key to encrypt the shared token cache with.",
    "ca_file_unreadable": "The CA file does not exist or contains no certificate.",
    "secret_wrong": "The identity platform does not accept the client secret.",
    "secret_expired": "The client secret has expired.",
    "client_unknown": "The tenant does not know this client ID.",
    "client_disabled": "The application is disabled in this tenant.",
    "tenant_unknown": "The identity platform does not know this tenant.",
    "scope_invalid": "The scope does not have the form {App ID URI}/.default.",
    "resource_unknown": "The tenant does not know the API that the scope names.",
    "certificate_refused": "The identity platform rejects the certificate's signature.",
    "client_public": "The app is registered as a public client, which has no credential.",
    "assertion_refused": "The identity platform does not accept the federated token.",
    "resource_disabled": "The API that the scope names is disabled in this tenant.",
    "assignment_missing": "The API requires an app role for its tokens, and this app has none.",
    "access_blocked": "A Conditional Access policy blocks the app.",
    "sign_in_failed": "No administrator signed in who could register an app.",
    "az_unusable": "Azure CLI is not installed, not signed in, or gave no token.",
    "file_foreign": "There is already a file that graphdaemon did not write.",
    "file_unwritable": "A settings file or a key file cannot be written.",
    "paths_conflict": "Two options name the same file, and one would overwrite it.",
    "registration_ambiguous": "Several apps carry the tag that should identify one.",
    "credential_unproved": "The app's credential was added, but is not accepted yet.",
    "directory_behind": "The directory did not show a new object in time.",
    "consent_pending": "No token showed the consent within the given time.",
    "clock_wrong": "This machine's clock is wrong, so its assertions are not valid yet, or no "
    "longer.",
    "identity_refused": "The identity platform refused for a reason that the message quotes.",
    "identity_unavailable": "The identity platform is overloaded or out of order.",
    "identity_unreadable": "The answer is not that of a token service.",
    "token_refused": "Graph does not accept the token (401), even after it was renewed.",
    "permission_missing": "The token lacks the app role that the call needs (403).",
    "licence_missing": "The tenant lacks the licence that this part of Graph needs.",
    "not_found": "Graph has no such object or path (404).",
    "request_refused": "Graph refused the request (another 4xx, or 501).",
    "throttled": "Graph asked to wait (429), and did so again after every attempt.",
    "graph_unavailable": "Graph failed (5xx), again after every attempt.",
    "answer_foreign": "A firewall or proxy answered in place of Graph.",
    "page_malformed": "Graph's answer is not the JSON that was asked for.",
    "link_foreign": "A next link leads to another host, so it was not followed.",
    "budget_file_unusable": "The file of the shared throttle budget cannot be written.",
    "journal_busy": "Another run is using the journal.",
    "journal_mismatch": "The journal belongs to another listing.",
    "journal_unusable": "The journal cannot be read or written.",
    "listing_overdue": "The listing took longer than it was allowed to.",
    "host_unknown": "The host name could not be resolved.",
    "connection_failed": "No connection could be made.",
    "connection_lost": "The connection broke before or during the answer.",
    "timed_out": "The host did not answer in time.",
    "limit_exceeded": "An answer exceeded a limit, which the message names.",
    "address_invalid": "No request can be sent to this address.",
    "tls_untrusted": "The server's certificate is not trusted.",
    "output_failed": "The output could not be written, or a value does not fit its format.",
    "store_url_invalid": "The store's URL is malformed, or its kind of database is not supported.",
    "store_missing": "There is no store at the given place, or no folder for it.",
    "store_busy": "Another process is writing to the store or syncing the collection.",
    "store_full": "There is no room left for the store.",
    "store_gone": "The database cannot be reached, or its connection or disk failed.",
    "store_newer": "The store was written by a newer graphdaemon.",
    "store_readonly": "This user may not write to the store.",
    "store_refused": "The database refuses this user.",
    "store_unreadable": "The file or database is not a store, or it is damaged.",
    "store_late": "Something in the store is too old, or was never read.",
    "store_failed": "The database refused a request for a reason that the message quotes.",
    "listing_unproved": "Nothing proves that the listing is complete. The message gives the "
    "reason.",
    "delete_guard": "A sync would delete more rows than the delete guard allows.",
    "feed_undelivered": "Changes were committed, but the change feed could not be delivered.",
    "proxy_invalid": "A proxy variable is invalid. The message names the wrong part.",
    "proxy_refused": "The proxy did not let the connection through.",
    "bearer_missing": "A request to a protected API has no bearer token (401).",
    "bearer_invalid": "A protected API does not accept the token (401). The case says why.",
    "caller_forbidden": "A protected API does not let the caller do this (403).",
    "keys_unavailable": "A protected API cannot fetch the keys for checking tokens (503).",
}


class Error(Exception):
    """
    Any failure that graphdaemon can explain.

    Args:
        message: What happened, to what, and with which value. It never contains a secret, a token
            or a page link.
        code: One of `CODES`.
        hint: The next step, in the imperative.
        case: The key in the table of diagnoses, if it is more specific than the code.

    Attributes:
        listing: The record of the listing that this failure ended, if there was one.
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
    """The request is not possible in this form. Nothing was sent."""

    exit_code = 2


class SettingsError(Error):
    """A setting is missing or wrong. Nothing was sent."""

    exit_code = 3


class IdentityError(Error):
    """
    The identity platform did not issue a token.

    Attributes:
        error: The OAuth error, such as `invalid_client`, which Microsoft keeps stable.
        error_codes: AADSTS numbers, such as 7000215, which are more specific but may change.
        correlation_id: The ID by which Microsoft's support finds the request.
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
    Graph answered, but not with what was requested.

    Attributes:
        status: The HTTP status.
        graph_code: Graph's own error code, such as `Authorization_RequestDenied`, if it gave one.
        request_id: The ID by which Microsoft's support finds the request.
        retry_after: How many seconds Graph asked to wait, if it did; 0 or more.
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
    """There was no answer, or only a part of one."""

    exit_code = 6


class OutputError(Error):
    """The output could not be written. What has been written so far is incomplete."""

    exit_code = 7


class UnprovedError(Error):
    """
    A listing reached its end, or ran out of time, and nothing proves that it is complete.

    `listing` is its record.
    """

    exit_code = 8

    def __init__(
        self, message: str, *, code: str, hint: str | None = None, listing: object = None
    ) -> None:
        super().__init__(message, code=code, hint=hint)
        self.listing = listing


class FindingsError(Error):
    """A report on a program or on a directory has findings that the caller does not allow."""

    exit_code = 10


class StoreError(Error):
    """The store could not be read or written. It still holds what it held before."""

    exit_code = 7


class DeleteGuardError(Error):
    """
    A sync would delete more from the store at once than is allowed. Nothing was deleted.

    Attributes:
        gone: How many rows would be deleted.
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
    The program that read the output, such as `head`, closed it, so there is nothing left to do.

    This is not an `Error`, since nothing failed that anybody needs to know about.
    """
