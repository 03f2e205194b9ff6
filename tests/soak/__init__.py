"""Many clients at once for minutes, some of which leave; then everything is counted."""
