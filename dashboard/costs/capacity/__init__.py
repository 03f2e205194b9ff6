"""What hardware a model needs for a team, and how fast it answers: on paper, with its error."""
