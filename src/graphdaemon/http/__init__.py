"""The socket: TLS, proxy, and what a failure is called."""
