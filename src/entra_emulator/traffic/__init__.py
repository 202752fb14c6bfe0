"""What programs ask and are answered: reports on it, and recordings of it."""
