"""What an answer or a token means, and the next step; works offline."""
