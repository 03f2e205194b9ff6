"""Makes tokens and measures joules."""
