"""Graph's audit logs: sign-ins, and changes of the directory."""
