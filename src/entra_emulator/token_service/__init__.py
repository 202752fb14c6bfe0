"""The token service: discovery, grants, sign-in and consent."""
