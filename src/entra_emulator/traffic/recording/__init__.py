"""What a program asked and was answered, kept without secrets and without anybody's name."""
