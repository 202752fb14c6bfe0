"""The collections, each in a file: its routes, its rule, and its particular behaviour."""
