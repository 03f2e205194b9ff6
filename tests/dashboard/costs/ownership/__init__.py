"""Tests of what owning hardware costs."""
