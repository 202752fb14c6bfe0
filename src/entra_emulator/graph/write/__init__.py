"""The bodies of requests that write, and the rules for them."""
