"""Requests to Graph: their addresses, attempts, pages and batches, and the links to be followed."""
