"""The running emulator: its settings, routes and TLS, and faults on the connection."""
