"""Anthropic's dialect: what its clients send and expect."""
