"""Benchmarks: run by hand, as modules."""
