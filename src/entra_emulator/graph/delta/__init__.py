"""Delta queries: the changes since a client's last request."""
