"""Whether an access token may call an API: for web frameworks, and as a plain function."""
