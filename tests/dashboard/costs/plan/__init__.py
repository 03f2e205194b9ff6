"""Plans: one scenario in, every figure out."""
