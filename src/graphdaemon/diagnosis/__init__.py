"""Say what an answer or a token means, and what to do next; works offline."""
