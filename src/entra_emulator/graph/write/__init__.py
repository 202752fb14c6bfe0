"""Bodies of writes, and the rules they must keep."""
