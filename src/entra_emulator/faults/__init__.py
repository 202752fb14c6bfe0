"""What is to go wrong, and when; throttling limits. Pure decisions."""
