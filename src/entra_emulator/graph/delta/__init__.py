"""What changed since a delta link was given out."""
