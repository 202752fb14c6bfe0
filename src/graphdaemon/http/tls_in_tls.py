"""
TLS to a host inside TLS to a proxy; only this module uses the package urllib3.

Python's `SSLContext.wrap_socket` cannot do this: it passes the descriptor of the socket to OpenSSL,
which then would not use the TLS connection to the proxy.
"""

import ssl

from urllib3.util.ssltransport import SSLTransport


class TlsInTls(SSLTransport):
    """
    A TLS connection to the host `name`, over `sock`, which is a TLS connection to the proxy.

    The handshake is done when the object is made. After `setblocking(False)`, reading raises
    `SSLWantReadError` instead of waiting.
    """

    def __init__(self, sock: ssl.SSLSocket, context: ssl.SSLContext, name: str) -> None:
        self._patience = sock.gettimeout()
        super().__init__(sock, context, name, suppress_ragged_eofs=False)

    @property
    def proxy_socket(self) -> ssl.SSLSocket:
        """The TLS connection to the proxy."""
        assert isinstance(self.socket, ssl.SSLSocket), "it was given"
        return self.socket

    def setblocking(self, flag: bool) -> None:
        """Set whether reading waits until bytes have come."""
        self.socket.setblocking(flag)

    def pending(self) -> int:
        """Return the number of bytes that were read from the system and not yet from here."""
        return self.sslobj.pending() + self.incoming.pending + self.proxy_socket.pending()

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        """Return up to `buflen` bytes that have come; empty at the end of the connection."""
        data = super().recv(buflen, flags)
        assert isinstance(data, bytes), "it is a number only where a buffer is filled"
        return data

    def send(self, data: bytes | memoryview, flags: int = 0) -> int:
        """Send bytes, wait until they are sent, and return their number."""
        # SSLTransport would lose what a socket that does not wait has not taken.
        self.socket.settimeout(self._patience)
        try:
            return super().send(bytes(data), flags)
        finally:
            self.socket.setblocking(False)
