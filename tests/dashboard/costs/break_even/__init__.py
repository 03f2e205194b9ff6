"""Tests of dashboard.costs.break_even."""
