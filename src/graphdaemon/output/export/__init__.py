"""Export the content of a store as files that other programs can read."""
