"""What stands in front of the pages: signing in and out, the first account, one's own password."""
