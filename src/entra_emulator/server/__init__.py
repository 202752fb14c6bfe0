"""The running emulator: settings, routes, TLS, and faults on the wire."""
