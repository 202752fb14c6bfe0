"""Turn an exception of the network into an error that explains why there is no whole answer."""

import socket
import ssl
import zlib
from typing import NamedTuple

from graphdaemon.errors import NetworkError
from graphdaemon.http.exchange import (
    AnswerCutError,
    AnswerMalformedError,
    UnsendableError,
    is_cut,
)
from graphdaemon.http.limits import LimitExceededError
from graphdaemon.http.tunnel import HandshakeCutError, ProxyError


class _Failure(NamedTuple):
    """The exceptions that belong to a case in the table of diagnoses, and their message."""

    causes: tuple[type[Exception], ...]
    case: str
    message: str


FAILURES = (
    *(OSError, ValueError, zlib.error),
    *(AnswerCutError, AnswerMalformedError, LimitExceededError, UnsendableError),
)
"""All exceptions that a connection, or reading an answer, may raise."""

# The first matching row counts: TimeoutError, gaierror and the TLS errors are all OSErrors.
_FAILURES = (
    _Failure(
        (ssl.SSLCertVerificationError,),
        "tls_untrusted",
        "the certificate of {host} is not trusted: {reason}",
    ),
    _Failure(
        (socket.gaierror, UnicodeError),
        "host_unknown",
        "the name of {host} could not be resolved",
    ),
    _Failure((TimeoutError,), "timed_out", "{host} did not answer within {timeout:g} s"),
    _Failure(
        (AnswerCutError, zlib.error),
        "answer_cut",
        "the answer of {host} broke off in the middle",
    ),
    _Failure(
        (ConnectionRefusedError,),
        "connection_refused",
        "nothing answers at {host}: connection refused",
    ),
    _Failure(
        (AnswerMalformedError,),
        "answer_malformed",
        "the answer of {host} breaks the rules of HTTP/1.1",
    ),
    _Failure((LimitExceededError,), "limit_exceeded", "the answer of {host} {reason}"),
    _Failure(
        (UnsendableError,),
        "address_invalid",
        "a request to {host} cannot be written: its address or a header has characters that HTTP "
        "does not allow",
    ),
    _Failure(
        (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError),
        "connection_lost",
        "the connection to {host} broke ({kind})",
    ),
    _Failure(
        (Exception,),
        "connection_failed",
        "the connection to {host} could not be made: {reason}",
    ),
)


# Numbers of OpenSSL (X509_V_ERR_…): 9 not yet valid, 10 expired, 62 issued to other hosts.
_VERIFY_CASES: dict[int | None, str] = {9: "tls_expired", 10: "tls_expired", 62: "tls_misnamed"}


def explain_failure(
    error: Exception, host: str, timeout: float, signer: str | None = None
) -> NetworkError:
    """
    Return the `NetworkError` for an exception, with a hint that names the next step.

    Args:
        error: The exception, one of `FAILURES`.
        host: The host that was called, with its port unless that is the default.
        timeout: The seconds that were waited for it.
        signer: The issuer of the host's certificate, if that was not trusted.
    """
    # Imported here, because a run without a failure needs neither.
    from graphdaemon.diagnosis.advice import advise
    from graphdaemon.http.interception import is_intercepted

    case, message = _read_failure(error, host, timeout)
    if signer is not None:
        message += f"; it is signed by {signer}"
        if case == "tls_untrusted" and is_intercepted(host, signer):
            case = "tls_intercepted"
    advice = advise(case, {"host": host})
    return NetworkError(message, code=advice.code, hint=advice.step, case=case)


def explain_invalid_address() -> NetworkError:
    """Return the error for an invalid address, which is not shown: it may be a page link."""
    from graphdaemon.diagnosis.advice import advise

    advice = advise("address_invalid")
    return NetworkError(
        "an address has no valid host or port, or characters that need an escape",
        code=advice.code,
        hint=advice.step,
        case="address_invalid",
    )


def _read_failure(error: Exception, host: str, timeout: float) -> tuple[str, str]:
    if isinstance(error, ProxyError):
        return error.case, f"{error} (on the way to {host})"
    if isinstance(error, HandshakeCutError):
        return "tls_broken", f"the connection to {host} broke as soon as TLS began"
    if is_cut(error):
        # The message is then the same with every version of Python.
        error = ssl.SSLEOFError(*error.args)
    failure = next(row for row in _FAILURES if isinstance(error, row.causes))
    reason = getattr(error, "verify_message", None) or getattr(error, "strerror", None)
    message = failure.message.format(
        host=host, reason=reason or error, kind=type(error).__name__, timeout=timeout
    )
    return _VERIFY_CASES.get(getattr(error, "verify_code", None), failure.case), message
