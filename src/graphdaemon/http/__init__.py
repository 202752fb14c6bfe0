"""HTTPS requests: connections, TLS, proxies, and errors that explain why there is no answer."""
