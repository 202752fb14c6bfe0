"""HTTPS: connections, TLS, proxies, and what a failure is called."""
