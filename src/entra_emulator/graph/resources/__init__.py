"""One file for each collection: its routes, its rule, and what is particular about it."""
