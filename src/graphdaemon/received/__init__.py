"""What a server sends, checked where it enters: numbers, JSON, and text that is shown."""
