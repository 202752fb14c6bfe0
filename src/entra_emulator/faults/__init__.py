"""Which requests are to fail, and which are throttled: decisions without any network."""
