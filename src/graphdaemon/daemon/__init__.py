"""What keeps stores in step, unattended: its work, and how one watches it."""
