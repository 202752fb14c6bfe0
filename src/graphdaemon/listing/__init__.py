"""One complete listing, and what proves that it is complete."""
