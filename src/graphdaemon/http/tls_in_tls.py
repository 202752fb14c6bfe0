"""
TLS to a host within TLS to a proxy; the package urllib3 lives here alone.

Python's own `SSLContext.wrap_socket` cannot do it: it gives OpenSSL the number of the socket below,
past whatever encrypts it.
"""

import ssl

from urllib3.util.ssltransport import SSLTransport


class TlsInTls(SSLTransport):
    """
    A connection to `name`, encrypted once more than `sock`; making it does the handshake.

    It does not wait for the host when it is read, once `setblocking(False)` has been called.
    """

    def __init__(self, sock: ssl.SSLSocket, context: ssl.SSLContext, name: str) -> None:
        self._patience = sock.gettimeout()
        super().__init__(sock, context, name, suppress_ragged_eofs=False)

    @property
    def proxy_socket(self) -> ssl.SSLSocket:
        """The connection to the proxy."""
        assert isinstance(self.socket, ssl.SSLSocket), "it was given"
        return self.socket

    def setblocking(self, flag: bool) -> None:
        """Say whether reading waits."""
        self.socket.setblocking(flag)

    def pending(self) -> int:
        """Return how many bytes have come that the system no longer knows of."""
        return self.sslobj.pending() + self.incoming.pending + self.proxy_socket.pending()

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        """Return what has come; nothing at the end."""
        data = super().recv(buflen, flags)
        assert isinstance(data, bytes), "it is a number only where a buffer is filled"
        return data

    def send(self, data: bytes | memoryview, flags: int = 0) -> int:
        """Send bytes, and wait until they are sent."""
        # What a socket that does not wait has not taken would be lost in SSLTransport.
        self.socket.settimeout(self._patience)
        try:
            return super().send(bytes(data), flags)
        finally:
            self.socket.setblocking(False)
