"""Decide when a request may be sent, so that Graph throttles the app as little as possible."""
