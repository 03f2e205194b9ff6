"""Every family against transformers, on small random checkpoints that transformers writes."""
