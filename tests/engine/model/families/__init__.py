"""Tests of engine.model.families."""
