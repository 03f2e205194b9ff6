"""The cost model: pure functions on pydantic models."""
