"""Waiting for a shared server: formulas, a simulation, and the team that is too large for it."""
