"""What each type of object is like. Pure descriptions."""
