"""The bodies of requests that write, and the rules that they must keep."""
