"""What each client does to list everybody: the smallest program that its makers' guides lead to."""
