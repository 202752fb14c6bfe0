"""The content of a store as files that other programs read."""
