"""What a program asked of Graph and of the token service, and what it had better do otherwise."""
