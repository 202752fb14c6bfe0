"""Requests to the emulator's application from within the process, without a socket."""
