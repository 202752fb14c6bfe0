"""What a failure of the network is called, as a table."""

import socket
import ssl
import zlib

import pytest

from graphdaemon.http.exchange import AnswerCutError, AnswerMalformedError
from graphdaemon.http.failures import explain_failure
from graphdaemon.http.tunnel import HandshakeCutError, ProxyError


def untrusted(verify_code: int = 20) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message, error.verify_code = "unable to get local issuer certificate", verify_code
    return error


@pytest.mark.parametrize(
    ("error", "case", "message"),
    [
        (untrusted(), "tls_untrusted", "is not trusted: unable to get local issuer certificate"),
        (untrusted(9), "tls_expired", "is not trusted"),
        (untrusted(10), "tls_expired", "is not trusted"),
        (untrusted(62), "tls_misnamed", "is not trusted: unable to get local issuer certificate"),
        (socket.gaierror(-2, "Name unknown"), "host_unknown", "could not be resolved"),
        (UnicodeError("label too long"), "host_unknown", "could not be resolved"),
        (TimeoutError(), "timed_out", "graph.test did not answer within 2.5 s"),
        (AnswerCutError(), "answer_cut", "broke off in the middle"),
        (zlib.error("x"), "answer_cut", "broke off in the middle"),
        (ConnectionRefusedError(), "connection_refused", "connection refused"),
        (ConnectionResetError(), "connection_lost", "broke (ConnectionResetError)"),
        (AnswerMalformedError(), "answer_malformed", "breaks the rules of HTTP/1.1"),
        (HandshakeCutError(), "tls_broken", "broke as soon as TLS began"),
        (OSError(113, "No route to host"), "connection_failed", "not be made: No route to host"),
        (ssl.SSLError("odd"), "connection_failed", "could not be made: ('odd',)"),
        (
            ProxyError("proxy_down", "nothing at the proxy"),
            "proxy_down",
            "nothing at the proxy (on the way",
        ),
    ],
)
def test_every_failure_has_its_case_and_next_step(
    error: Exception, case: str, message: str
) -> None:
    """The host is named, and what the operating system or the proxy said about it."""
    failure = explain_failure(error, "graph.test", 2.5)

    assert failure.case == case
    assert message in str(failure)
    assert "graph.test" in str(failure)
    assert failure.hint


@pytest.mark.parametrize(
    ("host", "signer", "case"),
    [
        ("graph.microsoft.com", "Contoso Proxy", "tls_intercepted"),
        ("graph.microsoft.com", "DigiCert Inc", "tls_untrusted"),
        ("graph.test", "Contoso Proxy", "tls_untrusted"),
    ],
)
def test_who_signed_an_untrusted_certificate_is_said(host: str, signer: str, case: str) -> None:
    """At a host of Microsoft's, a stranger's signature shows a proxy that opens TLS."""
    failure = explain_failure(untrusted(), host, 2.5, signer)

    assert str(failure).endswith(f"; it is signed by {signer}")
    assert failure.case == case
