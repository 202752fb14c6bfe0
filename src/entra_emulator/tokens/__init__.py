"""Signing, reading and describing tokens."""
