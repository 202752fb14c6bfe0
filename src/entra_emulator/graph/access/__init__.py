"""Decide whether a request to Graph is allowed: its permissions and its cost."""
