"""Carves the dense SmolLM2-135M-Instruct into a mixture of experts."""
